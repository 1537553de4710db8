import { implementationOf } from '../implementations';
import { addOnTag, objectKindOf } from '../kinds';
import { ExtensionPlan, secretVariable } from '../plan';
import { purposeOf } from '../purposes';
import { decisionRecord } from '../recommend';
import { kubernetesIdLabel } from './constants';
import {
  envoyExtensionPolicy,
  labelsOf,
  luaConfigMap,
  ObjectFile,
} from './envoyExtensionPolicy';
import { localEnvoy } from './localEnvoy';
import { luaTable } from './luaTable';
import { dependencies, settingsConfigMapName, workload } from './workload';
import { yamlFile } from './yaml';

/** Files by path relative to the repository. */
export type Files = Record<string, string>;

/** How many times each case is sent at once. */
const concurrency = 8;

function kustomization(resources: string[], rest: object = {}): string {
  return yamlFile({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources,
    ...rest,
  });
}

function objectFiles(files: readonly ObjectFile[]): Files {
  return Object.fromEntries(
    files.map(({ path, object, comments }) => [
      path,
      yamlFile(object, comments),
    ]),
  );
}

function kustomized(
  folder: string,
  files: readonly ObjectFile[],
  rest: object = {},
): Files {
  return {
    ...objectFiles(files),
    [`${folder}/kustomization.yaml`]: kustomization(
      files.map(({ path }) => path.slice(folder.length + 1)),
      rest,
    ),
  };
}

/** Tags of the add-ons whose kinds are among the objects: the entity page asks clusters for those kinds, too. */
function addOnTags(files: readonly ObjectFile[]): string[] {
  return files.flatMap(({ object }) => {
    const addOn = objectKindOf(object.kind)?.addOn;
    return addOn ? [addOnTag(addOn)] : [];
  });
}

/** Configuration of TechDocs. */
function mkdocs({ name, purpose, implementation }: ExtensionPlan): object {
  return {
    site_name: name,
    site_description: `Extension of Envoy Gateway (${purpose}, ${implementation})`,
    plugins: ['techdocs-core'],
    nav: [
      { Overview: 'index.md' },
      { 'What it does': 'purpose.md' },
      { Production: 'production.md' },
      { 'Why this mechanism': 'decision.md' },
      { Troubleshooting: 'troubleshooting.md' },
    ],
  };
}

/** The entity of the repository in Backstage's catalog. */
function catalogInfo(plan: ExtensionPlan): object {
  const { repository } = plan;
  return {
    apiVersion: 'backstage.io/v1alpha1',
    kind: 'Component',
    metadata: {
      name: plan.name,
      ...(plan.description ? { description: plan.description } : {}),
      annotations: {
        [kubernetesIdLabel]: plan.name,
        'backstage.io/techdocs-ref': 'dir:.',
        ...(repository?.host === 'github.com'
          ? {
              'github.com/project-slug': `${repository.owner}/${repository.name}`,
            }
          : {}),
      },
      tags: [
        'envoy-gateway',
        ...(plan.native ? ['policy', ...addOnTags(plan.native.objects)] : []),
        ...(plan.mechanism === 'native' ? [] : [plan.mechanism, plan.language]),
      ].filter((tag, i, all) => all.indexOf(tag) === i),
    },
    spec: {
      type: 'gateway-extension',
      lifecycle:
        plan.environment === 'production' ? 'production' : 'experimental',
      owner: plan.owner,
    },
  };
}

function settingsFiles(plan: ExtensionPlan): Files {
  if (plan.mechanism === 'extproc') {
    return {
      'k8s/settings.json': `${JSON.stringify(plan.settings, null, 2)}\n`,
    };
  }
  if (plan.lua && !plan.lua.filterContext) {
    return { 'src/settings.lua': luaSettings(plan) };
  }
  return {};
}

/** The settings as Lua source, for releases whose policies have no filterContext. */
function luaSettings(plan: ExtensionPlan): string {
  return `-- The settings of the script. Data only; the code is beside this file.\nlocal SETTINGS = ${luaTable(
    plan.settings,
  )}\n`;
}

/**
 * The script that a Lua policy carries: what the repository's `make build` makes of the parts in src/. Envoy loads one
 * script, so what others use comes first: settings, libraries by name, the purpose's logic, the entry points.
 *
 * @public
 * @param plan - the plan
 * @param parts - sources by file name within src/
 */
