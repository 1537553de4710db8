import { Badge, Flex, Text } from '@backstage/ui';
import { capital, Recommendation } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';

function Lines(props: { title: string; lines: string[] }) {
  const { title, lines } = props;
  return lines.length === 0 ? null : (
    <>
      <Text as="p" weight="bold">
        {title}
      </Text>
      <ul>
        {lines.map(line => (
          <li key={line}>
            <Text>{line}</Text>
          </li>
        ))}
      </ul>
    </>
  );
}

function Section(props: { title: string; lines: string[] }) {
  const { title, lines } = props;
  return lines.length === 0 ? null : (
    <section aria-label={title}>
      <Text as="h4" variant="title-x-small" weight="bold">
        {title}
      </Text>
      <ul>
        {lines.map(line => (
          <li key={line}>
            <Text>{line}</Text>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The level of confidence in words. */
const confidenceText = {
  high: 'advice.confidenceHigh',
  medium: 'advice.confidenceMedium',
  low: 'advice.confidenceLow',
} as const;

/** Implementations that were ruled out, or of which nothing is known yet, with the reasons. */
function Rejected(props: { rejected: Recommendation['rejected'] }) {
  return (
    <ul>
      {props.rejected.map(({ implementation, title, reasons }) => (
        <li key={implementation}>
          <Text weight="bold">{capital(title)}</Text>
          <Text as="p">{reasons.join(' ')}</Text>
        </li>
      ))}
    </ul>
  );
}

/** What is possible, the best first, what is not, and what to watch: each with its reasons. */
export function RankingList(props: {
  recommendation: Recommendation;
  /** Those of what is built, which can be another than the recommended one. */
  warnings: Recommendation['warnings'];
}) {
  const { recommendation, warnings } = props;
  const { ranking, rejected, contradictions, hybrid } = recommendation;
  const { confidence, questions } = recommendation;
  const { t } = useEgTranslation();
  const impossible = rejected.filter(({ unknown }) => !unknown);
  const unknown = rejected.filter(r => r.unknown);
  return (
    <Flex direction="column" gap="3">
      <Section title={t('advice.contradictions')} lines={contradictions} />
      <Section
        title={t('advice.hybrid')}
        lines={hybrid.map(({ text, feature }) => `${text} (${feature})`)}
      />
      <section aria-label={t('advice.ranking')}>
        <Text as="h4" variant="title-x-small" weight="bold">
          {t('advice.ranking')}
        </Text>
        <Text as="p">{t('advice.rankingHelp')}</Text>
        <ol>
          {ranking.map(
            ({ implementation, title, score, reasons, generated }) => (
              <li key={implementation}>
                <Flex align="center" gap="2">
                  <Text weight="bold">{capital(title)}</Text>
                  <Badge>{t('advice.score', { count: score })}</Badge>
                  {!generated && <Badge>{t('advice.adviceOnly')}</Badge>}
                </Flex>
                <Lines
                  title={t('advice.for')}
                  lines={reasons.filter(r => r.points > 0).map(r => r.text)}
                />
                <Lines
                  title={t('advice.against')}
                  lines={reasons.filter(r => r.points < 0).map(r => r.text)}
                />
              </li>
            ),
          )}
        </ol>
      </section>
      {unknown.length > 0 && (
        <section aria-label={t('advice.unknown')}>
          <Text as="h4" variant="title-x-small" weight="bold">
            {t('advice.unknown')}
          </Text>
          <Rejected rejected={unknown} />
        </section>
      )}
      <section aria-label={t('advice.rejected')}>
        <Text as="h4" variant="title-x-small" weight="bold">
          {t('advice.rejected')}
        </Text>
        {impossible.length === 0 ? (
          <Text as="p">{t('advice.rejectedNone')}</Text>
        ) : (
          <Rejected rejected={impossible} />
        )}
      </section>
      <Section
        title={t('advice.warnings')}
        lines={warnings.map(({ text }) => text)}
      />
      <Section
        title={t('advice.confidence')}
        lines={[
          t(confidenceText[confidence.level], { reason: confidence.reason }),
          ...questions.map(({ text }) => text),
        ]}
      />
    </Flex>
  );
}
