import { Alert, Text } from '@backstage/ui';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { KubernetesProblem, ProblemKind } from '../../kubernetes';

/** What is no fault: nothing to be alarmed about. */
const calm: ProblemKind[] = ['not-deployed', 'no-cluster', 'plugin-missing'];

/** What keeps policies from being shown, and what to do. */
export function ProblemNotice(props: {
  problem: KubernetesProblem;
  /** The entity's value of `backstage.io/kubernetes-id`. */
  id: string;
}) {
  const { problem, id } = props;
  const { t } = useEgTranslation();
  const { kind, detail, ...words } = problem;
  return (
    <Alert
      icon
      status={calm.includes(kind) ? 'info' : 'danger'}
      title={t(`problem.${kind}.title`, words as any)}
      description={
        <>
          <Text as="p">
            {t(`problem.${kind}.remedy`, { ...words, id } as any)}
          </Text>
          {detail && (
            <Text as="p" variant="body-small">
              {t('problem.detail', { detail })}
            </Text>
          )}
        </>
      }
    />
  );
}
