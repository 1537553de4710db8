import { z } from 'zod';
import { implementationOf, Mechanism } from '../implementations';
import { Answers, Problem } from '../intake';
import { NativeContext, nativeVerdict } from '../needs';
import { InvalidAnswersError, problemsOf } from '../intake/problems';
import {
  BodyMode,
  ExternalService,
  Processing,
  purposeOf,
  requirementsOf,
} from '../purposes';
import { recommend, Recommendation } from '../recommend';
import { labelsFor } from '../policy/labels';
import { releaseOf } from '../releases';

const bodyMode = z
  .enum(['Buffered', 'FullDuplexStreamed'])
  .or(z.literal(false));
const direction = z.literal(false).or(z.strictObject({ body: bodyMode }));
const image = z.strictObject({
  /** Registry and path, without a tag. */
  repository: z.string(),
  tag: z.string(),
  /** Whether the registry still has to be decided. */
  placeholder: z.boolean(),
});

const planSchema = z.strictObject({
  apiVersion: z.literal('envoy-gateway-extensions-builder/v1alpha1'),
  kind: z.literal('ExtensionPlan'),
  name: z.string(),
  description: z.string(),
  owner: z.string(),
  repository: z
    .strictObject({ host: z.string(), owner: z.string(), name: z.string() })
    .nullable(),
  implementation: z.string(),
  /** `native`: no extension; Envoy Gateway does it itself. */
  mechanism: z.enum(['extproc', 'wasm', 'lua', 'native']),
  language: z.string(),
  purpose: z.string(),
  settings: z.unknown(),
  environment: z.enum(['production', 'prototype']),
  release: z.strictObject({
    gateway: z.string(),
    envoy: z.string(),
    testEnvoy: z.string(),
    gatewayApi: z.string(),
  }),
  processing: z.strictObject({ request: direction, response: direction }),
  /** The provider of `SecurityPolicy.spec.jwt` whose verified claims the extension reads. */
  claims: z.string().nullable(),
  /** What is known to few: keys of the Secret `secretName` of an external processor, variables of Envoy for a Wasm module. */
  secrets: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      variable: z.string(),
    }),
  ),
  target: z.strictObject({
    group: z.literal('gateway.networking.k8s.io'),
    kind: z.string(),
    name: z.string(),
    namespace: z.string(),
    sectionName: z.string().nullable(),
    /** Whether the name still has to be decided. */
    placeholder: z.boolean(),
  }),
  policy: z.strictObject({
    name: z.string(),
    namespace: z.string(),
    failOpen: z.boolean(),
  }),
  extproc: z
    .strictObject({
      namespace: z.string(),
      port: z.int(),
      metricsPort: z.int(),
      image,
      /** Gateway API Duration. */
      messageTimeout: z.string(),
      replicas: z.strictObject({ min: z.int(), max: z.int() }),
      /** Attributes of requests that Envoy sends along. */
      attributes: z.array(z.string()),
      /** Services that the processor asks, each found by an environment variable. */
      services: z.array(
        z.strictObject({
          title: z.string(),
          /** Name of the Service in k8s/dependencies. */
          host: z.string(),
          variable: z.string(),
          placeholder: z.string(),
          container: z
            .strictObject({
              image: z.string(),
              port: z.int(),
              address: z.string(),
              command: z.string().nullable(),
              secret: z.string().nullable(),
            })
            .nullable(),
        }),
      ),
    })
    .nullable(),
  wasm: z.strictObject({ image, rootID: z.string() }).nullable(),
  lua: z
    .strictObject({
      source: z.enum(['Inline', 'ValueRef']),
      /** Whether the settings are the policy's filterContext; else they are a table in the script. */
      filterContext: z.boolean(),
    })
    .nullable(),
  native: z
    .strictObject({
      need: z.string(),
      /** What the policies are, for people. */
      title: z.string(),
      feature: z.string(),
      source: z.string(),
      /** Policies and other objects, with comments where the owner decides. */
      objects: z.array(
        z.strictObject({
          path: z.string().regex(/^policy\/[a-z]+\.yaml$/),
          object: z.looseObject({
            apiVersion: z.string(),
            kind: z.string(),
            metadata: z.looseObject({ name: z.string() }),
          }),
          comments: z.array(
            z.strictObject({
              path: z.array(z.string().or(z.int())),
              text: z.string(),
              inline: z.boolean().optional(),
            }),
          ),
        }),
      ),
    })
    .nullable(),
  recommendation: z.custom<Recommendation>(
    value => typeof value === 'object' && value !== null,
  ),
});

