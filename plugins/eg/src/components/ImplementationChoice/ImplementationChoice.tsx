import { Alert, Radio, RadioGroup, Text } from '@backstage/ui';
import {
  implementationOf,
  RankedImplementation,
  Recommendation,
} from 'backstage-plugin-eg-common';
import { useId } from 'react';
import { useEgTranslation } from '../../hooks/useEgTranslation';

/** What it means to build something else than what the advice says. */
function Consequences(props: {
  chosen: RankedImplementation;
  recommended: RankedImplementation;
}) {
  const { chosen, recommended } = props;
  const { t } = useEgTranslation();
  const against = chosen.reasons.filter(r => r.points < 0);
  const kept = chosen.reasons.map(r => r.text);
  const lost = recommended.reasons.filter(
    r => r.points > 0 && !kept.includes(r.text),
  );
  const parts = [
    {
      title: t('advice.consequencesAgainst', { chosen: chosen.title }),
      reasons: against,
    },
    {
      title: t('advice.consequencesLost', { recommended: recommended.title }),
      reasons: lost,
    },
  ].filter(({ reasons }) => reasons.length > 0);
  return (
    <Alert
      icon
      status="warning"
      role="status"
      title={t('advice.consequences', {
        chosen: chosen.title,
        recommended: recommended.title,
      })}
      description={
        <>
          {parts.length === 0 && (
            <Text as="p">{t('advice.consequencesNone')}</Text>
          )}
          {parts.map(({ title, reasons }) => (
            <div key={title}>
              <Text as="p" weight="bold">
                {title}
              </Text>
              <ul>
                {reasons.map(({ text }) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            </div>
          ))}
        </>
      }
    />
  );
}

/** Lets the developer take another implementation than the recommended one. */
export function ImplementationChoice(props: {
  recommendation: Recommendation;
  /** `recommended`, or the id of an implementation. */
  value: string;
  isDisabled?: boolean;
  onChange(value: string): void;
}) {
  const { recommendation, value, isDisabled, onChange } = props;
  const { ranking, rejected } = recommendation;
  const { t } = useEgTranslation();
  const helpId = useId();
  const offered = ranking.filter(({ generated }) => generated);
  const recommended = offered.find(
    ({ implementation }) => implementation === recommendation.recommended,
  );
  const others = offered.filter(other => other !== recommended);
  const impossible = rejected
    .map(({ implementation }) => implementationOf(implementation))
    .filter(({ generated, id }) => generated && id !== 'native');
  const chosen = others.find(({ implementation }) => implementation === value);
  return (
    <>
      <Text as="p" id={helpId}>
        {t('advice.choiceHelp')}
      </Text>
      <RadioGroup
        aria-describedby={helpId}
        label={t('advice.choice')}
        value={value}
        isDisabled={isDisabled}
        onChange={onChange}
      >
        <Radio value="recommended">
          {t('advice.recommended', { title: recommended!.title })}
        </Radio>
        {value === recommended!.implementation && (
          <Radio value={value}>
            {t('advice.pinned', { title: recommended!.title })}
          </Radio>
        )}
        {others.map(({ implementation, title }) => (
          <Radio key={implementation} value={implementation}>
            {t('advice.other', { title })}
          </Radio>
        ))}
        {impossible.map(({ id, title }) => (
          <Radio key={id} value={id} isDisabled>
            {t('advice.impossible', { title })}
          </Radio>
        ))}
      </RadioGroup>
      {chosen && <Consequences chosen={chosen} recommended={recommended!} />}
    </>
  );
}
