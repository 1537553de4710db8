import { Box, Flex, Text } from '@backstage/ui';
import { AncestorHealth } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { StateBadge } from '../StateBadge';

function Ancestor(props: { ancestor: AncestorHealth }) {
  const { name, state, conditions, controller } = props.ancestor;
  const { t } = useEgTranslation();
  return (
    <li>
      <Flex align="center" gap="2">
        <Text as="strong" weight="bold">
          {name}
        </Text>
        <StateBadge state={state} />
      </Flex>
      {conditions.length === 0 ? (
        <Text as="p">{t('policy.noConditions')}</Text>
      ) : (
        <ul>
          {conditions.map(({ type, status, reason, message }) => (
            <li key={type}>
              <Text as="span" weight="bold">
                {`${type}=${status}${reason ? ` ${reason}` : ''}`}
              </Text>
              {message && (
                <Text
                  as="p"
                  style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}
                >
                  {message}
                </Text>
              )}
            </li>
          ))}
        </ul>
      )}
      {controller && (
        <Text as="p" variant="body-small">
          {t('policy.controller', { controller })}
        </Text>
      )}
    </li>
  );
}

/** Every gateway that reports on a policy, with its conditions as they are. */
export function AncestorList(props: { ancestors: AncestorHealth[] }) {
  const { ancestors } = props;
  const { t } = useEgTranslation();
  if (ancestors.length === 0) {
    return <Text as="p">{t('policy.noAncestors')}</Text>;
  }
  return (
    <Box>
      <ul>
        {ancestors.map((ancestor, index) => (
          <Ancestor key={`${ancestor.name} ${index}`} ancestor={ancestor} />
        ))}
      </ul>
    </Box>
  );
}
