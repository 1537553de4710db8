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
    description:
      'Ask a cluster whether it would take every object and has what they refer to; fail where it cannot be asked.',
    example: yaml.stringify({
      steps: [
        {
          id: 'verify',
          action: 'eg:verify',
          name: 'Verify',
          input: { cluster: 'production', require: ['dry-run', 'cluster'] },
        },
      ],
    }),
  },
  {
    description:
      'Wait for at most five minutes until a deployed policy is accepted.',
    example: yaml.stringify({
      steps: [
        {
          id: 'check',
          action: 'eg:verify',
          name: 'Wait for the gateways',
          input: {
            cluster: 'production',
            policy: { namespace: 'shop', name: 'mask-card-numbers' },
            waitSeconds: 300,
          },
        },
      ],
    }),
  },
  {
    description: 'Wait until a deployed SecurityPolicy is accepted.',
    example: yaml.stringify({
      steps: [
        {
          id: 'check',
          action: 'eg:verify',
          name: 'Wait for the gateways',
          input: {
            policy: {
              kind: 'SecurityPolicy',
              namespace: 'shop',
              name: 'accept-customers',
            },
          },
        },
      ],
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
