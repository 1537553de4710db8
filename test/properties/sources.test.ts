import { generateInto, Scaffolder, startScaffolder } from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import {
  parseAnswers,
  parsePlan,
  renderFiles,
  withExample,
} from 'backstage-plugin-eg-common';
import { parse } from 'yaml';
import { hostileTexts } from '../src/answers';

/** Files whose content may only come from the skeletons. */
const sourceFile = /\.(go|rs|lua|py|sh|mk|toml|sum|mod|lock)$|Dockerfile$/;

async function filesOf(directory: string): Promise<Record<string, string>> {
  const names = (await fs.readdir(directory, {
    recursive: true,
    withFileTypes: true,
  })) as fs.Dirent[];
  const files: Record<string, string> = {};
  for (const entry of names.filter(e => e.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files[path.slice(directory.length + 1)] = await fs.readFile(path, 'utf8');
  }
  return files;
}

describe('answers are data, never source', () => {
  let scaffolder: Scaffolder;
  let folder: string;

  beforeAll(async () => {
    folder = await fs.mkdtemp(join(os.tmpdir(), 'eg-sources-'));
    scaffolder = await startScaffolder();
  });
  afterAll(async () => {
    await scaffolder?.stop();
    await fs.remove(folder);
  });

  it.each(['extproc-go', 'wasm-rust', 'lua'])(
    'the sources of %s are the same whatever the answers are, and texts arrive through the scaffolder unchanged',
    async implementation => {
      const generate = async (name: string, given: object) => {
        const directory = join(folder, `${implementation}-${name}`);
        await generateInto(
          scaffolder,
          parseAnswers(
            withExample({
              name: 'my-extension',
              owner: 'group:default/platform',
              purpose: 'header-transform',
              implementation,
              ...given,
            }),
          ),
          directory,
        );
        return filesOf(directory);
      };
      const plain = await generate('plain', {});
      const hostile = await generate('hostile', {
        name: 'needle-name',
        owner: 'group:default/needle-owner',
        description: 'needle-description ${{ parameters.name }} {% raw %}',
        target: { name: 'needle-target', namespace: 'needle-namespace' },
        registry: 'needle.example.com/registry',
        settings: {
          request: hostileTexts.map(value => ({
            action: 'append',
            name: 'x-needle',
            value,
          })),
        },
      });
      const sources = Object.keys(hostile).filter(f => sourceFile.test(f));
      expect(sources.length).toBeGreaterThan(5);
      for (const file of sources) {
        expect([file, hostile[file]]).toEqual([file, plain[file]]);
        expect(hostile[file]).not.toContain('needle');
      }
      const written = parsePlan(parse(hostile['eg-extension.yaml']!));
      expect(
        (written.settings as any).request.map((op: any) => op.value),
      ).toEqual(hostileTexts);
      expect(written.description).toBe(
        'needle-description ${{ parameters.name }} {% raw %}',
      );
      // What the scaffolder wrote is what the pure functions say.
      const rendered = renderFiles(written, scriptOf(hostile));
      for (const [file, text] of Object.entries(rendered)) {
        expect([file, hostile[file]]).toEqual([file, text]);
      }
    },
  );
});

/** The script that the policy carries, where there is one. */
function scriptOf(files: Record<string, string>): string {
  const configMap = files['policy/lua-configmap.yaml'];
  return configMap ? parse(configMap).data.lua : '';
}
