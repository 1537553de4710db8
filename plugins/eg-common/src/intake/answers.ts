import { z } from 'zod';
import { implementations } from '../implementations';
import {
  divide,
  exclusive,
  MergeConflict,
  modifiersOf,
  nativeObjects,
  nativeVerdicts,
  Need,
  needOf,
  needs,
  primaryFirst,
  saysStaticHeaders,
  wishOf,
} from '../needs';
import { purposeOf, purposes, unsaidSettings } from '../purposes/purposes';
import { Purpose } from '../purposes/types';
import { newestRelease, releaseOf, releases } from '../releases';
import { beginning } from './beginning';
import { lineOfText, namespaceName, objectName } from './fields';
import { processingPhases } from './phases';
import { repositoryRemedy } from './repository';
import { InvalidAnswersError, Problem, problemsOf, shown } from './problems';

/** Kinds that an EnvoyExtensionPolicy can target with an effect on HTTP traffic. */
export const targetKinds = [
  'HTTPRoute',
  'GRPCRoute',
  'Gateway',
  'ListenerSet',
] as const;

/** Kinds that an EnvoyExtensionPolicy can target without any effect: there is no HTTP. Some native policies work there. */
export const connectionKinds = ['TCPRoute', 'TLSRoute', 'UDPRoute'] as const;

/**
 * Whether the target has connections only, no HTTP that an extension could see.
 *
 * @public
 */
export function isConnectionKind(kind: string): boolean {
  return connectionKinds.some(k => k === kind);
}

function oneOf<T extends string>(values: readonly [T, ...T[]], hints: string) {
  return z.enum(values, {
    error: `choose one of ${values.join(', ')}${hints}`,
  });
}

function names<T extends string>(values: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = values;
  return [first!, ...rest];
}

const yesOrNo = z.boolean({ error: 'use true or false' });

/**
 * The interview: one schema, from which the types, the validation and the JSON Schema of the form come. The order is
 * that of the questions.
 *
 * @public
 */
