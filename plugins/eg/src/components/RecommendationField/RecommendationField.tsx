import { FieldExtensionComponentProps } from '@backstage/plugin-scaffolder-react';
import { Alert, Flex, Text, VisuallyHidden } from '@backstage/ui';
import { adviceLead, Recommendation } from 'backstage-plugin-eg-common';
import { useMemo } from 'react';
import { advise, Advice } from '../../advice';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { AnswerProblems } from '../AnswerProblems';
import { ImplementationChoice } from '../ImplementationChoice';
import { ManifestPreview } from '../ManifestPreview';
import { RankingList } from '../RankingList';

/** What is advised, in a sentence; native features and what is not generated need more words. */
function useDecision(): (recommendation: Recommendation) => string {
  const { t } = useEgTranslation();
  return recommendation => {
    const { advised, decision, ranking } = recommendation;
    const { mechanism, title } = ranking.find(
      r => r.implementation === decision,
    )!;
    return decision === 'native' || advised !== mechanism
      ? adviceLead(recommendation)
      : t('advice.decision', { title });
  };
}

function Given(props: {
  advice: Extract<Advice, { kind: 'advice' }>;
  value: string;
  isDisabled: boolean;
  onChange(value: string): void;
}) {
  const { advice, value, isDisabled, onChange } = props;
  const { recommended, chosen, refused, answers } = advice;
  const { t } = useEgTranslation();
  const decisionOf = useDecision();
  const reasons = recommended.ranking
    .find(({ implementation }) => implementation === recommended.decision)!
    .reasons.filter(({ points }) => points > 0);
  return (
    <>
      <Alert
        icon
        status="info"
        title={decisionOf(recommended)}
        description={
          reasons.length === 0 ? (
            t('advice.noReasons')
          ) : (
            <ul>
              {reasons.map(({ text }) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          )
        }
      />
      <AnswerProblems
        title={t('advice.refused')}
        problems={refused}
        status="warning"
      />
      <ImplementationChoice
        recommendation={recommended}
        value={value}
        isDisabled={isDisabled}
        onChange={onChange}
      />
      <RankingList
        recommendation={recommended}
        warnings={(chosen ?? recommended).warnings}
      />
      {chosen && (
        <ManifestPreview
          answers={answers}
          isNative={chosen.decision === 'native'}
        />
      )}
    </>
  );
}

/**
 * The form field for the question `implementation`: the advice for the answers of every step, as they are typed, and
 * the choice to build something else.
 */
export function RecommendationField(
  props: FieldExtensionComponentProps<string>,
) {
  const { formContext, formData, onChange, disabled, readonly } = props;
  const { t } = useEgTranslation();
  const value = formData ?? 'recommended';
  const answers: object | undefined = formContext?.formData;
  const advice = useMemo(() => advise(answers ?? {}, value), [answers, value]);
  const decisionOf = useDecision();
  return (
    <section aria-label={t('advice.title')}>
      <Flex direction="column" gap="3">
        <Text as="h3" variant="title-small" weight="bold">
          {t('advice.title')}
        </Text>
        <VisuallyHidden role="status" aria-live="polite">
          {advice.kind === 'advice'
            ? t('advice.announcement', {
                decision: decisionOf(advice.recommended),
              })
            : t('advice.incomplete')}
        </VisuallyHidden>
        {advice.kind === 'problems' ? (
          <>
            <AnswerProblems
              title={t('advice.incomplete')}
              problems={advice.missing}
              status="info"
            />
            <AnswerProblems
              title={t('advice.problems')}
              problems={advice.invalid}
              status="warning"
            />
          </>
        ) : (
          <Given
            advice={advice}
            value={value}
            isDisabled={disabled || readonly}
            onChange={onChange}
          />
        )}
      </Flex>
    </section>
  );
}
