import { useEntity } from '@backstage/plugin-catalog-react';
import { Flex, Text } from '@backstage/ui';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { EntityLinks } from '../EntityLinks';
import { PolicyList } from '../PolicyList';
import { WithPolicies } from '../WithPolicies';

/** The entity tab: what every cluster's gateways make of the entity's policies, routes and other objects. */
export function GatewayExtensionTab() {
  const { entity } = useEntity();
  const { t } = useEgTranslation();
  return (
    <Flex direction="column" gap="4">
      <Text as="h2" variant="title-small" weight="bold">
        {t('tab.title')}
      </Text>
      <EntityLinks entity={entity} />
      <WithPolicies entity={entity}>
        {overview => (
          <>
            <Text as="p" role="status">
              {t('tab.summary', { count: overview.policies.length })}
            </Text>
            <PolicyList overview={overview} />
            {overview.without.length > 0 && (
              <Text as="p">
                {t('tab.notIn', { clusters: overview.without.join(', ') })}
              </Text>
            )}
          </>
        )}
      </WithPolicies>
    </Flex>
  );
}
