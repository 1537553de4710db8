import { implementationOf, Mechanism } from '../implementations';
import { Answers, missingSettings, unreadSettings } from '../intake';
import { repositoryPlace } from '../intake/repository';
import { divide, NativeContext, nativeObjects } from '../needs';
import { InvalidAnswersError } from '../intake/problems';
import {
  BodyMode,
  ExternalService,
  Processing,
  purposeOf,
  requirementsOf,
  wasmMemory,
} from '../purposes';
import { recommend } from '../recommend';
import { codeSpan } from '../policy/markdown';
import { yamlFile } from '../policy/yaml';
import { releaseOf } from '../releases';
import { processorMemory, processorStop } from './processor';
import { ExtensionPlan } from './schema';
import { planVersion } from './versions';

/** The body mode for each size: what is held as a whole must fit the connection buffer, what does not is streamed. */
const bodyModes: Record<Answers['bodySize'], BodyMode> = {
  none: 'Buffered',
  small: 'Buffered',
  large: 'FullDuplexStreamed',
  streaming: 'FullDuplexStreamed',
};

/** Envoy's time limit for one message, by the latency that may be added; above a processor's p99. */
const messageTimeouts: Record<Answers['latency'], string> = {
  minimal: '200ms',
  moderate: '500ms',
  flexible: '2s',
  unknown: '500ms',
};

const defaultRegistry = 'registry.example.com/my-team';
const defaultTargets: Record<string, string> = {
  HTTPRoute: 'my-route',
  GRPCRoute: 'my-route',
  Gateway: 'my-gateway',
  ListenerSet: 'my-listener-set',
  TCPRoute: 'my-route',
  TLSRoute: 'my-route',
  UDPRoute: 'my-route',
};

/**
 * What the extension is given: the phases that the purpose needs, and, where it is open-ended, all that were asked for.
 * A policy limits only ExtProc to a direction; Wasm and Lua see the headers of both.
 */
function processingOf(answers: Answers, mechanism: Mechanism): Processing {
  if (mechanism === 'native') {
    return { request: false, response: false };
  }
  const purpose = purposeOf(answers.purpose);
  const phases: string[] = purpose.openEnded
    ? answers.processing
    : [
        ...purpose.phases(answers.settings),
        ...(purpose.impliedPhases?.(answers.settings) ?? []),
      ];
  const of = (headers: string, body: string): Processing['request'] => {
    if (phases.includes(body)) {
      // The only mode of ExtProc that holds nothing back.
      return purpose.streams && mechanism === 'extproc'
        ? { body: 'FullDuplexStreamed' }
        : { body: bodyModes[answers.bodySize] };
    }
    return phases.includes(headers) || mechanism !== 'extproc'
      ? { body: false }
      : false;
  };
  return {
    request: of('requestHeaders', 'requestBody'),
    response: of('responseHeaders', 'responseBody'),
  };
}

/**
 * Decides everything: answers and the advice's decision become a plan.
 *
 * @public
 * @param answers - valid answers, see {@link parseAnswers}
 * @returns the plan, with nothing left to default
 * @throws {@link InvalidAnswersError} when the chosen implementation cannot do the job, nothing would read the settings, or
 * nothing says what an extension is to do
 */
