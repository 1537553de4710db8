import { ConfigReader } from '@backstage/config';
import { ScmIntegrations } from '@backstage/integration';
// The local back end is no part of the package.
// eslint-disable-next-line @backstage/no-relative-monorepo-imports
import {
  offerHosts,
  publishingHosts,
} from '../../plugins/scaffolder-backend-module-eg/dev/publishingHosts';

const hostsOf = (github: object[]) =>
  publishingHosts(
    ScmIntegrations.fromConfig(new ConfigReader({ integrations: { github } })),
  );

const template = {
  apiVersion: 'scaffolder.backstage.io/v1beta3',
  kind: 'Template',
  metadata: { name: 't' },
  spec: {
    parameters: [
      { properties: { name: { type: 'string' } } },
      {
        properties: {
          repoUrl: {
            'ui:field': 'RepoUrlPicker',
            'ui:options': {
              allowedHosts: ['github.com'],
              allowedOwners: ['acme'],
            },
          },
        },
      },
    ],
    steps: [{ id: 'publish', action: 'publish:github' }],
  },
};

describe('publishingHosts', () => {
  it('names the hosts that there are credentials for', () => {
    expect(
      hostsOf([
        { host: 'localhost:7008', apiBaseUrl: 'http://api', token: 'a' },
        { host: 'github.example.com', apiBaseUrl: 'http://api' },
      ]),
    ).toEqual(['localhost:7008']);
    expect(hostsOf([{ host: 'github.com', token: 'a' }])).toEqual([
      'github.com',
    ]);
    expect(hostsOf([])).toEqual([]);
  });
});

describe('offerHosts', () => {
  it('puts the hosts into the repository pickers and changes nothing else', () => {
    const offered = offerHosts(template, ['localhost:7008']);
    const expected = structuredClone(template);
    expected.spec.parameters[1]!.properties.repoUrl![
      'ui:options'
    ].allowedHosts = ['localhost:7008'];
    expect(offered).toEqual(expected);
  });

  it('leaves other kinds, and everything where there are no hosts, as it is', () => {
    const component = { ...template, kind: 'Component' };
    expect(offerHosts(component, ['localhost:7008'])).toBe(component);
    expect(offerHosts(template, [])).toBe(template);
  });
});
