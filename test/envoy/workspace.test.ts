import { parseAnswers, plan, releases } from 'backstage-plugin-eg-common';
import {
  repositoryOf,
  shippedSkeletons,
  verify,
} from 'backstage-plugin-scaffolder-backend-module-eg';
import fs from 'fs-extra';
import { tmpdir } from 'os';
import { join } from 'path';
import { parse, stringify } from 'yaml';
import { egctlOf } from '../src/egctl';
import { describeWith } from '../src/tools';

describeWith(
  releases.map(egctlOf),
  'a script of a workspace, with every egctl',
  () => {
    let folder: string;
    beforeEach(async () => {
      folder = await fs.mkdtemp(join(tmpdir(), 'eg-workspace-'));
    });
    afterEach(() => fs.remove(folder));

    const written = () => join(folder, 'written');

    /** A workspace whose policy carries a script that writes a file. */
    async function workspace(): Promise<string> {
      const directory = join(folder, 'workspace');
      const tree = await repositoryOf(
        await shippedSkeletons(),
        plan(
          parseAnswers({
            name: 'my-extension',
            owner: 'group:default/platform',
            purpose: 'header-transform',
            settings: { request: [{ action: 'set', name: 'x-a', value: 'b' }] },
            implementation: 'lua',
          }),
        ),
      );
      for (const [path, content] of tree) {
        await fs.outputFile(join(directory, path), content);
      }
      const file = join(directory, 'policy/envoyextensionpolicy.yaml');
      const policy = parse(await fs.readFile(file, 'utf8'));
      policy.spec.lua = [
        {
          type: 'Inline',
          inline: `local f = io.open("${written()}", "w") f:write("x") f:close()
function envoy_on_request(handle) end`,
        },
      ];
      await fs.writeFile(file, stringify(policy));
      return directory;
    }

    it.each(releases.map(release => [release.version, egctlOf(release)]))(
      'reads and writes no file in Envoy Gateway %s, unless the owner of the folder trusts it',
      async (_, egctl) => {
        const directory = await workspace();
        const options = { timeout: 60_000, egctl };
        for (const build of ['here', 'ci'] as const) {
          await verify(directory, { ...options, build });
          expect(await fs.pathExists(written())).toBe(false);
        }
        await verify(directory, { ...options, trustFolder: true });
        expect(await fs.pathExists(written())).toBe(true);
      },
      120_000,
    );
  },
);