export function plan(answers: Answers): ExtensionPlan {
  const recommendation = recommend(answers);
  const implementation = implementationOf(recommendation.decision);
  const problems = [
    ...unreadSettings(answers),
    ...(implementation.mechanism === 'native' ? [] : missingSettings(answers)),
  ];
  if (problems.length > 0) {
    throw new InvalidAnswersError(problems);
  }
  const release = releaseOf(answers.gatewayVersion);
  // Who does not know yet is given what production needs.
  const production = answers.environment !== 'prototype';
  const target: NativeContext['target'] = {
    kind: answers.target.kind,
    name: answers.target.name ?? defaultTargets[answers.target.kind]!,
    namespace: answers.target.namespace,
    sectionName: answers.target.sectionName ?? null,
    placeholder: answers.target.name === undefined,
  };
  const requirements = requirementsOf(
    purposeOf(answers.purpose),
    answers.settings,
  );
  const is = (mechanism: Mechanism) => implementation.mechanism === mechanism;
  const builtImage = {
    repository: `${answers.registry ?? defaultRegistry}/${answers.name}`,
    tag: 'v0.1.0',
    placeholder: answers.registry === undefined,
  };
  return {
    apiVersion: planVersion,
    kind: 'ExtensionPlan',
    name: answers.name,
    description: answers.description,
    owner: answers.owner,
    repository: answers.repoUrl ? repositoryPlace(answers.repoUrl) : null,
    implementation: implementation.id,
    mechanism: planned(implementation.mechanism),
    language: implementation.language,
    purpose: answers.purpose,
    settings: answers.settings,
    environment: production ? 'production' : 'prototype',
    release: {
      gateway: release.version,
      envoy: release.envoy,
      testEnvoy: release.testEnvoy,
      gatewayApi: release.gatewayApi,
    },
    processing: processingOf(answers, implementation.mechanism),
    claims: is('native') ? null : requirements.claims,
    secrets: is('native')
      ? []
      : requirements.secrets.map(({ name, description }) => ({
          name,
          description,
          variable: secretVariable(name),
        })),
    target: {
      group: 'gateway.networking.k8s.io',
      ...target,
    },
    policy: {
      name: answers.name,
      namespace: target.namespace,
      failOpen: false,
    },
    extproc: is('extproc')
      ? {
          namespace: answers.namespace ?? target.namespace,
          port: 9002,
          metricsPort: 9090,
          image: builtImage,
          messageTimeout: messageTimeouts[answers.latency],
          replicas: production ? { min: 2, max: 10 } : { min: 1, max: 1 },
          attributes: [...requirements.attributes],
          services: requirements.services.map(service =>
            plannedService(service, answers.name),
          ),
        }
      : null,
    wasm: is('wasm') ? { image: builtImage, rootID: answers.name } : null,
    lua: is('lua')
      ? {
          source: production ? 'ValueRef' : 'Inline',
          filterContext: release.luaFilterContext,
        }
      : null,
    native: nativeOf(answers, target, !is('native')),
    recommendation,
  };
}

/** The mechanism of something that can be generated: advice never decides for what cannot. */
function planned(mechanism: Mechanism): ExtensionPlan['mechanism'] {
  if (mechanism === 'dynamic-module') {
    throw new Error('there is no skeleton for dynamic modules');
  }
  return mechanism;
}

