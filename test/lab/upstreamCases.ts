import execa from 'execa';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { releases } from 'backstage-plugin-eg-common';
import { goModule } from './programs';

/** A case of Envoy Gateway's own test of its validation. */
export interface UpstreamCase {
  description: string;
  policy: unknown;
  accepted: boolean;
}

/** The test's folder in the Go module. From Envoy Gateway 1.8 on it is in a module of its own, which is not published. */
const folder = 'test/cel-validation';
const file = `${folder}/envoyextensionpolicy_test.go`;
const policyType = {
  apiVersion: 'gateway.envoyproxy.io/v1alpha1',
  kind: 'EnvoyExtensionPolicy',
};
const test = 'TestEnvoyExtensionPolicyTarget';

/**
 * Stands in for the API server in upstream's test: prints what is created and accepts everything. So the cases that
 * fail are those that expect a refusal.
 */
const client = `//go:build celvalidation

package celvalidation

import (
	"context"
	"encoding/json"
	"fmt"
)

type everything struct{}

func (everything) Create(_ context.Context, object any) error {
	text, err := json.Marshal(object)
	fmt.Printf("\\ncreated %s\\n", text)
	return err
}
func (everything) Update(context.Context, any) error { return nil }
func (everything) Status() everything                { return everything{} }

var c everything
`;

/** Folder of the newest release's module that has the test. */
async function modulesFolder(): Promise<{ version: string; root: string }> {
  for (const { module } of [...releases].reverse()) {
    const { Dir } = await goModule(`github.com/envoyproxy/gateway@v${module}`);
    if (await fs.pathExists(join(Dir, file))) {
      return { version: module, root: Dir };
    }
  }
  throw new Error(`no supported release of Envoy Gateway has ${file}`);
}

/** Every case of upstream's table, from the Go module of the newest release that has it. */
export async function upstreamCases(): Promise<{
  version: string;
  cases: UpstreamCase[];
}> {
  const { version, root } = await modulesFolder();
  const own = await fs.mkdtemp(join(tmpdir(), 'eg-cel-'));
  try {
    // What the test is compiled with; files of the module cache cannot be replaced by an overlay.
    for (const part of ['go.mod', 'go.sum', 'api', file]) {
      await fs.copy(join(root, part), join(own, part));
    }
    await execa('chmod', ['-R', 'u+w', own]);
    await fs.writeFile(join(own, folder, 'main_test.go'), client);
    const { stdout, stderr } = await execa(
      'go',
      [
        ...['test', '-json', '-count=1', '-vet=off', '-tags=celvalidation'],
        ...[`-run=^${test}$`, `./${folder}`],
      ],
      { cwd: own, reject: false },
    );
    const cases = casesOf(stdout);
    if (cases.length === 0) {
      throw new Error(`${folder} of ${version} ran no case:\n${stderr}`);
    }
    return { version, cases };
  } finally {
    await fs.remove(own);
  }
}

/** The cases in what `go test -json` prints. */
function casesOf(output: string): UpstreamCase[] {
  const events: { Action: string; Test?: string; Output?: string }[] = output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line));
  const ended = events.filter(
    ({ Action, Test }) =>
      ['pass', 'fail'].includes(Action) && Test?.startsWith(`${test}/`),
  );
  return ended.map(({ Action, Test }) => {
    const printed = events
      .filter(event => event.Test === Test && event.Action === 'output')
      .map(({ Output }) => Output)
      .join('');
    const [, text] = /^created (.*)$/m.exec(printed) ?? [];
    if (!text) {
      throw new Error(`${Test} created nothing:\n${printed}`);
    }
    return {
      description: Test!.slice(test.length + 1).replace(/_/g, ' '),
      // Clients add them; the objects of the test have none.
      policy: { ...policyType, ...JSON.parse(text) },
      accepted: Action === 'pass',
    };
  });
}
