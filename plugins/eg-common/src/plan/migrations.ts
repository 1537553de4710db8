import { planGroup, planVersion } from './versions';

/** A plan of any version, or whatever a file holds instead: nothing about its fields is known. */
type Raw = Record<string, unknown>;

/** One step from a version to the next: a raw plan in, a raw plan out; neither checks nor throws. */
interface Migration {
  from: string;
  to: string;
  migrate(plan: Raw): Raw;
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Changes a value if it is an object; what else stands there is left for the schema to refuse. */
function within(value: unknown, change: (object: Raw) => Raw): unknown {
  return isObject(value) ? change(value) : value;
}

function each(value: unknown, change: (object: Raw) => Raw): unknown {
  return Array.isArray(value) ? value.map(item => within(item, change)) : value;
}

/** The mechanism of an implementation by its id: `extproc-go` is `extproc`. */
function mechanismOf(implementation: unknown): unknown {
  const id = String(implementation);
  return ['extproc', 'wasm'].find(known => id.startsWith(known)) ?? id;
}

/** The first plans of v1alpha1 had no native features and little besides the ranking. */
function recommendationOfV1alpha1(recommendation: Raw, need: unknown): Raw {
  // An empty object is no recommendation of any version.
  if (!Array.isArray(recommendation.ranking)) {
    return recommendation;
  }
  const [best] = recommendation.ranking as unknown[];
  const first = isObject(best) ? best : {};
  const candidate = (entry: Raw) => ({
    mechanism: mechanismOf(entry.implementation),
    ...entry,
  });
  return {
    advised: mechanismOf(first.implementation),
    advisedTitle: first.title,
    hybrid: [],
    confidence: {
      level: 'low',
      reason: 'The plan is older than this statement.',
    },
    questions: [],
    contradictions: [],
    asked: [],
    ...recommendation,
    // One need had one feature; the recommendation did not say which need it was.
    native: isObject(recommendation.native)
      ? [{ need, ...recommendation.native }]
      : recommendation.native ?? [],
    left: [],
    ranking: each(recommendation.ranking, entry => ({
      generated: true,
      ...candidate(entry),
    })),
    // Whether a reason was only a missing answer was not said.
    rejected: each(recommendation.rejected, entry => ({
      unknown: false,
      ...candidate(entry),
    })),
    warnings: each(recommendation.warnings, warning => ({
      severity: 'note',
      source: '',
      ...warning,
    })),
  };
}

/** Services were at first named by their address only, and had no container of their own in the cluster. */
function serviceOfV1alpha1(service: Raw, extension: unknown): Raw {
  const id = String(service.title)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return {
    host: `${extension}-${id}`,
    ...service,
    container: within(service.container, container => ({
      command: null,
      secret: null,
      ...container,
    })),
  };
}

/** One need, one feature; what was said about it stood in the objects only. */
function nativeOfV1alpha1({ objects, ...need }: Raw): Raw {
  return { needs: [{ ...need, settings: {} }], objects };
}

/** Two purposes had a setting for encoded bodies before they had one for all that cannot be read. */
function bodySettingsOfV1alpha1({ encoded, ...settings }: Raw): Raw {
  return encoded === undefined
    ? settings
    : { ...settings, unreadable: encoded === 'pass' ? 'pass' : 'reject' };
}

/** Without a number of tokens there was a budget, which is not lost with the default of today. */
function gatewaySettingsOfV1alpha1(settings: Raw): Raw {
  return {
    ...settings,
    budget: within(settings.budget ?? {}, budget => ({
      tokens: 100_000,
      ...budget,
    })),
  };
}

const settingsOfV1alpha1: Record<string, (settings: Raw) => Raw> = {
  'ai-gateway': gatewaySettingsOfV1alpha1,
  'body-transform': bodySettingsOfV1alpha1,
  'content-inspection': bodySettingsOfV1alpha1,
};

/**
 * v1alpha1 grew fields without a change of its version. Whatever one of its plans lacks is what it meant: no claims, no
 * secrets, no services, nothing native.
 */
function fromV1alpha1(plan: Raw): Raw {
  return {
    claims: null,
    secrets: [],
    ...plan,
    settings: within(
      plan.settings,
      settingsOfV1alpha1[String(plan.purpose)] ?? (settings => settings),
    ),
    extproc: within(plan.extproc, extproc => ({
      attributes: [],
      ...extproc,
      services: each(extproc.services ?? [], service =>
        serviceOfV1alpha1(service, plan.name),
      ),
    })),
    native: within(plan.native ?? null, nativeOfV1alpha1),
    recommendation: within(plan.recommendation, recommendation =>
      recommendationOfV1alpha1(
        recommendation,
        isObject(plan.native) ? plan.native.need : 'unspecified',
      ),
    ),
  };
}

/** Every step, from the oldest version to the newest. */
const migrations: readonly Migration[] = [
  {
    from: `${planGroup}/v1alpha1`,
    to: `${planGroup}/v1alpha2`,
    migrate: fromV1alpha1,
  },
];

/** The versions that can be read, the oldest first. */
export const readableVersions: readonly string[] = [
  ...migrations.map(({ from }) => from),
  planVersion,
];

/**
 * Brings a plan to the current version, step by step.
 *
 * @param plan - a raw plan whose apiVersion is one of {@link readableVersions}
 * @returns a raw plan of the current version, still to be checked
 */
export function migrated(plan: Raw): Raw {
  const step = migrations.find(({ from }) => from === plan.apiVersion);
  return step ? migrated({ ...step.migrate(plan), apiVersion: step.to }) : plan;
}
