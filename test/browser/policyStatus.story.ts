import { Page } from 'playwright-core';
import { KubernetesObject } from '../lab/cluster';
import { GatewaySettings } from '../lab/envoyGateway';
import { usualSettings } from '../lab/situations';
import { seriousFaults } from './accessibility';
import {
  arrange,
  clear,
  cluster,
  deployed,
  labelled,
  permit,
  situationObjects,
  workload,
} from './cluster';
import { screenshot, story } from './story';

/** What is so in the cluster, and what the tab must say. */
interface Shown {
  title: string;
  /** A situation of the lab. */
  situation?: string;
  workload?: boolean;
  /** Other objects of the entity. */
  objects?: KubernetesObject[];
  /** Settings of Envoy Gateway, if not the usual. */
  gateway?: GatewaySettings;
  /** The name of what is unfolded, where there are several. */
  open?: string;
  /** What Backstage’s account may not list. */
  forbidden?: string[];
  says: string[];
}

/** What a repository without an extension brings, some of it with faults. */
const nativeRepository = [
  'security-jwks-missing',
  'traffic-accepted',
  'client-accepted',
  'route-filter-refused',
  'patch-disabled',
  'backend-accepted',
].flatMap(situationObjects);

const shown: Shown[] = [
  {
    title: 'accepted ExtProc',
    situation: 'accepted-extproc',
    workload: true,
    says: [
      'Accepted by the gateway',
      'Accepted=True Accepted',
      'Service default/extproc: 1 of 1 endpoints ready.',
      'Deployment default/my-extension: 1 of 2 replicas ready',
      'default/my-extension-6d5f7c9b8-4kq2x: Running',
    ],
  },
  {
    title: 'accepted, processor not ready',
    situation: 'accepted-extproc-not-ready',
    says: [
      'Processor not ready',
      'Accepted=True Accepted',
      'Service default/extproc-failing: 0 of 1 endpoints ready.',
    ],
  },
  {
    title: 'Lua switched off',
    situation: 'lua-disabled',
    gateway: { enableLua: false },
    says: [
      'Every request to the affected routes is answered with 500.',
      'Lua is switched off in this Envoy Gateway',
      'extensionApis.enableLua: true',
      'Accepted=False Invalid',
    ],
  },
  {
    title: 'conflicted',
    situation: 'conflicted-route',
    says: ['Conflicted', 'Accepted=False Conflicted'],
  },
  {
    title: 'overridden',
    situation: 'overridden',
    says: ['Overridden=True Overridden', 'default/my-route'],
  },
  {
    title: 'target missing',
    situation: 'target-missing',
    says: ['Not attached', 'No gateway has reported on it.'],
  },
  {
    title: 'what is native',
    objects: nativeRepository,
    gateway: { enableEnvoyPatchPolicy: false },
    says: [
      'SecurityPolicy default/security-jwks-missing in lab',
      'BackendTrafficPolicy default/traffic-accepted in lab',
      'ClientTrafficPolicy default/client-accepted in lab',
      'HTTPRoute default/route-filter-refused in lab',
      'HTTPRouteFilter default/filter in lab',
      'EnvoyPatchPolicy default/patch-disabled in lab',
      'Backend default/backend-accepted in lab',
      'Accepted by the gateway',
      'No status',
      'The ConfigMap default/nope with the key set (JWKS) does not exist.',
    ],
    open: 'security-jwks-missing',
  },
  {
    title: 'workload forbidden',
    situation: 'accepted-extproc',
    forbidden: ['deployments', 'pods', 'endpointslices'],
    says: [
      'Accepted=True Accepted',
      'may not list Deployments or Pods in lab',
      'Backstage may not list EndpointSlices',
    ],
  },
  {
    title: 'policies forbidden',
    forbidden: ['envoyextensionpolicies'],
    says: [
      'Backstage may not read these kinds in lab: EnvoyExtensionPolicy',
      'verbs get and list on envoyextensionpolicies',
    ],
  },
];

