import { renderTestApp } from '@backstage/frontend-test-utils';
import { createTestEntityPage } from '@backstage/plugin-catalog-react/testUtils';
import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import {
  LivePolicy,
  objectKinds,
  policyHealth,
} from 'backstage-plugin-eg-common';
import { accessibilityFaults } from '../../__testUtils__/axe';
import { clusterErrors, clusterItem } from '../../__testUtils__/cluster';
import { entity } from '../../__testUtils__/entity';
import { kubernetesApis } from '../../__testUtils__/kubernetesApis';
import { policyFixture, relatedFixtures } from '../../__testUtils__/policies';
import { gatewayExtensionTab } from '../../extensions';
import { refreshMs } from '../../hooks/usePolicies';

type Apis = ReturnType<typeof kubernetesApis>;

function show(apis: Apis['apis'] | undefined, shown = entity) {
  return renderTestApp({
    extensions: [createTestEntityPage({ entity: shown }), gatewayExtensionTab],
    apis: apis as any,
  });
}

async function showPolicies(policies: LivePolicy[], workload = false) {
  const { api, apis } = kubernetesApis([
    clusterItem('local', { policies, workload }),
  ]);
  const rendered = show(apis);
  await screen.findByText(/^\d+ object/);
  return { api, ...rendered };
}

/** Each state on an object with the exact conditions, and what the page must say about it. */
const states: [string, string, RegExp[]][] = [
  [
    'accepted-lua',
    'Accepted by the gateway',
    [
      /Whether requests are processed, only a request shows/,
      /not that requests are processed/,
      /kubectl get gateway eg -n default/,
    ],
  ],
  [
    'lua-disabled',
    'Not accepted',
    [
      /answered with 500/,
      /Lua is switched off/,
      /enableLua: true/,
      /^Lua: Skipping Lua EnvoyExtensionPolicy as feature is disabled/,
    ],
  ],
  [
    'conflicted-route',
    'Conflicted',
    [/oldest wins by creationTimestamp/, /Put both into one policy/],
  ],
  ['overridden', 'Overridden', [/take over for default\/my-route/]],
  ['merged-child', 'Merged', [/merged with default\/merged-parent/]],
  [
    'target-missing',
    'Not attached',
    [/No gateway has taken notice/, /No gateway has reported/],
  ],
  [
    'stale',
    'Stale',
    [/has not judged the latest change/, /^3, status is about 1$/],
  ],
];