export function luaScript(
  plan: ExtensionPlan,
  parts: Record<string, string>,
): string {
  const last = ['filter.lua', 'handlers.lua'];
  const libraries = Object.keys(parts)
    .filter(name => name !== 'settings.lua' && !last.includes(name))
    .sort();
  return [
    plan.lua && !plan.lua.filterContext ? luaSettings(plan) : '',
    ...[...libraries, ...last].map(name => parts[name] ?? ''),
  ].join('');
}

/**
 * Every file of a repository that follows from the plan: policies, Kubernetes objects, settings, local Envoy, behaviour
 * cases, catalog entity, decision record.
 *
 * @public
 * @param plan - the plan
 * @param script - what {@link luaScript} returns, where the mechanism is Lua
 * @returns text by path
 */
export function renderFiles(plan: ExtensionPlan, script = ''): Files {
  return {
    ...policyFiles(plan, script),
    ...(plan.mechanism === 'native' ? {} : extensionFiles(plan)),
    'catalog-info.yaml': yamlFile(catalogInfo(plan)),
    'mkdocs.yml': yamlFile(mkdocs(plan)),
    'eg-extension.yaml': yamlFile(
      plan,
      [],
      'What this repository was generated from: every decision, and why. Read by verification; not used at run time.',
    ),
    'docs/decision.md': decisionRecord(plan.recommendation),
  };
}

/**
 * The policies: of the extension, and of what Envoy Gateway does itself. A route is there to be merged into the person's
 * own: applied with the rest, it would take that one's place.
 */
function policyFiles(plan: ExtensionPlan, script: string): Files {
  const objects = plan.native?.objects ?? [];
  const extension =
    plan.mechanism === 'native'
      ? []
      : [
          envoyExtensionPolicy(plan, script),
          ...(plan.lua?.source === 'ValueRef'
            ? [luaConfigMap(plan, script)]
            : []),
        ];
  return {
    ...objectFiles(objects),
    ...kustomized('policy', [
      ...extension,
      ...objects.filter(({ object }) => !object.kind.endsWith('Route')),
    ]),
  };
}

/** Services that the processor asks, for a developer's machine and for a trial in a cluster. */
function serviceFiles(plan: ExtensionPlan): Files {
  const containers = (plan.extproc?.services ?? []).filter(s => s.container);
  return containers.length
    ? {
        ...kustomized('k8s/dependencies', dependencies(plan)),
        'compose.yaml': yamlFile(
          {
            services: Object.fromEntries(
              containers.map(({ host, container }) => [
                host,
                {
                  image: container!.image,
                  // Compose replaces variables of its own; this one is the container's.
                  ...(container!.command
                    ? {
                        command: [
                          'sh',
                          '-c',
                          container!.command.replace(/\$/g, '$$$$'),
                        ],
                      }
                    : {}),
                  ...(container!.secret
                    ? {
                        environment: {
                          [secretVariable(
                            container!.secret,
                          )]: `\${${secretVariable(
                            container!.secret,
                          )}:?its password}`,
                        },
                      }
                    : {}),
                  ports: [`127.0.0.1:${container!.port}:${container!.port}`],
                },
              ]),
            ),
          },
          [],
          `What the processor asks, on this machine: docker compose up -d, then ${containers
            .map(
              ({ variable, container }) => `${variable}=${container!.address}`,
            )
            .join(' ')} make run.`,
        ),
      }
    : {};
}

function extensionFiles(plan: ExtensionPlan): Files {
  const cases = purposeOf(plan.purpose).cases(plan.settings, {
    processing: plan.processing,
    implementation: implementationOf(plan.implementation),
  });
  return {
    ...(plan.extproc
      ? kustomized('k8s', workload(plan), {
          configMapGenerator: [
            {
              name: settingsConfigMapName(plan),
              namespace: plan.extproc.namespace,
              files: ['settings.json'],
              options: { labels: labelsOf(plan) },
            },
          ],
        })
      : { 'k8s/kustomization.yaml': kustomization(['../policy']) }),
    ...settingsFiles(plan),
    ...serviceFiles(plan),
    'local/envoy.yaml': yamlFile(
      localEnvoy(plan),
      [],
      'A local Envoy with this extension, as Envoy Gateway programs it. Run it from the root of the repository.',
    ),
    'test/cases.yaml': yamlFile(
      { concurrency, cases },
      [],
      'What the extension must do, run in a real Envoy by make envoy-test. Add your own cases.',
    ),
    'test/envoy-version': `${plan.release.testEnvoy}\n`,
  };
}