export const answersSchema = z.strictObject({
  name: z
    .string({ error: 'give the extension a name, for example mask-cards' })
    .max(50, 'use at most 50 characters')
    .regex(
      /^[a-z]([a-z0-9-]*[a-z0-9])?$/,
      'use lower-case letters, digits and hyphens, beginning with a letter, for example mask-cards',
    )
    .meta({
      title: 'Name',
      description:
        'Lower-case letters, digits and hyphens. Names the EnvoyExtensionPolicy, and the Service and Deployment where there are some.',
    }),
  description: lineOfText(300).default('').meta({
    title: 'Description',
    description: 'One line for the catalog and the repository.',
  }),
  owner: z
    .string({ error: 'name the owner, for example group:default/platform' })
    .max(200, 'use at most 200 characters')
    .regex(
      /^([a-z]+:)?([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
      'use an entity reference, for example group:default/platform',
    )
    .meta({ title: 'Owner', description: 'Who owns the extension.' }),
  need: oneOf(names(needs.map(n => n.id)), '')
    .default('unspecified')
    .meta({
      title: 'What is needed',
      description:
        'Choose the closest: whether Envoy Gateway does it itself follows from it. “Not said” stands for what is not in the list or not known yet.',
    }),
  furtherNeeds: z
    .array(oneOf(names(needs.map(n => n.id)), ''), {
      error: 'give a list of needs',
    })
    .refine(list => new Set(list).size === list.length, {
      error: 'name each need once',
    })
    .default([])
    .meta({
      title: 'What else is part of it',
      description:
        'Parts of the same wish: what Envoy Gateway does itself is taken out of the extension.',
    }),
  needSettings: z
    .record(z.string(), z.unknown(), {
      error:
        'give settings by need, for example validate-jwt with issuer and jwksUri',
    })
    .default({})
    .meta({
      title: 'Settings of what Envoy Gateway does itself',
      description:
        'By need: what its policies say. What is left out becomes an example with a TODO.',
    }),
  purpose: oneOf(names(purposes.map(p => p.id)), '').meta({
    title: 'Purpose',
    description:
      'What an extension would be for: the code that is generated begins from it.',
  }),
  settings: z.unknown().optional().meta({
    title: 'Settings',
    description:
      'What the extension does. It has only the operations, rules and limits that you add.',
  }),
  processing: z
    .array(oneOf(processingPhases, ''), {
      error: `give a list of ${processingPhases.join(', ')}`,
    })
    .refine(phases => new Set(phases).size === phases.length, {
      error: 'name each phase once',
    })
    .optional()
    .meta({
      title: 'What is processed',
      description:
        'Every phase costs something: only what is chosen reaches the extension.',
    }),
  bodySize: oneOf(['none', 'small', 'large', 'streaming'], '')
    .default('small')
    .meta({
      title: 'Body size',
      description:
        'The connection buffer of the gateway’s listener holds 32 KiB by default. Streaming: server-sent events, uploads without an end in sight.',
    }),
  language: oneOf(
    names(['none', ...new Set(implementations.map(i => i.language)), 'other']),
    '; none stands for no preference, other for a language that is not generated',
  )
    .default('none')
    .meta({
      title: 'Language',
      description: 'Without a preference: whatever fits best.',
    }),
  latency: oneOf(['minimal', 'moderate', 'flexible', 'unknown'], '')
    .default('moderate')
    .meta({
      title: 'Latency that can be added',
      description: 'What the extension may take of each request’s time.',
    }),
  externalCalls: yesOrNo.default(false).meta({
    title: 'Calls external services',
    description: 'A database, an API, a cache.',
  }),
  stateAcrossRequests: yesOrNo.default(false).meta({
    title: 'Keeps state between requests',
    description: 'Counters, caches, sessions.',
  }),
  environment: oneOf(['production', 'prototype', 'unknown'], '')
    .default('production')
    .meta({
      title: 'Environment',
      description:
        'Production adds replicas, a disruption budget and autoscaling.',
    }),
  gatewayVersion: oneOf(names(releases.map(r => r.version).reverse()), '')
    .default(newestRelease.version)
    .meta({
      title: 'Envoy Gateway release',
      description: 'The minor release that runs in the cluster.',
    }),
  target: z
    .strictObject(
      {
        kind: oneOf(
          [...targetKinds, ...connectionKinds],
          ' (an extension needs one of the first four; a Backend is rejected)',
        )
          .default('HTTPRoute')
          .meta({ title: 'Kind' }),
        name: objectName.optional().meta({
          title: 'Name',
          description: 'Leave it out to fill it in later.',
        }),
        namespace: namespaceName.default('default').meta({
          title: 'Namespace',
          description: 'The policy has to be in the same namespace.',
        }),
        sectionName: objectName.optional().meta({
          title: 'Section name',
          description:
            'A listener of a Gateway or ListenerSet, or a named rule of a route. Left out: all of them.',
        }),
      },
      { error: 'give kind, name and namespace of what the policy targets' },
    )
    .prefault({})
    .meta({
      title: 'Target',
      description: 'What the extension is attached to.',
    }),
  namespace: namespaceName.optional().meta({
    title: 'Namespace of the workload',
    description:
      'Where an external processor runs. Left out: the target’s namespace.',
  }),
  registry: z
    .string({ error: 'give an image registry, for example ghcr.io/acme' })
    .max(200, 'use at most 200 characters')
    .regex(
      /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/,
      'use a registry host and path in lower case without a scheme and tag, for example ghcr.io/acme',
    )
    .optional()
    .meta({
      title: 'Image registry',
      description:
        'Where the image is pushed; the name is added. Leave it out to fill it in later.',
    }),
  cluster: z
    .string({ error: 'give the name of a cluster that Backstage knows' })
    .max(253, 'use at most 253 characters')
    .regex(/^[!-~]+( [!-~]+)*$/, 'use letters, digits and signs of ASCII')
    .optional()
    .meta({
      title: 'Cluster',
      description:
        'Where everything is tried out before it is published; nothing is written. Leave it out where Backstage knows only one.',
    }),
  repoUrl: z
    .string({ error: 'give the repository' })
    .max(1000, 'use at most 1000 characters')
    .regex(
      /^[a-z0-9.-]+(:[0-9]+)?\?[^#\s]+$/,
      'use the form github.com?owner=acme&repo=mask-cards',
    )
    .superRefine((repoUrl, context) => {
      const remedy = repositoryRemedy(repoUrl);
      if (remedy) {
        context.addIssue({ code: 'custom', message: remedy });
      }
    })
    .optional()
    .meta({
      title: 'Repository',
      description: 'Where the extension is published.',
    }),
  implementation: oneOf(
    names(['recommended', 'native', ...implementations.map(i => i.id)]),
    '',
  )
    .default('recommended')
    .meta({
      title: 'Implementation',
      description: 'What is built.',
    }),
});

/**
 * Answers as they come from a form, a file or an AI client.
 *
 * @public
 */
export type AnswersInput = z.input<typeof answersSchema>;

/**
 * Valid answers with every default applied; `settings` are the purpose's own, complete.
 *
 * @public
 */
export type Answers = Required<
  Pick<z.output<typeof answersSchema>, 'processing'>
> &
  z.output<typeof answersSchema>;

/** Forms give empty strings and nulls for questions that were left out. */
function withoutBlanks(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, v]) => v !== '' && v !== null && v !== undefined,
    ),
  );
}

