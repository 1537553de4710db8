import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import { luaVerdict } from './egctl';

/** A program in place of egctl that prints what it is told. */
async function standIn(folder: string, script: string): Promise<string> {
  const program = join(folder, 'egctl');
  await fs.writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return program;
}

const translated = (condition: object) =>
  `cat <<'END'\n${JSON.stringify({
    envoyExtensionPolicies: [
      { status: { ancestors: [{ conditions: [condition] }] } },
    ],
  })}\nEND`;

describe('luaVerdict', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-egctl-test-'));
  });
  afterAll(() => fs.remove(folder));

  it.each([
    [translated({ type: 'Accepted', status: 'True' }), { state: 'accepted' }],
    [
      translated({ type: 'Accepted', status: 'False', message: 'Lua: no.' }),
      { state: 'refused', message: 'Lua: no.' },
    ],
    [
      translated({
        type: 'Accepted',
        status: 'False',
        message: 'the feature is disabled',
      }),
      { state: 'unknown', reason: expect.stringMatching('off by default') },
    ],
    [
      `echo '{}'`,
      { state: 'unknown', reason: 'egctl says nothing of the policy' },
    ],
    [
      'echo broken >&2; exit 3',
      { state: 'unknown', reason: 'egctl failed: broken' },
    ],
  ])('reads what %j prints', async (script, verdict) => {
    const program = await standIn(folder, script);
    await expect(luaVerdict(program, '', undefined)).resolves.toEqual(verdict);
  });

  it('says that the program is not there', async () => {
    await expect(
      luaVerdict(join(folder, 'none'), '', undefined),
    ).resolves.toMatchObject({
      reason: expect.stringMatching(/is not there \(egExtensions/),
    });
  });

  it('gives the program the script in the policy, and nothing of the back end’s environment', async () => {
    process.env.EG_CANARY = 'canary-5d1f';
    try {
      const seen = join(folder, 'seen');
      const program = await standIn(
        folder,
        `env > ${seen}; cat "$8" >> ${seen}; echo '{}'`,
      );
      await luaVerdict(program, 'function envoy_on_request() end', { a: 1 });
      const text = await fs.readFile(seen, 'utf8');
      expect(text).toMatch('"inline":"function envoy_on_request() end"');
      expect(text).toMatch('"filterContext":{"a":1}');
      expect(text).not.toMatch('canary-5d1f');
    } finally {
      delete process.env.EG_CANARY;
    }
  });
});
