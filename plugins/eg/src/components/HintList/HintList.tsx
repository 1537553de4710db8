import { Alert, Flex, Text } from '@backstage/ui';
import { HealthHint } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';

const statuses = { error: 'danger', warning: 'warning', info: 'info' } as const;

/** What conditions mean and what to do about them. */
export function HintList(props: { hints: HealthHint[] }) {
  const { hints } = props;
  const { t } = useEgTranslation();
  return (
    <Flex direction="column" gap="2">
      {hints.map(({ id, severity, meaning, remedy, ancestors }) => (
        <Alert
          key={`${id} ${meaning}`}
          icon
          status={statuses[severity]}
          title={`${t(`severity.${severity}`)}: ${meaning}`}
          description={
            <>
              <Text as="p">{remedy}</Text>
              {ancestors.length > 0 && (
                <Text as="p" variant="body-small">
                  {t('policy.concerns', { ancestors: ancestors.join('; ') })}
                </Text>
              )}
            </>
          }
        />
      ))}
    </Flex>
  );
}
