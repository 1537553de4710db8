import { lintLua } from 'backstage-plugin-eg-common';
import { LuaVerdict, luaVerdict } from './egctl';
import { Finding, holds, note, outcomeOf, problem, unknown } from './findings';
import { Manifest, readManifests } from './manifests';
import { CheckContext, CheckDefinition, outcome, skipped } from './types';

const limitsTitle =
  'Lua script against the known limits of Envoy Gateway’s strict validator';

/** A script that a policy carries. */
interface Script {
  file: string;
  source: string;
  filterContext: unknown;
}

function scriptsOf(manifests: readonly Manifest[]): Script[] {
  const entries = manifests.flatMap(
    ({ object }) => (object.spec?.lua ?? []) as { filterContext?: unknown }[],
  );
  return manifests.flatMap(({ file, object }) =>
    (object.kind === 'ConfigMap'
      ? [{ inline: object.data?.lua, ...entries[0] }]
      : ((object.spec?.lua ?? []) as any[])
    )
      .filter(({ inline }) => typeof inline === 'string')
      .map(({ inline, filterContext }) => ({
        file,
        source: inline,
        filterContext,
      })),
  );
}

/** What is known against a script without running it. */
function limits({ file, source }: Script, gateway: string): Finding[] {
  const found = lintLua(source, gateway).map(({ field, message, certain }) =>
    certain
      ? problem(`${file}: ${field}: ${message}`)
      : unknown(
          `${file}: ${field}: ${message}; whether the validator gets there, only it can say`,
        ),
  );
  return found.length > 0
    ? found
    : [holds(`${file}: nothing is known against it; only egctl runs it`)];
}

async function asked(
  script: Script,
  { options, noPrograms, signal }: CheckContext,
): Promise<LuaVerdict | undefined> {
  return options.egctl && !noPrograms
    ? luaVerdict(
        options.egctl,
        script.source,
        script.filterContext,
        options.programs,
        signal,
      )
    : undefined;
}

/** The scripts that policies carry: as egctl judges them where it is configured, else by the validator's known limits. */
export const luaCheck: CheckDefinition = {
  id: 'lua',
  title: limitsTitle,
  async run(context) {
    const { directory, plan } = context;
    if (plan.mechanism !== 'lua') {
      return skipped('there is no Lua in this extension');
    }
    const scripts = scriptsOf(await readManifests(directory));
    if (scripts.length === 0) {
      return outcome(['policy/ carries no script'], '');
    }
    const findings: Finding[] = [];
    let judged = true;
    for (const script of scripts) {
      const verdict = await asked(script, context);
      if (verdict?.state === 'accepted') {
        findings.push(holds(`${script.file}: egctl accepts it`));
      } else if (verdict?.state === 'refused') {
        findings.push(problem(`${script.file}: ${verdict.message}`));
      } else {
        judged = false;
        findings.push(...limits(script, plan.release.gateway));
        if (verdict) {
          findings.push(note(`egctl was of no use: ${verdict.reason}`));
        }
      }
    }
    const many = `${scripts.length} script${scripts.length === 1 ? '' : 's'}`;
    return {
      ...outcomeOf(
        findings,
        `${many}, for Envoy Gateway ${plan.release.gateway}`,
      ),
      title: judged
        ? 'Lua script in Envoy Gateway’s strict validator (egctl)'
        : limitsTitle,
    };
  },
};
