import { ExtensionPlan, lintLua } from 'backstage-plugin-eg-common';
import { LuaVerdict, luaVerdict } from './egctl';
import { Finding, holds, note, outcomeOf, problem, unknown } from './findings';
import { Manifest, readManifests } from './manifests';
import { remedies } from './remedies';
import { scriptOf, trustedRepositories } from './shipped';
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

/** The scripts that trusted skeletons give for the plan. */
async function trustedScripts(
  plan: ExtensionPlan,
  own: readonly string[] | undefined,
): Promise<Set<string>> {
  const scripts = new Set<string>();
  for await (const repository of trustedRepositories(plan, own)) {
    if (!(repository instanceof Error)) {
      scripts.add(scriptOf(repository, plan));
    }
  }
  return scripts;
}

type Judge = (script: Script) => Promise<LuaVerdict | { state: 'withheld' }>;

/**
 * How egctl is asked. It runs the script with all that Lua can do: read, write and rename files, and read the
 * environment. So egctl gets a script of trusted skeletons only, and never another one that the workspace has.
 *
 * @returns undefined where no egctl is configured
 */
async function judgeOf({
  options,
  plan,
  noPrograms,
  signal,
}: CheckContext): Promise<Judge | undefined> {
  const { egctl, build, trustFolder, skeletons, programs } = options;
  if (!egctl) {
    return undefined;
  }
  const reason =
    noPrograms ??
    (build === 'ci'
      ? 'no program is started here (egExtensions.verify.build: ci)'
      : undefined);
  if (reason) {
    return async () => ({ state: 'unknown', reason });
  }
  const trusted = trustFolder
    ? undefined
    : await trustedScripts(plan, skeletons);
  return async ({ source, filterContext }) =>
    !trusted || trusted.has(source)
      ? luaVerdict(egctl, source, filterContext, programs, signal)
      : { state: 'withheld' };
}

/** Why a script that is not trusted was not run. */
const withheld =
  'egctl did not run this script: it is not the script that the shipped skeletons give for the plan, and egctl would run it with the rights of the back end';

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
    let remedy: string | undefined;
    const judge = await judgeOf(context);
    for (const script of scripts) {
      const verdict = await judge?.(script);
      if (verdict?.state === 'accepted') {
        findings.push(holds(`${script.file}: egctl accepts it`));
      } else if (verdict?.state === 'refused') {
        findings.push(problem(`${script.file}: ${verdict.message}`));
      } else {
        judged = false;
        findings.push(...limits(script, plan.release.gateway));
        if (verdict?.state === 'withheld') {
          findings.push(unknown(`${script.file}: ${withheld}`));
          remedy = remedies.script();
        } else if (verdict) {
          findings.push(note(`egctl did not judge it: ${verdict.reason}`));
        }
      }
    }
    const many = `${scripts.length} script${scripts.length === 1 ? '' : 's'}`;
    const found = outcomeOf(
      findings,
      `${many}, for Envoy Gateway ${plan.release.gateway}`,
    );
    return {
      ...found,
      ...(remedy && found.status === 'skipped' ? { remedy } : {}),
      title: judged
        ? 'Lua script in Envoy Gateway’s strict validator (egctl)'
        : limitsTitle,
    };
  },
};
