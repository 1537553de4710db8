import {
  Accordion,
  AccordionPanel,
  AccordionTrigger,
  Flex,
  Text,
} from '@backstage/ui';
import { ageSince, LivePolicy, PolicyHealth } from 'backstage-plugin-eg-common';
import { ReactNode, useState } from 'react';
import { stringify } from 'yaml';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { PolicyView, Workload } from '../../kubernetes';
import { AncestorList } from '../AncestorList';
import { BackendFacts } from '../BackendFacts';
import { CodeBlock } from '../CodeBlock';
import { HintList } from '../HintList';
import { WorkloadStatus } from '../WorkloadStatus';
import { WorkloadWarning } from '../WorkloadWarning';

/** The object without what only the API server is interested in. */
function yamlOf({ metadata, ...object }: LivePolicy): string {
  const { managedFields, ...readable } = metadata ?? {};
  const { apiVersion, kind, ...rest } = object;
  return stringify({ apiVersion, kind, metadata: readable, ...rest });
}

function useFacts(health: PolicyHealth): [string, string][] {
  const { t } = useEgTranslation();
  const { features, targets, generation, observedGeneration } = health;
  const targetTexts = targets.map(({ kind, text, sectionName }) => {
    const target = text.startsWith('every ') ? text : `${kind} ${text}`;
    return sectionName
      ? t('policy.section', { target, section: sectionName })
      : target;
  });
  return [
    [t('policy.features'), features.join(', ') || t('policy.noFeatures')],
    [t('policy.targets'), targetTexts.join('; ') || t('policy.noTargets')],
    [
      t('policy.generation'),
      observedGeneration === undefined
        ? t('policy.generationUnjudged', { generation: String(generation) })
        : t('policy.generationText', {
            generation: String(generation),
            observed: String(observedGeneration),
          }),
    ],
    [
      t('policy.age'),
      ageSince(health.createdAt, new Date()) || t('policy.unknownAge'),
    ],
  ];
}

function Part(props: { title: string; children: ReactNode }) {
  return (
    // No landmark: several objects can be unfolded at once, with the same titles.
    <div role="group" aria-label={props.title}>
      <Text as="h4" variant="title-x-small" weight="bold">
        {props.title}
      </Text>
      {props.children}
    </div>
  );
}

function Yaml(props: { policy: PolicyView }) {
  const { object, health } = props.policy;
  const { t } = useEgTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Accordion onExpandedChange={setOpen}>
      <AccordionTrigger level={4} title={t('policy.yaml')} />
      <AccordionPanel>
        {open && (
          <CodeBlock
            text={yamlOf(object)}
            name={`${health.kind} ${health.namespace}/${health.name}`}
          />
        )}
      </AccordionPanel>
    </Accordion>
  );
}

/** Everything about one policy, route or other object. */
export function PolicyDetails(props: {
  policy: PolicyView;
  workload: Workload | undefined;
}) {
  const { policy, workload } = props;
  const { health, cluster } = policy;
  const { t } = useEgTranslation();
  const facts = useFacts(health);
  const usesExtProc = health.mechanisms.includes('ExtProc');
  return (
    <Flex direction="column" gap="4">
      <Text as="p">{health.effect}</Text>
      {usesExtProc && <WorkloadWarning workload={workload} cluster={cluster} />}
      <Part title={t('policy.hints')}>
        <HintList hints={health.hints} />
      </Part>
      <dl style={{ margin: 0 }}>
        {facts.map(([term, text]) => (
          <Flex key={term} gap="2">
            <dt>
              <Text weight="bold">{term}</Text>
            </dt>
            <dd style={{ margin: 0 }}>
              <Text>{text}</Text>
            </dd>
          </Flex>
        ))}
      </dl>
      <Part title={t('policy.ancestors')}>
        <AncestorList ancestors={health.ancestors} />
      </Part>
      {usesExtProc && (
        <Part title={t('workload.title')}>
          <BackendFacts facts={health.backend} />
          <WorkloadStatus workload={workload} cluster={cluster} />
        </Part>
      )}
      <Yaml policy={policy} />
    </Flex>
  );
}