describe('GatewayExtensionTab', () => {
  it.each(states)('shows %s as %s', async (name, state, texts) => {
    const { container } = await showPolicies([policyFixture(name)]);
    const trigger = screen.getByRole('button', {
      name: new RegExp(`^${state} ?EnvoyExtensionPolicy default/.* in local`),
    });
    expect(trigger).toHaveAttribute('aria-expanded', 'true');
    for (const text of texts) {
      expect(screen.getAllByText(text).length).toBeGreaterThan(0);
    }
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('shows every ancestor with its own state and conditions', async () => {
    await showPolicies([policyFixture('two-gateways')]);
    const gateways = within(
      screen.getByRole('group', { name: 'What is reported' }),
    );
    const [bad, good] = gateways
      .getAllByText(/^Gateway default\//)
      .map(name => within(name.closest('li')!));
    expect(good!.getByText('Gateway default/internal')).toBeInTheDocument();
    expect(good!.getByText('Accepted by the gateway')).toBeInTheDocument();
    expect(good!.getByText('Accepted=True Accepted')).toBeInTheDocument();
    expect(bad!.getByText('Gateway default/eg')).toBeInTheDocument();
    expect(bad!.getByText('Not accepted')).toBeInTheDocument();
    expect(bad!.getByText('Accepted=False Invalid')).toBeInTheDocument();
    expect(screen.getByText('Concerns Gateway default/eg')).toBeInTheDocument();
  });

  it('shows features, targets and age', async () => {
    const policy = policyFixture('section-not-found-gateway');
    policy.metadata!.creationTimestamp = new Date(
      Date.now() - 50 * 60 * 60 * 1000,
    ).toISOString();
    await showPolicies([policy]);
    const fact = (term: string) =>
      screen.getByText(term).closest('dt')!.nextElementSibling;
    expect(fact('Features')).toHaveTextContent('Lua');
    expect(fact('Targets')).toHaveTextContent(
      'Gateway default/eg, section nosuch',
    );
    expect(fact('Age')).toHaveTextContent('2d2h');
  });

  it('shows the processor’s readiness and pods for ExtProc', async () => {
    const { api } = await showPolicies(
      [policyFixture('accepted-extproc')],
      true,
    );
    const processor = within(
      screen.getByRole('group', { name: 'External processor' }),
    );
    expect(
      processor.getByText(
        'Deployment default/my-extension: 1 of 2 replicas ready',
      ),
    ).toBeInTheDocument();
    const crashing = processor
      .getByText(/zz9wv: CrashLoopBackOff, 5 restarts/)
      .closest('li')!;
    expect(within(crashing).getByText('Not ready')).toBeInTheDocument();
    const running = processor.getByText(/4kq2x: Running, 0 restarts/);
    expect(
      within(running.closest('li')!).getByText('Ready'),
    ).toBeInTheDocument();
    // Whoever finds a policy with a processor asks for its workload too, in the same request.
    await waitFor(() =>
      expect(api.getCustomObjectsByEntity).toHaveBeenLastCalledWith(
        expect.objectContaining({
          customResources: [
            ...objectKinds
              .filter(({ addOn }) => !addOn)
              .map(({ plural }) => expect.objectContaining({ plural })),
            expect.objectContaining({ plural: 'deployments' }),
            expect.objectContaining({ plural: 'pods' }),
            expect.objectContaining({ plural: 'endpointslices' }),
            expect.objectContaining({ plural: 'backendtlspolicies' }),
          ],
        }),
      ),
    );
  });

  it('does not call a policy healthy whose processor has no ready endpoint', async () => {
    const { apis } = kubernetesApis([
      clusterItem('local', {
        policies: [policyFixture('accepted-extproc-not-ready')],
        related: relatedFixtures('accepted-extproc-not-ready'),
      }),
    ]);
    const { container } = show(apis);
    expect(
      await screen.findByRole('button', {
        name: /^Processor not ready ?EnvoyExtensionPolicy default\/accepted-extproc-not-ready/,
      }),
    ).toBeInTheDocument();
    expect(screen.getByText(/answered with 500/)).toBeInTheDocument();
    const processor = within(
      screen.getByRole('group', { name: 'External processor' }),
    );
    expect(
      processor.getByText(
        'Service default/extproc-failing: 0 of 1 endpoints ready.',
      ),
    ).toBeInTheDocument();
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('says what it knows of TLS to the processor, and what it does not', async () => {
    const { apis } = kubernetesApis([
      clusterItem('local', {
        policies: [policyFixture('accepted-extproc-wrong-hostname')],
        related: relatedFixtures('accepted-extproc-wrong-hostname'),
      }),
    ]);
    show(apis);
    expect(
      await screen.findByText(
        /certificate is for another\.lab, only a request shows/,
      ),
    ).toBeInTheDocument();
    expect(
      screen.getByText(/TLS to it fails, requests get 500/),
    ).toBeInTheDocument();
  });

  it('does not claim to know of a processor that it may not see', async () => {
    const { apis } = kubernetesApis([
      clusterItem('local', {
        policies: [policyFixture('accepted-extproc')],
        errors: [
          clusterErrors.podsForbidden,
          clusterErrors.endpointSlicesForbidden,
        ],
      }),
    ]);
    show(apis);
    expect(
      await screen.findByText(/Backstage may not list Deployments or Pods/),
    ).toBeInTheDocument();
    expect(
      screen.getByText(/Backstage may not list EndpointSlices/),
    ).toBeInTheDocument();
    expect(screen.queryByText(/may not read EnvoyExt/)).toBeNull();
  });

  it('says that no Deployment was found', async () => {
    await showPolicies([policyFixture('extproc-service-missing')]);
    expect(
      screen.getByText(/No Deployment in local carries the label/),
    ).toBeInTheDocument();
  });

  it('shows every object of a native repository, with what to do about it', async () => {
    const { container } = await showPolicies(
      [
        'security-jwks-missing',
        'traffic-rate-limit-disabled',
        'client-accepted',
        'route-backend-missing',
        'filter',
        'patch-disabled',
        'backend-accepted',
        'proxy-accepted',
      ].map(policyFixture),
    );
    const triggers = screen
      .getAllByRole('button', { name: / in local/ })
      .map(button => button.textContent);
    expect(triggers).toEqual([
      'Not acceptedBackendTrafficPolicy default/traffic-rate-limit-disabled in localrateLimit',
      'Not acceptedEnvoyPatchPolicy default/patch-disabled in localpatch of RouteConfiguration',
      'Not acceptedSecurityPolicy default/security-jwks-missing in localjwt',
      'Accepted, but incompleteHTTPRoute default/route-backend-missing in localResponseHeaderModifier',
      'Accepted by the gatewayBackend default/backend-accepted in localendpoints',
      'Accepted by the gatewayClientTrafficPolicy default/client-accepted in localheaders',
      'Accepted by the gatewayEnvoyProxy default/proxy-accepted in locallogging, provider',
      'No statusHTTPRouteFilter default/filter in localcredentialInjection',
    ]);
    const user = userEvent.setup();
    await user.click(
      screen.getByRole('button', { name: /HTTPRoute default\/route-backend/ }),
    );
    expect(
      screen.getByText('ResolvedRefs=False BackendNotFound'),
    ).toBeInTheDocument();
    expect(
      screen.getByText(/leads to the service default\/nosvc/),
    ).toBeInTheDocument();
    expect(screen.getByText(/Deploy it, or correct/)).toBeInTheDocument();
    await user.click(
      screen.getByRole('button', { name: /HTTPRouteFilter default\/filter/ }),
    );
    expect(screen.getByText(/This kind has no status/)).toBeInTheDocument();
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('asks for the kinds of AI Gateway where the entity has the tag', async () => {
    const { api, apis } = kubernetesApis([]);
    show(apis, {
      ...entity,
      metadata: {
        ...entity.metadata,
        tags: ['envoy-gateway', 'policy', 'ai-gateway'],
      },
    });
    await screen.findByText(/Nothing is deployed yet/);
    const [{ customResources }] = api.getCustomObjectsByEntity.mock
      .calls[0] as unknown as [{ customResources: { plural: string }[] }];
    expect(customResources.map(({ plural }) => plural)).toEqual(
      objectKinds.map(({ plural }) => plural),
    );
  });

  it('shows the YAML, and copies it', async () => {
    const user = userEvent.setup();
    const copied = jest.spyOn(navigator.clipboard, 'writeText');
    await showPolicies([policyFixture('accepted-lua')]);
    await user.click(screen.getByRole('button', { name: 'YAML' }));
    const yaml = screen.getByRole('region', {
      name: 'EnvoyExtensionPolicy default/accepted-lua',
    });
    expect(yaml).toHaveTextContent(/^apiVersion: gateway.envoyproxy.io\/v1/);
    await user.click(
      screen.getByRole('button', { name: /^Copy EnvoyExtensionPolicy/ }),
    );
    expect(copied).toHaveBeenCalledWith(yaml.textContent);
    expect(screen.getAllByText('Copied').length).toBeGreaterThan(0);
  });

  it('links to the repository and the docs', async () => {
    await showPolicies([policyFixture('accepted-lua')]);
    expect(screen.getByRole('link', { name: 'Repository' })).toHaveAttribute(
      'href',
      'https://github.com/acme/my-extension/tree/main/',
    );
    expect(
      screen.getByRole('link', { name: 'Documentation of the extension' }),
    ).toHaveAttribute(
      'href',
      'https://github.com/acme/my-extension/tree/main/docs/index.md',
    );
  });

  describe('where there is nothing to show', () => {
    const missing: [string, Apis['apis'] | undefined, RegExp, RegExp][] = [
      [
        'no Kubernetes plugin',
        undefined,
        /plugin is not installed/,
        /kubectl get eep,.* -l backstage.io\/kubernetes-id=my-extension -A/,
      ],
      [
        'no cluster',
        kubernetesApis([], []).apis,
        /No cluster is configured/,
        /clusterLocatorMethods/,
      ],
      [
        'no Kubernetes back end',
        kubernetesApis(
          [],
          new Error(
            'Could not find the Kubernetes Backend (HTTP 404). Make sure the plugin has been fully installed.',
          ),
        ).apis,
        /back end does not answer/,
        /plugin-kubernetes-backend/,
      ],
      [
        'no permission in Backstage',
        kubernetesApis(
          new Error(
            'Request failed with 403 Forbidden, {"error":{"name":"NotAllowedError"}}',
          ),
        ).apis,
        /not permitted/,
        /kubernetes.resources.read/,
      ],
      [
        'a broken back end',
        kubernetesApis(new Error('Request failed with 500 Oops, {}')).apis,
        /could not be asked/,
        /tries again/,
      ],
      [
        'an unreachable cluster',
        kubernetesApis([
          clusterItem('local', { errors: [clusterErrors.unreachable] }),
        ]).apis,
        /Cluster local cannot be reached/,
        /Check the address/,
      ],
      [
        'rejected credentials',
        kubernetesApis([
          clusterItem('local', { errors: [clusterErrors.unauthorized] }),
        ]).apis,
        /Cluster local does not accept/,
        /serviceAccountToken/,
      ],
      [
        'a forbidden resource',
        kubernetesApis([
          clusterItem('local', { errors: [clusterErrors.forbidden] }),
        ]).apis,
        /may not read these kinds in local: EnvoyExtensionPolicy/,
        /get and list on envoyextensionpolicies/,
      ],
      [
        'a cluster without the CRD',
        kubernetesApis([
          clusterItem('local', { errors: [clusterErrors['crd-missing']] }),
        ]).apis,
        /Envoy Gateway is not installed in local/,
        /Install Envoy Gateway with its CRDs/,
      ],
      [
        'a cluster with an error of its own',
        kubernetesApis([
          clusterItem('local', { errors: [clusterErrors.other] }),
        ]).apis,
        /Cluster local answered with an error/,
        /SYSTEM_ERROR 500/,
      ],
      [
        'nothing deployed yet',
        kubernetesApis([]).apis,
        /Nothing is deployed yet/,
        /kubectl apply -k policy.*after kubectl apply -k k8s.*backstage.io\/kubernetes-id=my-extension/,
      ],
    ];

    it.each(missing)('%s', async (_, apis, title, remedy) => {
      const { container } = show(apis);
      expect(await screen.findByText(title)).toBeInTheDocument();
      expect(screen.getByText(remedy)).toBeInTheDocument();
      expect(screen.queryByText(/^\d+ object/)).toBeNull();
      expect(await accessibilityFaults(container)).toEqual([]);
    });
  });

  it('shows what one cluster has although another is unreachable', async () => {
    const { apis } = kubernetesApis(
      [
        clusterItem('far', { errors: [clusterErrors.unreachable] }),
        clusterItem('near', { policies: [policyFixture('accepted-lua')] }),
      ],
      ['far', 'near', 'empty'],
    );
    show(apis);
    expect(
      await screen.findByText('Cluster far cannot be reached'),
    ).toBeInTheDocument();
    expect(
      screen.getByRole('button', { name: /default\/accepted-lua in near/ }),
    ).toBeInTheDocument();
    expect(screen.getByText('Not deployed in: empty')).toBeInTheDocument();
  });

  describe('with 300 policies', () => {
    const many = Array.from({ length: 300 }, (_, i): LivePolicy => {
      const policy = policyFixture(i === 250 ? 'lua-disabled' : 'accepted-lua');
      policy.metadata!.name = `policy-${String(i).padStart(3, '0')}`;
      return policy;
    });
    const shown = () =>
      screen
        .getAllByRole('button', { name: /default\/policy-\d+/ })
        .map(button => /policy-\d+/.exec(button.textContent!)![0]);

    it('asks once, and shows the gravest first, a page at a time', async () => {
      const user = userEvent.setup();
      const { api } = await showPolicies(many);
      expect(screen.getByText('300 objects')).toBeInTheDocument();
      expect(api.getCustomObjectsByEntity).toHaveBeenCalledTimes(1);
      expect(shown().slice(0, 3)).toEqual([
        'policy-250',
        'policy-000',
        'policy-001',
      ]);
      expect(shown()).toHaveLength(20);
      expect(screen.getByText('1 to 20 of 300')).toBeInTheDocument();
      await user.click(screen.getByRole('button', { name: /^Next/ }));
      expect(screen.getByText('21 to 40 of 300')).toBeInTheDocument();
      expect(shown()[0]).toBe('policy-019');
    });

    it('finds by name and by state', async () => {
      const user = userEvent.setup();
      await showPolicies(many);
      const search = screen.getByRole('searchbox', { name: 'Search objects' });
      await user.type(search, 'policy-123');
      expect(shown()).toEqual(['policy-123']);
      await user.clear(search);
      await user.type(search, 'not accepted');
      expect(shown()).toEqual(['policy-250']);
      await user.type(search, ' nonsense');
      expect(screen.getByText(/Nothing matches/)).toHaveAttribute(
        'role',
        'status',
      );
    });

    it('opens one by keyboard', async () => {
      const user = userEvent.setup();
      await showPolicies(many);
      expect(screen.queryByText(/Lua is switched off/)).toBeNull();
      screen.getByRole('button', { name: /policy-250/ }).focus();
      await user.keyboard('{Enter}');
      expect(screen.getByText(/Lua is switched off/)).toBeInTheDocument();
    });
  });

  it('keeps what it knows when a refresh fails', async () => {
    jest.useFakeTimers();
    try {
      const { api, apis } = kubernetesApis([
        clusterItem('local', { policies: [policyFixture('accepted-lua')] }),
      ]);
      show(apis);
      await act(() => jest.advanceTimersByTimeAsync(100));
      expect(screen.getByText('1 object')).toBeInTheDocument();
      api.getCustomObjectsByEntity.mockRejectedValue(
        new Error('Request failed with 502 Bad Gateway, '),
      );
      await act(() => jest.advanceTimersByTimeAsync(refreshMs));
      expect(api.getCustomObjectsByEntity).toHaveBeenCalledTimes(2);
      expect(
        screen.getByText(/The last refresh failed.*502/),
      ).toBeInTheDocument();
      expect(screen.getByText('1 object')).toBeInTheDocument();
    } finally {
      jest.useRealTimers();
    }
  });

  it('is not shown for other components', async () => {
    show(kubernetesApis([]).apis, {
      ...entity,
      spec: { ...entity.spec, type: 'service' },
    });
    await waitFor(() =>
      expect(document.body.textContent).not.toMatch(/Loading/),
    );
    expect(screen.queryByText('Gateway extension')).toBeNull();
  });

  it('puts each fixture under the state that health gives it', () => {
    for (const [name, state] of states) {
      const words = policyHealth(policyFixture(name)).state.replace(
        /(?<=[a-z])([A-Z])/g,
        letter => ` ${letter.toLowerCase()}`,
      );
      // The tab says by whom something is accepted.
      expect(state.replace(' by the gateway', '')).toBe(words);
    }
  });
});
