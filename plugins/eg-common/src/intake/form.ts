import { z } from 'zod';
import { needs, needTitle } from '../needs';
import { purposeOf, purposes } from '../purposes/purposes';
import { implementations } from '../implementations';
import { codeSpan } from '../policy/markdown';
import { answersSchema } from './answers';

/** JSON Schema with the scaffolder's `ui:` hints. */
type FormSchema = Record<string, any>;

type Question = keyof typeof answersSchema.shape;

function schemaOf(schema: z.ZodType): FormSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
  });
  return rest;
}

/**
 * Makes alternatives readable in a form: each is called what its constant says, which then need not be shown as a field
 * of its own.
 */
function withNamedAlternatives(schema: FormSchema): FormSchema {
  if (Array.isArray(schema)) {
    return schema.map(withNamedAlternatives);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      withNamedAlternatives(value),
    ]),
  );
  return Array.isArray(inner.oneOf)
    ? { ...inner, oneOf: inner.oneOf.map(namedByConstant) }
    : inner;
}

function namedByConstant(alternative: FormSchema): FormSchema {
  const [name, constant] =
    Object.entries<FormSchema>(alternative.properties ?? {}).find(
      ([, property]) => 'const' in property,
    ) ?? [];
  return name && constant
    ? {
        title: constant.title ?? constant.const,
        ...alternative,
        properties: {
          ...alternative.properties,
          [name]: { ...constant, 'ui:widget': 'hidden' },
        },
      }
    : alternative;
}

/** How fields of the scaffolder show a question. */
const hints: Partial<Record<Question, FormSchema>> = {
  name: { 'ui:autofocus': true },
  owner: {
    'ui:field': 'OwnerPicker',
    'ui:options': { catalogFilter: { kind: ['Group', 'User'] } },
  },
  furtherNeeds: {
    uniqueItems: true,
    items: {
      type: 'string',
      enum: needs.map(n => n.id),
      enumNames: needs.map(needTitle),
    },
  },
  processing: {
    minItems: 1,
    uniqueItems: true,
    'ui:widget': 'checkboxes',
  },
  repoUrl: {
    'ui:field': 'RepoUrlPicker',
    'ui:options': { allowedHosts: ['github.com'] },
  },
};

/** What the choices are called in the form, where their values are not for people. */
const labels: Partial<Record<Question, Record<string, string>>> = {
  need: Object.fromEntries(needs.map(n => [n.id, needTitle(n)])),
  purpose: Object.fromEntries(purposes.map(p => [p.id, p.title])),
  processing: {
    requestHeaders: 'Request headers',
    responseHeaders: 'Response headers',
    requestBody: 'Request body',
    responseBody: 'Response body',
  },
  bodySize: {
    none: 'No bodies',
    small: 'Small: within the connection buffer',
    large: 'Large: beyond it',
    streaming: 'Streaming',
  },
  language: {
    none: 'No preference',
    ...Object.fromEntries(
      implementations.map(i => [i.language, i.languageTitle]),
    ),
    other: 'Another language',
  },
  latency: {
    unknown: 'Not known yet',
    minimal: 'Less than 1 ms',
    moderate: '1 to 10 ms',
    flexible: 'More than 10 ms',
  },
  environment: {
    production: 'Production',
    prototype: 'Prototype',
    unknown: 'Not known yet',
  },
  implementation: {
    recommended: 'What the advice says',
    ...Object.fromEntries(implementations.map(i => [i.id, i.title])),
  },
};

function withLabels(name: Question, schema: FormSchema): FormSchema {
  const names = labels[name];
  if (!names) {
    return schema;
  }
  return schema.items
    ? { ...schema, items: withLabels(name, schema.items) }
    : {
        ...schema,
        enumNames: schema.enum.map((value: string) => names[value] ?? value),
      };
}

/**
 * Names of the plugin's form fields, as templates give them in `ui:field`.
 *
 * @public
 */
export const customFields = {
  implementation: 'EnvoyGatewayRecommendation',
  processing: 'EnvoyGatewayProcessing',
  settings: 'EnvoyGatewaySettings',
} as const;

