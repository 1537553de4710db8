import {
  generateInto,
  readAnswers,
  Scaffolder,
  startScaffolder,
  templateFolder,
} from 'eg-cli';
import fs from 'fs-extra';
import os from 'os';
import { join } from 'path';
import {
  differences,
  readVerifyOptions,
  repositoryOf,
  shippedSkeletons,
  Tree,
  verify,
} from 'backstage-plugin-scaffolder-backend-module-eg';
import { ConfigReader } from '@backstage/config';
import { plan } from 'backstage-plugin-eg-common';

const folder = join(__dirname, '../../examples/answers');

describe.each(['template.yaml', 'template-stock.yaml'])(
  'with %s, the example answers',
  template => {
    let scaffolder: Scaffolder;
    let out: string;

    beforeAll(async () => {
      out = await fs.mkdtemp(join(os.tmpdir(), 'eg-examples-'));
      scaffolder = await startScaffolder(templateFolder, template);
    });
    afterAll(async () => {
      await scaffolder?.stop();
      await fs.remove(out);
    });

    it.each([
      ['audit-payments', 'extproc-go'],
      ['authorize-orders', 'extproc-go'],
      ['beta-users', 'extproc-go'],
      ['forward-departments', 'native'],
      ['govern-models', 'extproc-go'],
      ['hide-salaries', 'extproc-go'],
      ['inspect-uploads', 'extproc-go'],
      ['large-documents', 'extproc-go'],
      ['limit-partners', 'extproc-go'],
      ['limit-users', 'native'],
      ['mask-card-numbers', 'extproc-go'],
      ['opaque-tokens', 'extproc-go'],
      ['own-logic', 'extproc-go'],
      ['partner-keys', 'wasm-rust'],
      ['prototype-headers', 'lua'],
      ['rename-members', 'wasm-rust'],
      ['security-headers', 'lua'],
      ['signed-webhooks', 'extproc-go'],
      ['tag-tenants', 'wasm-rust'],
      ['tenant-from-path', 'lua'],
    ])(
      '%s becomes a repository of %s that verifies',
      async (name, expected) => {
        const answers = await readAnswers(join(folder, `${name}.yaml`));
        expect(plan(answers).implementation).toBe(expected);
        const directory = join(out, name);
        await generateInto(scaffolder, answers, directory);
        const report = await verify(
          directory,
          readVerifyOptions(new ConfigReader({})),
        );
        expect(report.checks.filter(c => c.status === 'failed')).toEqual([]);
        // What verification would build is what the template wrote, byte for byte.
        const planned = plan(answers);
        const tree: Tree =
          expected === 'native'
            ? new Map()
            : await repositoryOf(await shippedSkeletons(), planned);
        const written = [...tree.keys()].map(
          async (path): Promise<[string, string]> => [
            path,
            await fs.readFile(join(directory, path), 'utf8'),
          ],
        );
        expect(await Promise.all(written)).toEqual(
          [...tree].map(([path, content]) => [path, content.toString('utf8')]),
        );
        const differing =
          expected === 'native'
            ? []
            : await differences(directory, tree, planned);
        expect(differing).toEqual([]);
      },
    );

    it('are all tested', async () => {
      expect((await fs.readdir(folder)).sort()).toHaveLength(20);
    });
  },
);