/** The answers without blanks, and without those in the target; settings may hold blanks that mean something. */
function answered(input: unknown): unknown {
  const given = withoutBlanks(input);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return given;
  }
  const { target, purpose, need } = given as Record<string, unknown>;
  const complete = {
    ...given,
    ...(target === undefined ? {} : { target: withoutBlanks(target) }),
  };
  const ordered = primaryOf(complete);
  const known = needs.find(
    n => n.id === (ordered?.need ?? need) && n.id !== 'unspecified',
  );
  return {
    ...complete,
    ...ordered,
    // Who names a concrete need has said what it is for.
    ...(purpose === undefined && known ? { purpose: known.purpose } : {}),
  };
}

/** What of the answers says which need comes first; loose, since it is read before anything is checked. */
const wishSchema = answersSchema.pick({
  need: true,
  furtherNeeds: true,
  gatewayVersion: true,
  target: true,
});

/** The needs in an order of their own, so that it makes no difference which of them was named first. */
function primaryOf(
  given: object,
): { need: string; furtherNeeds: string[] } | undefined {
  const wish = wishSchema.safeParse(
    Object.fromEntries(
      Object.entries(given).filter(([key]) => key in wishSchema.shape),
    ),
  );
  if (!wish.success || wish.data.furtherNeeds.length === 0) {
    return undefined;
  }
  const [first, ...rest] = primaryFirst(wishOf(wish.data), wish.data);
  return { need: first!.id, furtherNeeds: rest.map(({ id }) => id) };
}

/** Whether Envoy Gateway does all of it, and the person does not want an extension all the same. */
function staysNative(answers: Answers): boolean {
  return (
    ['recommended', 'native'].includes(answers.implementation) &&
    nativeVerdicts(answers).every(({ native }) => native)
  );
}

/** What is wrong with the settings of needs. */
function needProblems(answers: Answers): Problem[] {
  const { native, extension } = divide(answers, !staysNative(answers));
  const given = Object.entries(answers.needSettings);
  const problems = given.flatMap(([id, settings]): Problem[] => {
    const field = `needSettings.${id}`;
    const wished = wishOf(answers).find(need => need.id === id);
    if (!wished) {
      return [
        {
          field,
          value: shown(settings),
          remedy: `it is none of the needs that you named (${wishOf(answers)
            .map(need => need.id)
            .join(', ')}); name it in furtherNeeds, or remove its settings`,
        },
      ];
    }
    if (!native.some(({ need }) => need === wished)) {
      return [
        {
          field,
          value: shown(settings),
          remedy: `${
            extension.includes(wished)
              ? 'an extension does this here, and its settings are in settings'
              : 'Envoy Gateway does not do this here'
          }; remove it`,
        },
      ];
    }
    const schema = wished.native!.settings;
    if (!schema) {
      return [
        {
          field,
          value: shown(settings),
          remedy: 'there is nothing to set about it; remove it',
        },
      ];
    }
    const parsed = schema.safeParse(settings);
    return parsed.success
      ? []
      : problemsOf(parsed.error, settings, ['needSettings', id]);
  });
  const excluding = exclusive(native.map(({ need }) => need));
  if (excluding.length > 0) {
    problems.push({
      field: 'furtherNeeds',
      value: shown(excluding.map(({ id }) => id)),
      remedy:
        'each of them says where a rule of the route leads; name one, and make another repository for the other',
    });
  }
  return problems.length > 0 ? problems : conflicts(answers, native);
}

