import { TemplateExample } from '@backstage/plugin-scaffolder-node';
import yaml from 'yaml';

export const examples: TemplateExample[] = [
  {
    description: 'Verify the workspace before it is published.',
    example: yaml.stringify({
      steps: [{ id: 'verify', action: 'eg:verify', name: 'Verify', input: {} }],
    }),
  },
  {
    description: 'Insist on running the behaviour cases in a real Envoy.',
    example: yaml.stringify({
      steps: [
        {
          id: 'verify',
          action: 'eg:verify',
          name: 'Verify',
          input: { require: ['behaviour'] },
        },
      ],
    }),
  },
];
