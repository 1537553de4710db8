import { renderTestApp } from '@backstage/frontend-test-utils';
import { createTestEntityPage } from '@backstage/plugin-catalog-react/testUtils';
import { screen, within } from '@testing-library/react';
import { accessibilityFaults } from '../../__testUtils__/axe';
import { clusterErrors, clusterItem } from '../../__testUtils__/cluster';
import { entity } from '../../__testUtils__/entity';
import { kubernetesApis } from '../../__testUtils__/kubernetesApis';
import { policyFixture } from '../../__testUtils__/policies';
import { gatewayExtensionCard, gatewayExtensionTab } from '../../extensions';

function show(apis: ReturnType<typeof kubernetesApis>['apis'] | undefined) {
  return renderTestApp({
    extensions: [createTestEntityPage({ entity }), gatewayExtensionCard],
    apis: apis as any,
  });
}

const showPolicies = (...names: string[]) =>
  show(
    kubernetesApis([
      clusterItem('local', { policies: names.map(policyFixture) }),
    ]).apis,
  );

describe('GatewayExtensionCard', () => {
  it.each([
    ['accepted-lua', 'Accepted by the gateway', /only a request shows/],
    ['lua-disabled', 'Not accepted', /answered with 500/],
    ['conflicted-route', 'Conflicted', /by the other policy only/],
    ['overridden', 'Overridden', /another policy runs in its place/],
    ['merged-child', 'Merged', /together with another policy/],
    ['target-missing', 'Not attached', /pass without the extension/],
    ['stale', 'Stale', /as before the last change/],
  ])('shows %s as %s', async (name, state, effect) => {
    const { container } = showPolicies(name);
    expect(await screen.findByText(state)).toBeInTheDocument();
    expect(screen.getByText(effect)).toBeInTheDocument();
    expect(await accessibilityFaults(container)).toEqual([]);
  });

  it('counts the states, and explains the gravest', async () => {
    showPolicies('accepted-lua', 'accepted-wasm', 'lua-disabled');
    const list = (await screen.findByText('Not accepted')).closest('ul')!;
    const counts = within(list).getAllByRole('listitem');
    expect(counts.map(item => item.textContent)).toEqual([
      'Not accepted1 object',
      'Accepted by the gateway2 objects',
    ]);
    expect(
      screen.getByText(
        'The gravest: EnvoyExtensionPolicy default/lua-disabled in local',
      ),
    ).toBeInTheDocument();
    expect(screen.getByText(/enableLua: true/)).toBeInTheDocument();
  });

  it('warns when the processor of an accepted policy is not ready', async () => {
    show(
      kubernetesApis([
        clusterItem('local', {
          policies: [policyFixture('accepted-extproc')],
          workload: true,
        }),
      ]).apis,
    );
    expect(
      await screen.findByText('Accepted by the gateway'),
    ).toBeInTheDocument();
    expect(
      screen.getByText(/The external processor in local is not ready/),
    ).toBeInTheDocument();
    expect(
      screen.getByText(/my-extension: 1 of 2 replicas ready/),
    ).toBeInTheDocument();
  });

  it('says nothing of processors where a policy has none', async () => {
    show(
      kubernetesApis([
        clusterItem('local', {
          policies: [policyFixture('accepted-lua')],
          workload: true,
        }),
      ]).apis,
    );
    expect(
      await screen.findByText('Accepted by the gateway'),
    ).toBeInTheDocument();
    expect(screen.queryByText(/is not ready/)).not.toBeInTheDocument();
  });

  it.each([
    ['no Kubernetes plugin', undefined, /plugin is not installed/],
    ['no cluster', kubernetesApis([], []).apis, /No cluster is configured/],
    [
      'an unreachable cluster',
      kubernetesApis([
        clusterItem('local', { errors: [clusterErrors.unreachable] }),
      ]).apis,
      /cannot be reached/,
    ],
    ['no policy yet', kubernetesApis([]).apis, /Nothing is deployed yet/],
  ])('says so where there is %s', async (_, apis, title) => {
    show(apis);
    expect(await screen.findByText(title)).toBeInTheDocument();
  });

  it('leads to the tab', async () => {
    const { apis } = kubernetesApis([]);
    renderTestApp({
      extensions: [
        createTestEntityPage({ entity }),
        gatewayExtensionCard,
        gatewayExtensionTab,
      ],
      apis: apis as any,
    });
    expect(
      await screen.findByRole('link', { name: /Details of every object/ }),
    ).toHaveAttribute('href', expect.stringMatching(/\/gateway-extension$/));
  });
});
