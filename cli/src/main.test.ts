import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import { main } from './main';
import { templateFolder } from './scaffolder';

const examples = join(__dirname, '../../examples/answers');

describe('the command line', () => {
  let folder: string;
  let printed: string;
  let errors: string;

  beforeEach(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-cli-'));
    printed = '';
    errors = '';
    jest.spyOn(process.stdout, 'write').mockImplementation(text => {
      printed += text;
      return true;
    });
    jest.spyOn(process.stderr, 'write').mockImplementation(text => {
      errors += text;
      return true;
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await fs.remove(folder);
  });

  it('recommends, as text and as JSON', async () => {
    const file = join(examples, 'mask-card-numbers.yaml');
    expect(await main(['recommend', '--answers', file])).toBe(0);
    expect(printed).toMatch(/^# ExtProc in Go/);
    printed = '';
    expect(await main(['recommend', '--answers', file, '--json'])).toBe(0);
    expect(JSON.parse(printed).decision).toBe('extproc-go');
  });

  it('generates a repository that verifies', async () => {
    const out = join(folder, 'deep/out');
    const file = join(examples, 'mask-card-numbers.yaml');
    expect(
      await main(['generate', '--answers', file, '--out', out, '--json']),
    ).toBe(0);
    const { files } = JSON.parse(printed);
    expect(files).toContain('policy/envoyextensionpolicy.yaml');
    for (const path of files) {
      expect(await fs.pathExists(join(out, path))).toBe(true);
    }
    printed = '';
    expect(await main(['verify', out, '--json'])).toBe(0);
    expect(JSON.parse(printed).passed).toBe(true);

    await fs.remove(join(out, 'go.sum'));
    expect(await main(['verify', out])).toBe(1);
    expect(printed).toContain('go.sum is missing');
  });

  it.each([
    ['mask-card-numbers', true],
    ['limit-users', false],
  ])(
    'says what to do next, and how a skipped check can run from here: %s',
    async (name, runs) => {
      const out = join(folder, "it's new");
      const file = join(examples, `${name}.yaml`);
      expect(await main(['generate', '--answers', file, '--out', out])).toBe(0);
      // What only a Backstage can do is no remedy on a command line.
      expect(printed).not.toMatch(
        /Run the template|this Backstage|egExtensions/,
      );
      expect(printed).toContain('kubectl apply --dry-run=server -k policy');
      const next = printed.slice(printed.indexOf('Next:'));
      expect(next).toContain(`cd '${folder}/it'\\''s new'`);
      for (const [, target] of next.matchAll(/make ([a-z-]+)/g)) {
        const makefiles = await Promise.all(
          ['Makefile', 'test/envoy.mk', 'test/policy.mk']
            .map(path => join(out, path))
            .filter(path => fs.existsSync(path))
            .map(path => fs.readFile(path, 'utf8')),
        );
        expect(makefiles.join('\n')).toMatch(new RegExp(`^${target}:`, 'm'));
      }
      expect(next.includes('make envoy-test')).toBe(runs);
      for (const [path] of next.matchAll(/[\w-]+(\/[\w.-]+)*\.(md|yaml)/g)) {
        expect(await fs.pathExists(join(out, path))).toBe(true);
      }

      printed = '';
      expect(await main(['verify', out])).toBe(0);
      expect(printed).not.toMatch(
        /Run the template|this Backstage|egExtensions/,
      );
      expect(printed.includes('--envoy BINARY')).toBe(runs);
    },
  );

  it('refuses a folder that has content, and leaves it as it is', async () => {
    await fs.writeFile(join(folder, 'mine.txt'), 'mine');
    expect(
      await main([
        'generate',
        '--answers',
        join(examples, 'mask-card-numbers.yaml'),
        '--out',
        folder,
      ]),
    ).toBe(1);
    expect(errors).toContain('is not empty; nothing was written');
    expect(await fs.readdir(folder)).toEqual(['mine.txt']);
  });

  it('leaves nothing behind when a step of the template fails', async () => {
    const template = join(folder, 'template');
    await fs.copy(templateFolder, template);
    await fs.remove(join(template, 'skeletons/extproc-go/base/go.sum'));
    expect(
      await main([
        'generate',
        '--template',
        template,
        '--answers',
        join(examples, 'mask-card-numbers.yaml'),
        '--out',
        join(folder, 'out'),
      ]),
    ).toBe(1);
    expect(errors).toContain('go.sum is missing');
    expect(await fs.readdir(folder)).toEqual(['template']);
  });

  it.each([
    [['recommend', '--answers', 'nowhere.yaml'], 'cannot read'],
    [['recommend'], 'use: npm run recommend -- --answers FILE'],
    [['reccommend'], 'there is no command reccommend; use one of generate'],
    [['recommend', '--anwsers', 'x'], "Unknown option '--anwsers'"],
    [['verify', os.tmpdir()], 'eg-extension.yaml is missing'],
  ])('says what is wrong: %j', async (argv, message) => {
    expect(await main(argv)).toBe(1);
    expect(errors).toContain(message);
  });

  it('names field, value and remedy of a wrong answer, also as JSON', async () => {
    const file = join(folder, 'answers.yaml');
    await fs.writeFile(file, 'name: A B\nowner: me\npurpose: other\n');
    expect(await main(['recommend', '--answers', file, '--json'])).toBe(1);
    expect(JSON.parse(printed).problems).toEqual([
      {
        field: 'name',
        value: '"A B"',
        remedy: expect.stringContaining('use lower-case letters'),
      },
    ]);
  });

  it('keeps the questions of the template in step with the schema', async () => {
    expect(await main(['form', '--check'])).toBe(0);
  });
});
