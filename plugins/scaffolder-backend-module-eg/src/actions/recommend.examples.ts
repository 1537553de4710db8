import { TemplateExample } from '@backstage/plugin-scaffolder-node';
import yaml from 'yaml';

export const examples: TemplateExample[] = [
  {
    description: 'Mask card numbers in JSON bodies: ExtProc in Go.',
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
                response: [{ action: 'mask', pointer: '/card/number' }],
              },
              target: { kind: 'HTTPRoute', name: 'checkout' },
            },
          },
        },
      ],
    }),
  },
  {
    description:
      'Less than a millisecond, nothing to call: Wasm in Rust; the answers of the form are passed on as they are.',
    example: yaml.stringify({
      steps: [
        {
          id: 'recommend',
          action: 'eg:recommend',
          name: 'Recommend',
          input: {
            answers: {
              name: 'tag-tenants',
              owner: 'group:default/platform',
              purpose: 'header-transform',
              latency: 'minimal',
              settings: {
                request: [{ action: 'rename', name: 'x-team', to: 'x-tenant' }],
                response: [{ action: 'remove', name: 'x-powered-by' }],
              },
            },
          },
        },
      ],
    }),
  },
];