/** Of another entity, and not to be shown. */
const foreign = situationObjects('target-missing').map(object =>
  labelled(
    {
      ...object,
      metadata: { ...object.metadata, name: 'missing-of-another' },
    },
    'another',
  ),
);

async function openTab(page: Page): Promise<void> {
  await page.goto(`/catalog/default/component/${deployed}/gateway-extension`);
}

/** Objects that a story begins with. */
const objectsOf = (wanted: Shown) => [
  ...(wanted.situation ? situationObjects(wanted.situation) : []),
  ...(wanted.workload ? workload : []),
  ...(wanted.objects ?? []),
  ...foreign,
];

/** What the tab and the card say about what is in a cluster. */
export function policyStatusStories(): void {
  for (const wanted of shown) {
    const { title, says, gateway, open, forbidden } = wanted;
    story(`The tab shows what is so: ${title}`, async page => {
      if (gateway) {
        await cluster.lab.envoyGateway.start(gateway);
      }
      await permit(forbidden);
      try {
        await arrange(objectsOf(wanted));
        await openTab(page);
        if (open) {
          await page.getByRole('button', { name: open }).click();
        }
        for (const text of says) {
          await page.getByText(text).first().waitFor();
        }
        expect(await page.getByText('missing-of-another').count()).toBe(0);
        await screenshot(page, `tab-${title.replace(/\W+/g, '-')}`);
      } finally {
        await permit();
        if (gateway) {
          await cluster.lab.envoyGateway.start(usualSettings);
        }
      }
    });
  }

  story(
    'The tab shows a policy that is deployed while the page is open',
    async page => {
      await arrange(foreign);
      await openTab(page);
      await page.getByText('Nothing is deployed yet').waitFor();
      await screenshot(page, 'tab-not-deployed');
      await arrange(objectsOf(shown[0]!));
      await page.getByText('Accepted=True Accepted').waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      await page
        .getByRole('link', { name: 'Details of every object and gateway' })
        .waitFor();
      await page.getByText('1 object').waitFor();
      await screenshot(page, 'overview-accepted');
    },
  );

  for (const colorScheme of ['light', 'dark'] as const) {
    story(
      `axe finds no serious fault in the tab (${colorScheme})`,
      async page => {
        await page.emulateMedia({ colorScheme });
        const [overridden] = situationObjects('overridden');
        await arrange([
          ...situationObjects('accepted-extproc'),
          ...workload,
          overridden!,
          ...situationObjects('section-not-found-route'),
          ...situationObjects('target-missing'),
          ...situationObjects('two-gateways'),
        ]);
        await openTab(page);
        for (const policy of ['accepted-extproc', 'section-not-found-route']) {
          await page.getByRole('button', { name: policy }).click();
        }
        await page.getByRole('button', { name: 'YAML' }).first().click();
        await page.getByRole('button', { name: /^Copy / }).waitFor();
        expect(await seriousFaults(page)).toEqual([]);
        await screenshot(page, `tab-many-${colorScheme}`);
        await page.getByRole('link', { name: 'Overview' }).click();
        await page.getByText('The gravest').waitFor();
        expect(await seriousFaults(page)).toEqual([]);
        await screenshot(page, `overview-many-${colorScheme}`);
      },
    );
  }

  story('The tab says that Envoy Gateway is not installed', async page => {
    await clear();
    await cluster.lab.kubectl([
      ...['delete', 'crd'],
      'envoyextensionpolicies.gateway.envoyproxy.io',
    ]);
    await openTab(page);
    await page.getByText('Envoy Gateway is not installed in lab').waitFor();
    await page.getByText('Install Envoy Gateway with its CRDs').waitFor();
    await screenshot(page, 'tab-CRD-missing');
  });

  // The last one: nothing can be asked after it.
  story('The tab says that a cluster cannot be reached', async page => {
    await cluster.lab.down();
    await openTab(page);
    await page.getByText('Cluster lab cannot be reached').waitFor();
    await page.getByText('Check the address in kubernetes').waitFor();
    await screenshot(page, 'tab-unreachable');
  });
}