/** Settings of two needs that contradict each other in one field of one object. */
function conflicts(
  answers: Answers,
  native: Parameters<typeof nativeObjects>[1],
): Problem[] {
  try {
    nativeObjects(answers, native, {
      kind: answers.target.kind,
      name: answers.target.name ?? 'my-target',
      namespace: answers.target.namespace,
      sectionName: answers.target.sectionName ?? null,
      placeholder: answers.target.name === undefined,
    });
    return [];
  } catch (error) {
    if (!(error instanceof MergeConflict)) {
      throw error;
    }
    return [
      {
        field: 'needSettings',
        value: shown(answers.needSettings),
        remedy: `${error.message}, and there is one object for all needs; give the same value in both, or make a repository for each`,
      },
    ];
  }
}

/** Problems that concern more than one answer. */
function contradictions(answers: Answers): Problem[] {
  const problems: Problem[] = [];
  const release = releaseOf(answers.gatewayVersion);
  if (answers.target.kind === 'ListenerSet' && !release.listenerSet) {
    problems.push({
      field: 'target.kind',
      value: shown('ListenerSet'),
      remedy: `Envoy Gateway ${release.version} does not know it as a target; target a Gateway or a route, or upgrade to 1.9`,
    });
  }
  const { kind } = answers.target;
  if (isConnectionKind(kind)) {
    const reasons = nativeVerdicts(answers).flatMap(v => v.reasons ?? []);
    const covered = needs
      .filter(({ native }) => native?.targets.includes(kind))
      .map(({ id }) => id);
    return reasons.length > 0
      ? [
          ...problems,
          {
            field: 'target.kind',
            value: shown(kind),
            remedy: `an extension there is accepted and has no effect: a ${kind} has connections, no HTTP. ${reasons.join(
              ' ',
            )} Target an HTTPRoute, GRPCRoute, Gateway or ListenerSet, or name a need that Envoy Gateway itself covers there: ${covered.join(
              ', ',
            )}`,
          },
        ]
      : problems;
  }
  if (staysNative(answers)) {
    return problems;
  }
  if (answers.processing.length === 0) {
    problems.push({
      field: 'processing',
      value: shown(answers.processing),
      remedy: `choose at least one of ${processingPhases.join(', ')}`,
    });
    return problems;
  }
  const purpose = purposeOf(answers.purpose);
  for (const phase of purpose.phases(answers.settings)) {
    if (!answers.processing.includes(phase)) {
      problems.push({
        field: 'processing',
        value: shown(answers.processing),
        remedy: `the settings need ${phase}; add it here, or remove the operations that need it from settings`,
      });
    }
  }
  return problems;
}

/**
 * Validates answers and applies every default.
 *
 * @public
 * @param input - the answers as given
 * @returns the complete answers
 * @throws {@link InvalidAnswersError} listing every problem with field, value and remedy
 */
