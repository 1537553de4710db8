import { TemplateExample } from '@backstage/plugin-scaffolder-node';
import yaml from 'yaml';

export const examples: TemplateExample[] = [
  {
    description: 'Plan an extension and write its policy and manifests.',
    example: yaml.stringify({
      steps: [
        {
          id: 'recommend',
          action: 'eg:recommend',
          name: 'Recommend',
          input: {
            answers: {
              name: 'mask-card-numbers',
              owner: 'group:default/payments',
              purpose: 'body-transform',
              settings: {
                request: [{ action: 'mask', pointer: '/card/number' }],
                response: [{ action: 'mask', pointer: '/card/number' }],
              },
            },
          },
        },
        {
          id: 'render-policy',
          action: 'eg:render-policy',
          name: 'Write the policy',
          input: { plan: '${{ steps.recommend.output.plan }}' },
        },
      ],
    }),
  },
];
