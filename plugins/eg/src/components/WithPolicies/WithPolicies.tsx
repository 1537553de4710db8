import { Entity } from '@backstage/catalog-model';
import { Alert, Flex, Skeleton } from '@backstage/ui';
import { ReactNode } from 'react';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { useHasKubernetes } from '../../hooks/useHasKubernetes';
import { usePolicies } from '../../hooks/usePolicies';
import { kubernetesId, PolicyOverview } from '../../kubernetes';
import { ProblemNotice } from '../ProblemNotice';

interface Props {
  entity: Entity;
  /** Shows policies, of which there is at least one. */
  children(overview: PolicyOverview): ReactNode;
}

function Live(props: Props) {
  const { entity, children } = props;
  const { t } = useEgTranslation();
  const { loading, overview, problem } = usePolicies(entity);
  const id = kubernetesId(entity);

  if (loading) {
    return (
      <div role="status" aria-label={t('tab.loading')}>
        <Skeleton width="100%" height={48} />
      </div>
    );
  }
  if (problem && (!overview || problem.kind === 'no-cluster')) {
    return <ProblemNotice problem={problem} id={id} />;
  }
  if (!overview) {
    return null;
  }
  return (
    <Flex direction="column" gap="3">
      {problem && (
        <Alert
          icon
          status="warning"
          role="status"
          title={t('tab.refreshFailed', { error: problem.detail ?? '' })}
        />
      )}
      {overview.problems.map(found => (
        <ProblemNotice
          key={`${found.cluster} ${found.kind} ${found.software}`}
          problem={found}
          id={id}
        />
      ))}
      {overview.policies.length > 0 && children(overview)}
      {overview.policies.length === 0 && overview.without.length > 0 && (
        <ProblemNotice problem={{ kind: 'not-deployed' }} id={id} />
      )}
    </Flex>
  );
}

/** Fetches an entity's policies, and says why there are none to show. */
export function WithPolicies(props: Props) {
  return useHasKubernetes() ? (
    <Live {...props} />
  ) : (
    <ProblemNotice
      problem={{ kind: 'plugin-missing' }}
      id={kubernetesId(props.entity)}
    />
  );
}
