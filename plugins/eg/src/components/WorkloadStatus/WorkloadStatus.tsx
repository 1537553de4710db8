import { Badge, Flex, Text } from '@backstage/ui';
import { RiCheckboxCircleLine, RiCloseCircleLine } from '@remixicon/react';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { deploymentReadiness, podReadiness, Workload } from '../../kubernetes';

function ReadyBadge(props: { isReady: boolean }) {
  const { t } = useEgTranslation();
  return props.isReady ? (
    <Badge
      icon={
        <RiCheckboxCircleLine
          aria-hidden
          style={{ color: 'var(--bui-fg-positive)' }}
        />
      }
    >
      {t('workload.ready')}
    </Badge>
  ) : (
    <Badge
      icon={
        <RiCloseCircleLine
          aria-hidden
          style={{ color: 'var(--bui-fg-negative)' }}
        />
      }
    >
      {t('workload.notReady')}
    </Badge>
  );
}

/** Whether an external processor runs: its Deployments and their pods. */
export function WorkloadStatus(props: {
  workload: Workload | undefined;
  cluster: string;
}) {
  const { workload, cluster } = props;
  const { t } = useEgTranslation();
  if (workload?.forbidden) {
    return <Text as="p">{t('workload.forbidden', { cluster })}</Text>;
  }
  if (!workload || workload.deployments.length === 0) {
    return <Text as="p">{t('workload.none', { cluster })}</Text>;
  }
  const pods = workload.pods.map(podReadiness);
  return (
    <ul>
      {workload.deployments
        .map(deploymentReadiness)
        .map(({ name, ready, wanted, isReady }) => (
          <li key={name}>
            <Flex align="center" gap="2">
              <Text>
                {t('workload.deployment', {
                  name,
                  ready: String(ready),
                  wanted: String(wanted),
                })}
              </Text>
              <ReadyBadge isReady={isReady} />
            </Flex>
          </li>
        ))}
      <li>
        <Text as="span" weight="bold">
          {t('workload.pods')}
        </Text>
        {pods.length === 0 && <Text as="p">{t('workload.noPods')}</Text>}
        <ul>
          {pods.map(({ name, phase, restarts, isReady }) => (
            <li key={name}>
              <Flex align="center" gap="2">
                <Text>
                  {t('workload.pod', { name, phase, count: restarts })}
                </Text>
                <ReadyBadge isReady={isReady} />
              </Flex>
            </li>
          ))}
        </ul>
      </li>
    </ul>
  );
}
