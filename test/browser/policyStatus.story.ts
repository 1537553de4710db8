import { Page } from 'playwright-core';
import {
  KubernetesObject,
  recordedPolicy,
  recordedWorkload,
} from '../kubernetes/stub';
import { seriousFaults } from './accessibility';
import { cluster, deployed } from './cluster';
import { screenshot, story } from './story';

/** What the stub holds and does, and what the tab must say. */
interface Situation {
  title: string;
  /** Names of recorded policies. */
  policies?: string[];
  workload?: boolean;
  forbidden?: string[];
  noCrd?: boolean;
  says: string[];
}

const situations: Situation[] = [
  {
    title: 'accepted ExtProc',
    policies: ['accepted-extproc'],
    workload: true,
    says: [
      'Accepted=True Accepted',
      'Deployment default/my-extension: 1 of 2 replicas ready',
      'default/my-extension-6d5f7c9b8-4kq2x: Running',
    ],
  },
  {
    title: 'Lua switched off',
    policies: ['lua-disabled'],
    says: [
      'Every request to the affected routes is answered with 500.',
      'Lua is switched off in this Envoy Gateway',
      'extensionApis.enableLua: true',
      'Accepted=False Invalid',
    ],
  },
  {
    title: 'conflicted',
    policies: ['conflicted-route'],
    says: ['Conflicted', 'Accepted=False Conflicted'],
  },
  {
    title: 'overridden',
    policies: ['overridden'],
    says: ['Overridden=True Overridden', 'default/my-route'],
  },
  {
    title: 'target missing',
    policies: ['target-missing'],
    says: ['Not attached', 'No gateway has reported on this policy.'],
  },
  {
    title: 'workload forbidden',
    policies: ['accepted-extproc'],
    forbidden: ['deployments', 'pods'],
    says: [
      'Accepted=True Accepted',
      'may not list Deployments or Pods in stub',
    ],
  },
  {
    title: 'policies forbidden',
    forbidden: ['envoyextensionpolicies'],
    says: [
      'Backstage may not read EnvoyExtensionPolicies in stub',
      'verbs get and list on envoyextensionpolicies',
    ],
  },
  {
    title: 'CRD missing',
    noCrd: true,
    says: ['Envoy Gateway is not installed in stub', 'Install Envoy Gateway'],
  },
];

async function openTab(page: Page): Promise<void> {
  await page.goto(`/catalog/default/component/${deployed}/gateway-extension`);
}

/** Puts the stub into a situation. */
function arrange(situation: Situation): void {
  const { policies = [], workload, forbidden = [], noCrd } = situation;
  const objects: KubernetesObject[] = policies.map(fixture =>
    recordedPolicy(fixture, deployed),
  );
  cluster.api.objects = [
    ...objects,
    ...(workload ? recordedWorkload(deployed) : []),
    // Of another entity, and not to be shown.
    recordedPolicy('stale', 'another'),
  ];
  cluster.api.forbidden = forbidden;
  cluster.api.hasCrd = !noCrd;
}

/** What the tab and the card say about what is in a cluster. */
export function policyStatusStories(): void {
  for (const situation of situations) {
    story(`The tab shows what is so: ${situation.title}`, async page => {
      arrange(situation);
      await openTab(page);
      for (const text of situation.says) {
        await page.getByText(text).first().waitFor();
      }
      expect(await page.getByText('stale').count()).toBe(0);
      await screenshot(page, `tab-${situation.title.replace(/ /g, '-')}`);
    });
  }

  story(
    'The tab shows a policy that is deployed while the page is open',
    async page => {
      arrange({ title: 'nothing', says: [] });
      await openTab(page);
      await page.getByText('There is no policy yet').waitFor();
      await screenshot(page, 'tab-not-deployed');
      arrange(situations[0]!);
      await page.getByText('Accepted=True Accepted').waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      await page
        .getByRole('link', { name: 'Details of every policy and gateway' })
        .waitFor();
      await page.getByText('1 policy').waitFor();
      await screenshot(page, 'overview-accepted');
    },
  );

  for (const colorScheme of ['light', 'dark'] as const) {
    story(
      `axe finds no serious fault in the tab (${colorScheme})`,
      async page => {
        await page.emulateMedia({ colorScheme });
        const policies = [
          'accepted-extproc',
          'lua-disabled',
          'overridden',
          'target-missing',
          'two-gateways',
        ];
        arrange({ title: 'many', policies, workload: true, says: [] });
        await openTab(page);
        for (const policy of ['accepted-extproc', 'lua-disabled']) {
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

  story('The tab says that a cluster cannot be reached', async page => {
    await cluster.api.close();
    await openTab(page);
    await page.getByText('Cluster stub cannot be reached').waitFor();
    await page.getByText('Check the address in kubernetes').waitFor();
    await screenshot(page, 'tab-unreachable');
  });
}