/**
 * Everything that is decided about one extension. The only thing that the stages after it read: every default is
 * applied and every choice made.
 *
 * @public
 */
export type ExtensionPlan = z.infer<typeof planSchema>;

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
    : purpose.phases(answers.settings);
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

function repositoryOf(
  repoUrl: string | undefined,
): ExtensionPlan['repository'] {
  if (!repoUrl) {
    return null;
  }
  const url = new URL(`https://${repoUrl}`);
  const owner = url.searchParams.get('owner') ?? '';
  const name = url.searchParams.get('repo') ?? '';
  if (!owner || !name) {
    throw new InvalidAnswersError([
      {
        field: 'repoUrl',
        value: JSON.stringify(repoUrl),
        remedy:
          'name owner and repo, for example github.com?owner=acme&repo=mask-cards',
      },
    ]);
  }
  return { host: url.host, owner, name };
}

/**
 * Decides everything: answers and the advice's decision become a plan.
 *
 * @public
 * @param answers - valid answers, see {@link parseAnswers}
 * @returns the plan, with nothing left to default
 * @throws {@link InvalidAnswersError} when the chosen implementation cannot do the job
 */
export function plan(answers: Answers): ExtensionPlan {
  const recommendation = recommend(answers);
  const implementation = implementationOf(recommendation.decision);
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
    apiVersion: 'envoy-gateway-extensions-builder/v1alpha1',
    kind: 'ExtensionPlan',
    name: answers.name,
    description: answers.description,
    owner: answers.owner,
    repository: repositoryOf(answers.repoUrl),
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
    native: is('native') ? nativeOf(answers, target) : null,
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
): ExtensionPlan['native'] {
  const { native, reasons } = nativeVerdict(answers);
  if (!native) {
    throw new Error(`no feature covers ${answers.need}: ${reasons.join(' ')}`);
  }
  const objects = native.objects({
    name: answers.name,
    target,
    release: releaseOf(answers.gatewayVersion),
    purpose: answers.purpose,
    settings: answers.settings,
    processing: answers.processing,
    labels: labelsFor(answers.name),
  });
  return {
    need: answers.need,
    title: native.title,
    feature: native.feature,
    source: native.source,
    objects: objects.map(({ path, object, comments }) => ({
      path,
      object,
      comments: comments.map(({ path: field, ...comment }) => ({
        path: [...field],
        ...comment,
      })),
    })),
  };
}

/**
 * Reads a plan that was written before, for example as eg-extension.yaml of a repository.
 *
 * @public
 * @throws {@link InvalidAnswersError} naming what is wrong with it
 */
export function parsePlan(input: unknown): ExtensionPlan {
  const parsed = planSchema.safeParse(input);
  const problems: Problem[] = parsed.success
    ? []
    : problemsOf(parsed.error, input, ['plan']);
  if (parsed.success) {
    implementationOf(parsed.data.implementation);
    const settings = purposeOf(parsed.data.purpose).settings.safeParse(
      parsed.data.settings,
    );
    if (settings.success) {
      return { ...parsed.data, settings: settings.data };
    }
    problems.push(
      ...problemsOf(settings.error, parsed.data.settings, ['plan', 'settings']),
    );
  }
  throw new InvalidAnswersError(problems);
}

/**
 * The values that the skeletons' templates may use: identifiers that match strict patterns, and nothing that a person
 * typed freely.
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
    repoOwner: p.repository?.owner ?? '',
    repoName: p.repository?.name ?? p.name,
    production: p.environment === 'production',
    requestHeaders: Boolean(p.processing.request),
    responseHeaders: Boolean(p.processing.response),
    requestBody: bodyOf(p.processing.request),
    responseBody: bodyOf(p.processing.response),
    failOpen: p.policy.failOpen,
    claims: p.claims ?? '',
    secretName: p.secrets.length ? secretNameOf(p) : '',
    secrets: p.secrets.map(({ name }) => name).join(' '),
    secretVariables: p.secrets.map(({ variable }) => variable).join(' '),
    services: (p.extproc?.services ?? [])
      .map(({ variable }) => variable)
      .join(' '),
    compose: Boolean(p.extproc?.services.some(({ container }) => container)),
    messageTimeout: p.extproc?.messageTimeout ?? '',
    luaSource: p.lua?.source ?? '',
    luaFilterContext: p.lua?.filterContext ?? false,
    rootId: p.wasm?.rootID ?? '',
    need: p.native?.need ?? '',
    nativeKinds: [
      ...new Set(p.native?.objects.map(({ object }) => object.kind) ?? []),
    ].join(','),
  };
}
