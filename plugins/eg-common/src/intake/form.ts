import { z } from 'zod';
import { purposes } from '../purposes/purposes';
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

/** How stock fields of the scaffolder show a question. */
const hints: Partial<Record<Question, FormSchema>> = {
  name: { 'ui:autofocus': true },
  owner: {
    'ui:field': 'OwnerPicker',
    'ui:options': { catalogFilter: { kind: ['Group', 'User'] } },
  },
  purpose: { enumNames: purposes.map(p => p.title) },
  processing: { uniqueItems: true, 'ui:widget': 'checkboxes' },
  repoUrl: {
    'ui:field': 'RepoUrlPicker',
    'ui:options': { allowedHosts: ['github.com'] },
  },
};

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
    questions: ['purpose', 'processing', 'settings', 'bodySize'],
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
      'implementation',
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
    title: 'Where it is published',
    description: 'The repository that is created.',
    questions: ['repoUrl'],
    required: ['repoUrl'],
  },
];

/** Questions whose schema depends on the purpose; the scaffolder can do that within one step. */
const ofPurpose: Question[] = ['processing', 'settings'];

/**
 * The interview as the form steps of a software template: `spec.parameters`, for stock fields.
 *
 * @public
 */
export function formSchema(): FormSchema[] {
  const properties = schemaOf(answersSchema).properties as Record<
    Question,
    FormSchema
  >;
  const question = (name: Question) => ({
    ...properties[name],
    ...hints[name],
  });
  const named = (names: Question[]) =>
    Object.fromEntries(names.map(name => [name, question(name)]));
  return steps.map(({ title, description, questions, required }) => {
    const dependent = questions.filter(name => ofPurpose.includes(name));
    return {
      title,
      description,
      ...(required.length ? { required } : {}),
      properties: named(questions.filter(name => !dependent.includes(name))),
      ...(dependent.length
        ? {
            dependencies: {
              purpose: {
                oneOf: purposes.map(purpose => ({
                  properties: {
                    purpose: { const: purpose.id },
                    processing: {
                      ...question('processing'),
                      default: purpose.defaultPhases,
                    },
                    settings: {
                      ...schemaOf(purpose.settings),
                      ...properties.settings,
                      default: purpose.defaults(
                        purpose.defaultPhases,
                        'my-extension',
                      ),
                    },
                  },
                })),
              },
            },
          }
        : {}),
    };
  });
}
