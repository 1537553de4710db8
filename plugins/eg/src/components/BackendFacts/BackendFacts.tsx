import { Badge, Flex, Text } from '@backstage/ui';
import {
  RemixiconComponentType,
  RiCheckLine,
  RiCloseCircleLine,
  RiQuestionLine,
} from '@remixicon/react';
import { BackendFact } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';

const icons: Record<BackendFact['state'], [RemixiconComponentType, string]> = {
  good: [RiCheckLine, '--bui-fg-primary'],
  bad: [RiCloseCircleLine, '--bui-fg-negative'],
  unknown: [RiQuestionLine, '--bui-fg-warning'],
};

/** What is known, and what is not, of how an external processor is reached. */
export function BackendFacts(props: { facts: BackendFact[] }) {
  const { facts } = props;
  const { t } = useEgTranslation();
  const words = {
    good: t('workload.known'),
    bad: t('workload.bad'),
    unknown: t('workload.unknown'),
  };
  if (facts.length === 0) {
    return null;
  }
  return (
    <ul>
      {facts.map(({ state, text }) => {
        const [Icon, color] = icons[state];
        return (
          <li key={text}>
            <Flex align="center" gap="2">
              <Text>{text}</Text>
              <Badge
                icon={<Icon aria-hidden style={{ color: `var(${color})` }} />}
              >
                {words[state]}
              </Badge>
            </Flex>
          </li>
        );
      })}
    </ul>
  );
}