/**
 * Which fields show the questions.
 *
 * @public
 */
export interface FormOptions {
  /**
   * Whether the front-end plugin `backstage-plugin-eg` is there: the advice is then shown live, and settings follow the
   * purpose. An app without the plugin shows an error for fields that it does not know.
   */
  customFields?: boolean;
}

const steps: {
  title: string;
  description: string;
  questions: Question[];
  required: Question[];
}[] = [
  {
    title: 'The extension',
    description: 'What it is called and who owns it.',
    questions: ['name', 'description', 'owner'],
    required: ['name', 'owner'],
  },
  {
    title: 'What it does',
    description:
      'What should happen to which part of the traffic. The settings can be changed later in one file.',
    questions: [
      'need',
      'furtherNeeds',
      'purpose',
      'processing',
      'settings',
      'bodySize',
    ],
    // Who names a concrete need has said what it is for.
    required: [],
  },
  {
    title: 'What it has to respect',
    description: 'From these answers the mechanism follows.',
    questions: [
      'language',
      'latency',
      'externalCalls',
      'stateAcrossRequests',
      'environment',
    ],
    required: [],
  },
  {
    title: 'Where it runs',
    description: 'The gateway or route that it is attached to.',
    questions: ['gatewayVersion', 'target', 'namespace', 'registry', 'cluster'],
    required: [],
  },
  {
    title: 'The advice',
    description: 'Which implementation fits, from all answers so far.',
    questions: ['implementation'],
    required: [],
  },
  {
    title: 'Where it is published',
    description: 'The repository that is created.',
    questions: ['repoUrl'],
    required: ['repoUrl'],
  },
];

/** Questions whose schema or default depends on the purpose. */
const ofPurpose: Question[] = ['processing', 'settings'];

const properties = () =>
  schemaOf(answersSchema).properties as Record<Question, FormSchema>;

/**
 * The settings of a purpose as JSON Schema for a form, with title, description and `ui:` hints.
 *
 * @public
 * @param purpose - its id
 */
export function settingsSchema(purpose: string): FormSchema {
  const { title, description } = properties().settings;
  const { settings, example, defaultPhases } = purposeOf(purpose);
  const nothing = settings.parse({});
  const said = Object.entries(example(defaultPhases)).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(nothing[name]),
  );
  return {
    ...withNamedAlternatives(schemaOf(settings)),
    title,
    // The example is shown and not filled in, so that nothing is built that nobody chose.
    description:
      said.length > 0
        ? `${description} For example: ${codeSpan(
            JSON.stringify(Object.fromEntries(said)),
          )}`
        : description,
  };
}

/** The questions that depend on the purpose, for stock fields: the scaffolder can do that within one step. */
function dependentOnPurpose(question: (name: Question) => FormSchema) {
  return {
    purpose: {
      oneOf: purposes.map(purpose => ({
        properties: {
          purpose: { const: purpose.id },
          processing: {
            ...question('processing'),
            default: purpose.defaultPhases,
          },
          settings: settingsSchema(purpose.id),
        },
      })),
    },
  };
}

/**
 * The interview as the form steps of a software template: `spec.parameters`.
 *
 * @public
 */
export function formSchema(options: FormOptions = {}): FormSchema[] {
  const schemas = properties();
  const question = (name: Question): FormSchema => ({
    ...withLabels(name, schemas[name]),
    ...hints[name],
    ...(options.customFields && name in customFields
      ? { 'ui:field': customFields[name as keyof typeof customFields] }
      : {}),
  });
  return steps.map(({ title, description, questions, required }) => {
    const dependent = options.customFields
      ? []
      : questions.filter(name => ofPurpose.includes(name));
    return {
      title,
      description,
      ...(required.length ? { required } : {}),
      properties: Object.fromEntries(
        questions
          .filter(name => !dependent.includes(name))
          .map(name => [name, question(name)]),
      ),
      ...(dependent.length
        ? { dependencies: dependentOnPurpose(question) }
        : {}),
    };
  });
}