/** The environment variable of a secret. */
export function secretVariable(secret: string): string {
  return secret.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

function plannedService(
  { id, title, variable, placeholder, container }: ExternalService,
  extension: string,
) {
  const host = `${extension}-${id}`;
  return {
    title,
    host,
    variable,
    placeholder: placeholder.replace('{host}', host),
    container: container
      ? {
          ...container,
          command: container.command ?? null,
          secret: container.secret ?? null,
        }
      : null,
  };
}

/**
 * The name of the Secret that an external processor reads from a volume.
 *
 * @public
 */
export function secretNameOf({ name }: ExtensionPlan): string {
  return `${name}-secrets`;
}

/** What Envoy Gateway does itself, written for the target. */
function nativeOf(
  answers: Answers,
  target: NativeContext['target'],
  extension: boolean,
): ExtensionPlan['native'] {
  const { native } = divide(answers, extension);
  if (native.length === 0) {
    return null;
  }
  return {
    needs: native.map(({ need, native: { title, feature, source } }) => ({
      need: need.id,
      title,
      feature,
      source,
      settings: (answers.needSettings[need.id] ?? {}) as Record<
        string,
        unknown
      >,
    })),
    objects: nativeObjects(answers, native, target).map(
      ({ path, object, comments }) => ({
        path,
        object,
        comments: comments.map(({ path: field, ...comment }) => ({
          path: [...field],
          ...comment,
        })),
      }),
    ),
  };
}

/** Memory and times of an external processor, for its documentation. */
function processorValues(p: ExtensionPlan): Record<string, unknown> {
  const { bodies, state, limit, goLimit } = processorMemory(p);
  const mebibytes = (bytes: number | undefined) => (bytes ?? 0) / 2 ** 20;
  return {
    memoryLimit: limit,
    goMemoryLimit: goLimit,
    stateMemory: state,
    maxBody: mebibytes(bodies?.max),
    maxCollected: mebibytes(bodies?.collected),
    drainDelay: processorStop.drainDelay,
    grace: processorStop.grace,
    terminationGrace: processorStop.total,
  };
}

/**
 * The values that the skeletons' templates may use: identifiers that match strict patterns. What a person typed freely is
 * there only as a serializer of the format wrote it: `…Code` as a code span of Markdown, `…Yaml` as a scalar of YAML.
 *
 * @public
 */
export function templateValues(p: ExtensionPlan): Record<string, unknown> {
  const bodyOf = (d: ExtensionPlan['processing']['request']) =>
    (d && d.body) || '';
  const built = p.extproc?.image ?? p.wasm?.image;
  return {
    name: p.name,
    purpose: p.purpose,
    implementation: p.implementation,
    mechanism: p.mechanism,
    language: p.language,
    gatewayVersion: p.release.gateway,
    envoyVersion: p.release.testEnvoy,
    policyName: p.policy.name,
    policyNamespace: p.policy.namespace,
    workloadNamespace: p.extproc?.namespace ?? p.policy.namespace,
    targetKind: p.target.kind,
    targetName: p.target.name,
    targetSection: p.target.sectionName ?? '',
    image: built?.repository ?? '',
    imageTag: built?.tag ?? '',
    sourceCode: codeSpan(
      [p.repository?.owner, p.repository?.name ?? p.name]
        .filter(Boolean)
        .join('/'),
    ),
    nameYaml: yamlFile(p.name).trim(),
    workloadNamespaceYaml: yamlFile(
      p.extproc?.namespace ?? p.policy.namespace,
    ).trim(),
    production: p.environment === 'production',
    requestHeaders: Boolean(p.processing.request),
    responseHeaders: Boolean(p.processing.response),
    requestBody: bodyOf(p.processing.request),
    responseBody: bodyOf(p.processing.response),
    failOpen: p.policy.failOpen,
    claimsCode: p.claims === null ? '' : codeSpan(p.claims),
    secretName: p.secrets.length ? secretNameOf(p) : '',
    secrets: p.secrets.map(({ name }) => name).join(' '),
    secretVariables: p.secrets.map(({ variable }) => variable).join(' '),
    services: (p.extproc?.services ?? [])
      .map(({ variable }) => variable)
      .join(' '),
    compose: Boolean(p.extproc?.services.some(({ container }) => container)),
    messageTimeout: p.extproc?.messageTimeout ?? '',
    ...(p.extproc ? processorValues(p) : {}),
    luaSource: p.lua?.source ?? '',
    luaFilterContext: p.lua?.filterContext ?? false,
    rootId: p.wasm?.rootID ?? '',
    wasmMemory: p.wasm ? wasmMemory[purposeOf(p.purpose).id] : '',
    needs: p.native?.needs.map(({ need }) => need).join(' ') ?? '',
    egctlVersion: `v${releaseOf(p.release.gateway).module}`,
    nativeKinds: [
      ...new Set(p.native?.objects.map(({ object }) => object.kind) ?? []),
    ].join(','),
  };
}

/** APIs that the CRDs of Envoy Gateway's chart define. */
const chartApis = /^gateway\.(envoyproxy\.io|networking\.k8s\.io)\//;

/**
 * The schemas that a repository needs to check the objects in policy/ where Envoy Gateway does something itself.
 *
 * @public
 * @returns release and kind in lower case; nothing where there are no native objects, or no CRD in Envoy Gateway's chart
 */
export function schemasFor({
  mechanism,
  native,
  release,
}: ExtensionPlan): { release: string; kind: string }[] {
  if (!native) {
    return [];
  }
  const kinds = native.objects
    .filter(({ object }) => chartApis.test(object.apiVersion))
    .map(({ object }) => object.kind);
  return [
    ...new Set([
      ...kinds,
      ...(mechanism === 'native' ? [] : ['EnvoyExtensionPolicy']),
    ]),
  ].map(kind => ({ release: release.gateway, kind: kind.toLowerCase() }));
}
