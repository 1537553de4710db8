import { lintLua } from 'backstage-plugin-eg-common';
import { readManifests } from './manifests';
import { CheckDefinition, outcome, skipped } from './types';

/** The scripts that the policies carry keep to the strict validator's documented limits. */
export const luaCheck: CheckDefinition = {
  id: 'lua',
  title:
    'Lua script against the known limits of Envoy Gateway’s strict validator',
  async run({ directory, plan }) {
    if (plan.mechanism !== 'lua') {
      return skipped('there is no Lua in this extension');
    }
    const manifests = await readManifests(directory);
    const scripts = manifests.flatMap(({ file, object }) => {
      if (object.kind === 'ConfigMap') {
        return [{ file, source: object.data?.lua }];
      }
      return (object.spec?.lua ?? []).map((entry: { inline?: string }) => ({
        file,
        source: entry.inline,
      }));
    });
    const found = scripts.filter(({ source }) => typeof source === 'string');
    const problems = found.flatMap(({ file, source }) =>
      lintLua(source).map(
        ({ field, message }) => `${file}: ${field}: ${message}`,
      ),
    );
    if (found.length === 0) {
      problems.push('policy/ carries no script');
    }
    return outcome(problems, `${found.length} script`);
  },
};
