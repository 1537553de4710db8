import {
  generateInto,
  Scaffolder,
  startScaffolder,
  templateFolder,
} from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import {
  AnswersInput,
  answersSchema,
  implementationOf,
  implementations,
  lintPolicy,
  parseAnswers,
  plan,
  purposeOf,
  recommend,
  releases,
  withExample,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';

// The specification was written against Envoy Gateway 1.7 and is wrong in places. Each test names a correction that the
// product gets right, numbered as in the list of corrections.

const answers = (given: Partial<AnswersInput> = {}) =>
  parseAnswers(
    withExample({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'header-transform',
      target: { name: 'my-route' },
      registry: 'ghcr.io/acme',
      ...given,
    }),
  );

describe('corrections of the specification', () => {
  let scaffolder: Scaffolder;
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-corrections-'));
    scaffolder = await startScaffolder();
    for (const { id } of implementations) {
      await generateInto(
        scaffolder,
        answers({ implementation: id }),
        join(folder, id),
      );
    }
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  const read = (file: string) => fs.readFile(join(folder, file), 'utf8');

  it('1: the Envoy API comes from its own Go module, and go.sum is complete', async () => {
    const goMod = await read('extproc-go/go.mod');
    expect(goMod).toMatch(
      /github\.com\/envoyproxy\/go-control-plane\/envoy v1\./,
    );
    expect(goMod).not.toMatch(/go-control-plane v0/);
    const sums = await read('extproc-go/go.sum');
    for (const [, module, version] of goMod.matchAll(
      /^\s+(\S+\.\S+) (v\S+)/gm,
    )) {
      expect(sums).toContain(`${module} ${version} h1:`);
    }
    expect(await read('extproc-go/Dockerfile')).toMatch(/COPY go\.mod go\.sum/);
  });

  it('2: every enabled phase gets a response of its own kind', async () => {
    // That an empty one fails in a real Envoy is tested in test/matrix.
    const replies = await read('extproc-go/internal/processor/replies.go');
    for (const kind of [
      'RequestHeaders',
      'ResponseHeaders',
      'RequestBody',
      'ResponseBody',
      'RequestTrailers',
      'ResponseTrailers',
    ]) {
      expect(replies).toContain(`ProcessingResponse_${kind}{`);
    }
  });

  it('3: Wasm and Lua can call out, but only to clusters that Envoy already has', () => {
    const { rejected } = recommend(answers({ externalCalls: true }));
    const inProcess = rejected.filter(r =>
      ['wasm', 'lua'].includes(r.mechanism),
    );
    expect(inProcess.map(r => r.implementation)).toEqual(['wasm-rust', 'lua']);
    for (const { reasons } of inProcess) {
      expect(reasons.join()).toContain('only clusters that Envoy already has');
    }
  });

  it('3: Lua can see bodies', () => {
    const { ranking } = recommend(
      answers({
        purpose: 'other',
        processing: ['requestBody'],
        language: 'lua',
      }),
    );
    expect(ranking.map(r => r.implementation)).toContain('lua');
  });

  it('4: targets are Gateway, ListenerSet since 1.9, HTTPRoute and GRPCRoute, never Backend', () => {
    for (const kind of ['Gateway', 'ListenerSet', 'HTTPRoute', 'GRPCRoute']) {
      expect(answers({ target: { kind } as any }).target.kind).toBe(kind);
    }
    for (const kind of ['UDPRoute', 'TCPRoute', 'TLSRoute']) {
      expect(() => answers({ target: { kind } as any })).toThrow(
        /target\.kind: ".*" is not valid: an extension there is accepted and has no effect/,
      );
      expect(() =>
        recommend(
          answers({
            target: { kind } as any,
            need: 'shed-load',
            implementation: 'extproc-go',
          }),
        ),
      ).toThrow('an extension policy on it is accepted and does nothing');
    }
    for (const kind of ['Backend', 'Service']) {
      expect(() => answers({ target: { kind } as any })).toThrow(
        /target\.kind: ".*" is not valid: choose one of HTTPRoute, GRPCRoute, Gateway, ListenerSet/,
      );
    }
    expect(() =>
      answers({ gatewayVersion: '1.8', target: { kind: 'ListenerSet' } }),
    ).toThrow('Envoy Gateway 1.8 does not know it as a target');
  });

  it('5: Lua is off by default since 1.9, and the advice says so', () => {
    const warned = (gatewayVersion: string) =>
      recommend(
        answers({ implementation: 'lua', gatewayVersion } as any),
      ).warnings.some(w => w.id === 'lua-disabled-by-default-1.9');
    expect(releases.map(r => [r.version, warned(r.version)])).toEqual([
      ['1.6', false],
      ['1.7', false],
      ['1.8', false],
      ['1.9', true],
    ]);
  });

  it('5: the repository explains enableLua and the strict validator', async () => {
    const readme = await read('lua/README.md');
    expect(readme).toContain('enableLua');
    expect(await read('lua/docs/production.md')).toMatch(/`Strict` means/);
  });

  it('6: every language that is offered is generated', async () => {
    const offered = answersSchema.shape.language.def.innerType.options.filter(
      // other stands for a language that is not generated: the advice names the mechanism, and says what is generated.
      language => language !== 'none' && language !== 'other',
    );
    expect([...offered].sort()).toEqual(
      implementations.map(i => i.language).sort(),
    );
    for (const { id } of implementations) {
      expect(await fs.pathExists(join(templateFolder, 'skeletons', id))).toBe(
        true,
      );
    }
  });

  it('7: TinyGo is not asked for', async () => {
    expect(JSON.stringify(implementations)).not.toMatch(/tinygo/i);
    expect(await read('wasm-rust/Cargo.toml')).toContain('proxy-wasm');
  });

  it('8: a body that does not fit the connection buffer is streamed; one that should and does not is expected to end in 413', () => {
    const mode = (bodySize: 'small' | 'large' | 'streaming') =>
      plan(answers({ purpose: 'body-transform', bodySize })).processing;
    expect(mode('small').request).toEqual({ body: 'Buffered' });
    expect(mode('large').request).toEqual({ body: 'FullDuplexStreamed' });
    expect(mode('streaming').request).toEqual({ body: 'FullDuplexStreamed' });
    const { settings } = answers({ purpose: 'body-transform' });
    const cases = purposeOf('body-transform').cases(settings, {
      processing: mode('small'),
      implementation: implementationOf('extproc-go'),
    });
    expect(cases.map(c => c.expect.response.status)).toContain(413);
  });

  it('9: what production needs is there', async () => {
    const server = await read('extproc-go/internal/server/server.go');
    for (const part of [
      'GracefulStop',
      'NOT_SERVING',
      'keepalive.',
      'MaxRecvMsgSize',
    ]) {
      expect(server).toContain(part);
    }
    expect(await read('extproc-go/main.go')).toContain('SIGTERM');
    expect(await read('extproc-go/go.mod')).toContain('prometheus');
    expect(await read('extproc-go/docs/production.md')).toContain(
      'BackendTLSPolicy',
    );
    for (const { id } of implementations) {
      expect(await read(`${id}/.github/workflows/ci.yml`)).toContain(
        'make envoy-test',
      );
    }
  });

  it('10: the image of a Wasm module can be pinned, and the policy says how', async () => {
    const policy = await read('wasm-rust/policy/envoyextensionpolicy.yaml');
    expect(policy).toMatch(/# .*sha256/);
    const pinned = parse(policy);
    pinned.spec.wasm[0].code.image.sha256 = 'a'.repeat(64);
    expect(lintPolicy(pinned, '1.9')).toEqual([]);
  });

  it('11: the policy is in its target’s namespace, wherever the workload is', () => {
    expect(
      plan(answers({ namespace: 'work', target: { namespace: 'shop' } })).policy
        .namespace,
    ).toBe('shop');
  });

  it('12: what Envoy Gateway does itself is no extension, and dynamic modules are part of the advice', () => {
    expect(recommend(answers({ need: 'cors' })).decision).toBe('native');
    const judged = recommend(answers());
    expect(
      [...judged.ranking, ...judged.rejected].map(r => r.mechanism).sort(),
    ).toEqual(['dynamic-module', 'extproc', 'lua', 'native', 'wasm']);
  });

  it('13: the README looks at the ancestors of the status, not at grep', async () => {
    for (const { id } of implementations) {
      const readme = await read(`${id}/README.md`);
      expect(readme).toContain('status.ancestors');
      expect(readme).not.toMatch(/\|\s*grep/);
      expect(readme).toMatch(/target was not found|target does not exist/);
    }
  });

  it('14: the final image stage copies from the build stage and does not run as root', async () => {
    const go = await read('extproc-go/Dockerfile');
    expect(go).toMatch(/COPY --from=\S+ .*ext-proc-server/);
    expect(go).toMatch(/^USER [1-9]/m);
    const rust = await read('wasm-rust/Dockerfile');
    const finalStage = rust.slice(rust.lastIndexOf('FROM '));
    expect(finalStage).toMatch(/^FROM scratch/);
    expect(finalStage.match(/^COPY /gm)).toHaveLength(1);
    expect(finalStage).toMatch(
      /COPY --from=\S+ \S+plugin\.wasm \.?\/?plugin\.wasm/,
    );
  });
});
