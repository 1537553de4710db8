import { Alert } from '@backstage/ui';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { unreadyDeployments, Workload } from '../../kubernetes';

/** Says when an external processor is not ready, which no condition of a policy does. */
export function WorkloadWarning(props: {
  workload: Workload | undefined;
  cluster: string;
}) {
  const { workload, cluster } = props;
  const { t } = useEgTranslation();
  const unready = unreadyDeployments(workload);
  if (unready.length === 0) {
    return null;
  }
  return (
    <Alert
      icon
      status="warning"
      title={t('workload.warning', { cluster })}
      description={
        <ul>
          {unready.map(({ name, ready, wanted }) => (
            <li key={name}>
              {t('workload.deployment', {
                name,
                ready: String(ready),
                wanted: String(wanted),
              })}
            </li>
          ))}
        </ul>
      }
    />
  );
}