export function parseAnswers(input: unknown): Answers {
  const given = answered(input);
  const parsed = answersSchema.safeParse(given);
  const problems = parsed.success ? [] : problemsOf(parsed.error, given);
  const { purpose: purposeId, settings: givenSettings } = (given ?? {}) as {
    purpose?: string;
    settings?: unknown;
  };
  const purpose = purposes.find(p => p.id === purposeId);
  let settings: unknown;
  if (purpose && givenSettings !== undefined) {
    const parsedSettings = purpose.settings.safeParse(givenSettings);
    if (parsedSettings.success) {
      settings = parsedSettings.data;
    } else {
      problems.push(
        ...problemsOf(parsedSettings.error, givenSettings, ['settings']),
      );
    }
  }
  if (!parsed.success || problems.length > 0) {
    throw new InvalidAnswersError(problems);
  }
  const { processing, settings: defaults } = beginning(
    purpose!,
    parsed.data.need,
    parsed.data.processing,
    parsed.data.furtherNeeds,
  );
  const complete: Answers = {
    ...parsed.data,
    // What is proposed brings the phases that it needs; one's own settings are checked against one's own phases.
    processing:
      settings === undefined
        ? [...new Set([...processing, ...purpose!.phases(defaults)])]
        : processing,
    settings: settings ?? defaults,
  };
  const own =
    settings !== undefined && !isBeginning(purpose!, complete, settings);
  const answers = withOwnSettings(complete, own, defaults);
  const contradicting = [...contradictions(answers), ...needProblems(answers)];
  if (contradicting.length > 0) {
    throw new InvalidAnswersError(contradicting);
  }
  return answers;
}

/**
 * What is missing in answers that do not say what an extension is to do. They are enough for advice, but not for an extension.
 *
 * @public
 * @returns one problem, which names the fields to fill in; none if nothing is missing
 */
export function missingSettings({
  purpose: id,
  settings,
  processing,
}: Answers): Problem[] {
  const purpose = purposeOf(id);
  const given = settings as Record<string, unknown>;
  const unsaid = unsaidSettings(purpose, given);
  if (unsaid.length === 0) {
    return [];
  }
  const fields = unsaid.map(({ title }) => `“${title}”`).join(' or ');
  const exampleFor = (phases: Answers['processing']) => {
    const example = purpose.example(phases);
    return unsaid
      .map(({ name }) => ({ name, text: JSON.stringify(example[name]) }))
      .find(({ name, text }) => text !== JSON.stringify(given[name]));
  };
  const { name, text } =
    exampleFor(processing) ?? exampleFor([...purpose.defaultPhases])!;
  return [
    {
      field: `settings.${name}`,
      value: shown(given[name]),
      remedy: `nothing says what the extension is to do; fill in ${fields}, for example ${name}: ${text}`,
    },
  ];
}

/** Whether settings are those that a form begins with, which say nothing about what a person wants. */
function isBeginning(
  purpose: Purpose<any>,
  answers: Answers,
  settings: unknown,
): boolean {
  const text = JSON.stringify(settings);
  return [answers.processing, undefined].some(phases =>
    ['unspecified', ...wishOf(answers).map(({ id }) => id)].some(
      need =>
        JSON.stringify(beginning(purpose, need, phases).settings) === text,
    ),
  );
}

const staticHeader: Need = needOf('static-header');

/** Where settings of a purpose say fixed headers, and Envoy Gateway does all of it, they are those of header modifiers. */
function withOwnSettings(
  complete: Answers,
  own: boolean,
  defaults: object,
): Answers {
  if (!own || !saysStaticHeaders(complete)) {
    return complete;
  }
  // Settings of one's own can say the need that was not chosen from the list.
  const said: Answers =
    complete.need === 'unspecified'
      ? { ...complete, need: staticHeader.id }
      : complete;
  if (!wishOf(said).includes(staticHeader) || !staysNative(said)) {
    return complete.need === 'unspecified' && complete.furtherNeeds.length === 0
      ? said
      : complete;
  }
  return {
    ...said,
    settings: defaults,
    needSettings: {
      [staticHeader.id]: modifiersOf(complete.settings),
      ...said.needSettings,
    },
  };
}

/**
 * Settings of an extension that there will not be, since Envoy Gateway does all of it.
 *
 * @returns the problem; none where an extension reads them, or where they are those that a form begins with
 */
export function unreadSettings(answers: Answers): Problem[] {
  return staysNative(answers) &&
    !isBeginning(purposeOf(answers.purpose), answers, answers.settings)
    ? [
        {
          field: 'settings',
          value: shown(answers.settings),
          remedy: `nothing would read them: Envoy Gateway does all of it (${wishOf(
            answers,
          )
            .map(({ id }) => id)
            .join(
              ', ',
            )}). What its policies say is set in needSettings; remove settings, or choose an implementation`,
        },
      ]
    : [];
}
