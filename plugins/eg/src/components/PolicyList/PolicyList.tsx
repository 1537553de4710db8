import {
  Accordion,
  AccordionPanel,
  AccordionTrigger,
  Flex,
  SearchField,
  TablePagination,
  Text,
} from '@backstage/ui';
import { useState } from 'react';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { PolicyOverview, PolicyView } from '../../kubernetes';
import { PolicyDetails } from '../PolicyDetails';
import { StateBadge } from '../StateBadge';

/** Fewer than this are found by looking. */
const searchableFrom = 4;
const pageSize = 20;

function Policy(props: {
  policy: PolicyView;
  overview: PolicyOverview;
  alone: boolean;
}) {
  const { policy, overview, alone } = props;
  const { health, cluster } = policy;
  const { t } = useEgTranslation();
  const [open, setOpen] = useState(alone);
  return (
    <Accordion defaultExpanded={alone} onExpandedChange={setOpen}>
      <AccordionTrigger level={3}>
        <Flex align="center" gap="3">
          <StateBadge state={health.state} />
          <Text weight="bold">
            {t('policy.title', {
              kind: health.kind,
              namespace: health.namespace,
              name: health.name,
              cluster,
            })}
          </Text>
          <Text>{health.features.join(', ')}</Text>
        </Flex>
      </AccordionTrigger>
      <AccordionPanel>
        {open && (
          <PolicyDetails
            policy={policy}
            workload={overview.workloads[cluster]}
          />
        )}
      </AccordionPanel>
    </Accordion>
  );
}

/** The objects of an entity, the gravest first, to search and to page through. */
export function PolicyList(props: { overview: PolicyOverview }) {
  const { overview } = props;
  const { t } = useEgTranslation();
  const [search, setSearch] = useState('');
  const [offset, setOffset] = useState(0);

  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = overview.policies.filter(({ health, cluster }) => {
    const text = [
      health.namespace,
      health.name,
      cluster,
      t(`state.${health.state}`),
      health.kind,
      ...health.features,
      ...health.targets.map(target => `${target.kind} ${target.text}`),
    ]
      .join(' ')
      .toLowerCase();
    return words.every(word => text.includes(word));
  });
  // A refresh can leave fewer policies than the page begins after.
  const from = offset < found.length ? offset : 0;

  return (
    <Flex direction="column" gap="3">
      {overview.policies.length >= searchableFrom && (
        <SearchField
          label={t('tab.search')}
          placeholder={t('tab.searchPlaceholder')}
          value={search}
          onChange={text => {
            setSearch(text);
            setOffset(0);
          }}
        />
      )}
      {found.length === 0 && (
        <Text as="p" role="status">
          {t('tab.noMatch', { search })}
        </Text>
      )}
      {found.slice(from, from + pageSize).map(policy => (
        <Policy
          key={policy.key}
          policy={policy}
          overview={overview}
          alone={overview.policies.length === 1}
        />
      ))}
      {found.length > pageSize && (
        <TablePagination
          pageSize={pageSize}
          pageSizeOptions={[]}
          offset={from}
          totalCount={found.length}
          hasPreviousPage={from > 0}
          hasNextPage={from + pageSize < found.length}
          onPreviousPage={() => setOffset(Math.max(0, from - pageSize))}
          onNextPage={() => setOffset(from + pageSize)}
          getLabel={() =>
            t('tab.range', {
              from: String(from + 1),
              to: String(Math.min(from + pageSize, found.length)),
              total: String(found.length),
            })
          }
        />
      )}
    </Flex>
  );
}
