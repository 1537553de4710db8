import { useRouteRef } from '@backstage/frontend-plugin-api';
import { useEntity } from '@backstage/plugin-catalog-react';
import {
  Card,
  CardBody,
  CardFooter,
  CardHeader,
  Flex,
  Link,
  Text,
} from '@backstage/ui';
import { policyStates } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { PolicyOverview } from '../../kubernetes';
import { tabRouteRef } from '../../routes';
import { StateBadge } from '../StateBadge';
import { WithPolicies } from '../WithPolicies';
import { WorkloadWarning } from '../WorkloadWarning';

/** The states that policies are in, with their numbers, and what the gravest means. */
function Summary({ policies, workloads }: PolicyOverview) {
  const { t } = useEgTranslation();
  const [worst] = policies;
  const counts = policyStates
    .map(state => ({
      state,
      count: policies.filter(({ health }) => health.state === state).length,
    }))
    .filter(({ count }) => count > 0);
  if (!worst) {
    return null;
  }
  const { health, cluster } = worst;
  const withProcessor = new Set(
    policies
      .filter(policy => policy.health.mechanisms.includes('ExtProc'))
      .map(policy => policy.cluster),
  );
  const [hint] = health.hints;
  return (
    <Flex direction="column" gap="2">
      <ul style={{ listStyle: 'none', margin: 0, padding: 0 }}>
        {counts.map(({ state, count }) => (
          <li key={state}>
            <Flex align="center" gap="2">
              <StateBadge state={state} />
              <Text>{t('tab.summary', { count })}</Text>
            </Flex>
          </li>
        ))}
      </ul>
      {[...withProcessor].map(name => (
        <WorkloadWarning key={name} cluster={name} workload={workloads[name]} />
      ))}
      {health.state !== 'Accepted' && (
        <Text as="p" weight="bold">
          {t('card.worst', {
            policy: t('policy.title', {
              kind: health.kind,
              namespace: health.namespace,
              name: health.name,
              cluster,
            }),
          })}
        </Text>
      )}
      <Text as="p">{health.effect}</Text>
      {hint && <Text as="p">{`${hint.meaning} ${hint.remedy}`}</Text>}
    </Flex>
  );
}

/** The overview card: the state of the entity's policies at a glance. */
export function GatewayExtensionCard() {
  const { entity } = useEntity();
  const { t } = useEgTranslation();
  const tabRoute = useRouteRef(tabRouteRef);
  return (
    <Card>
      <CardHeader>
        <Text as="h2" variant="title-x-small" weight="bold">
          {t('card.title')}
        </Text>
      </CardHeader>
      <CardBody>
        <WithPolicies entity={entity}>
          {overview => <Summary {...overview} />}
        </WithPolicies>
      </CardBody>
      {tabRoute && (
        <CardFooter>
          <Link href={tabRoute()}>{t('card.open')}</Link>
        </CardFooter>
      )}
    </Card>
  );
}
