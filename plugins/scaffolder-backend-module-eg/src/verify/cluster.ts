import { questions } from './cluster/questions';
import { Finding, outcomeOf } from './findings';
import { appliedManifests } from './manifests';
import { CheckDefinition } from './types';
import { withCluster } from './withCluster';

/** The cluster has what the generated objects refer to, and nothing that they collide with. */
export const clusterCheck: CheckDefinition = {
  id: 'cluster',
  title: 'What the objects need of the cluster',
  run: context =>
    withCluster(context, 'cluster', async cluster => {
      const { directory, plan, log } = context;
      const manifests = await appliedManifests(directory);
      const findings: Finding[] = [];
      for (const { about, ask } of questions) {
        log(`asking cluster ${cluster.name}: ${about}`);
        findings.push(...(await ask({ plan, manifests, cluster })));
      }
      return outcomeOf(findings, `cluster ${cluster.name}`);
    }),
};
