import { z } from 'zod';
import { needs, needTitle } from '../needs';
import { purposeOf, purposes } from '../purposes/purposes';
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

/** How fields of the scaffolder show a question. */
const hints: Partial<Record<Question, FormSchema>> = {
  name: { 'ui:autofocus': true },
  owner: {
    'ui:field': 'OwnerPicker',
    'ui:options': { catalogFilter: { kind: ['Group', 'User'] } },
  },
  need: { enumNames: needs.map(needTitle) },
  furtherNeeds: {
    uniqueItems: true,
    items: {
      type: 'string',
      enum: needs.map(n => n.id),
      enumNames: needs.map(needTitle),
    },
  },
  purpose: { enumNames: purposes.map(p => p.title) },
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
    required: ['purpose'],
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
    questions: ['gatewayVersion', 'target', 'namespace', 'registry'],
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
 * The settings of a purpose as JSON Schema, with title and description.
 *
 * @public
 * @param purpose - its id
 */
export function settingsSchema(purpose: string): FormSchema {
  const { title, description } = properties().settings;
  return { ...schemaOf(purposeOf(purpose).settings), title, description };
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
          settings: {
            ...settingsSchema(purpose.id),
            default: purpose.defaults(purpose.defaultPhases, 'my-extension'),
          },
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
    ...schemas[name],
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
