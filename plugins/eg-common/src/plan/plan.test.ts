import { AnswersInput, parseAnswers } from '../intake';
import { purposes, wasmMemory } from '../purposes';
import { recommend } from '../recommend';
import { plan, templateValues } from './plan';

const planned = (given: Partial<AnswersInput> = {}) =>
  plan(
    parseAnswers({
      name: 'my-extension',
      owner: 'group:default/platform',
      purpose: 'other',
      ...given,
    }),
  );

/** Paths of values that are left open. */
function undefinedIn(value: unknown, path = ''): string[] {
  if (value === undefined) {
    return [path];
  }
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([k, v]) => undefinedIn(v, `${path}.${k}`))
    : [];
}

describe('plan', () => {
  it('leaves nothing to default', () => {
    for (const implementation of ['extproc-go', 'wasm-rust', 'lua'] as const) {
      expect(undefinedIn(planned({ implementation }))).toEqual([]);
    }
  });

  it('marks what the person still has to decide', () => {
    expect(planned()).toMatchObject({
      target: { name: 'my-route', placeholder: true },
      extproc: { image: { placeholder: true } },
    });
    expect(
      planned({ registry: 'ghcr.io/acme', target: { name: 'shop' } }),
    ).toMatchObject({
      target: { name: 'shop', placeholder: false },
      extproc: {
        image: { repository: 'ghcr.io/acme/my-extension', placeholder: false },
      },
    });
  });

  it('says the measured memory of each Wasm module in advice and documents', () => {
    for (const { id } of purposes) {
      const figure = wasmMemory[id];
      // An Envoy’s V8 alone needs more than this.
      expect([id, figure > 20]).toEqual([id, true]);
      const given = { purpose: id, implementation: 'wasm-rust' } as const;
      const ofOther = planned({ implementation: 'wasm-rust' });
      expect(templateValues({ ...ofOther, purpose: id }).wasmMemory).toBe(
        figure,
      );
      const { warnings } = recommend(
        parseAnswers({
          name: 'my-extension',
          owner: 'group:default/platform',
          ...given,
        }),
      );
      expect(
        warnings.find(w => w.id === 'wasm-memory-per-policy')?.text,
      ).toContain(`about ${figure} MiB more`);
    }
    expect(
      templateValues(planned({ implementation: 'extproc-go' })).wasmMemory,
    ).toBe('');
  });

  it('gives the extension only the phases that the purpose needs', () => {
    expect(
      planned({
        purpose: 'header-transform',
        processing: ['requestHeaders', 'responseHeaders', 'requestBody'],
        settings: { request: [{ action: 'rename', name: 'x-a', to: 'x-b' }] },
      }).processing,
    ).toEqual({ request: { body: false }, response: false });
  });

  it('never holds a response that streams, whatever its size', () => {
    const given = { purpose: 'ai-gateway', bodySize: 'small' } as const;
    expect(planned(given).processing).toEqual({
      request: { body: 'FullDuplexStreamed' },
      response: { body: 'FullDuplexStreamed' },
    });
    // The modes are ExtProc’s; a Wasm module decides itself.
    expect(
      planned({ ...given, implementation: 'wasm-rust' }).processing.response,
    ).toEqual({ body: 'Buffered' });
  });

  it('gives an open-ended purpose every phase that was asked for', () => {
    expect(
      planned({ processing: ['responseBody'], bodySize: 'streaming' })
        .processing,
    ).toEqual({ request: false, response: { body: 'FullDuplexStreamed' } });
  });

  it('keeps the policy in the target’s namespace', () => {
    expect(
      planned({ namespace: 'workloads', target: { namespace: 'shop' } }),
    ).toMatchObject({
      policy: { namespace: 'shop' },
      extproc: { namespace: 'workloads' },
    });
  });
});
