import {
  Accordion,
  AccordionGroup,
  AccordionPanel,
  AccordionTrigger,
  Text,
} from '@backstage/ui';
import { Answers } from 'backstage-plugin-eg-common';
import { useMemo, useState } from 'react';
import { manifestsOf } from '../../advice';
import { useEgTranslation } from '../../hooks/useEgTranslation';
import { AnswerProblems } from '../AnswerProblems';
import { CodeBlock } from '../CodeBlock';

function File(props: { path: string; text: string }) {
  const { path, text } = props;
  const [open, setOpen] = useState(false);
  return (
    <Accordion onExpandedChange={setOpen}>
      <AccordionTrigger level={5} title={path} />
      <AccordionPanel>
        {open && <CodeBlock text={text} name={path} />}
      </AccordionPanel>
    </Accordion>
  );
}

/** The manifests that the task will write, to read and to copy. */
export function ManifestPreview(props: {
  answers: Answers;
  /** Whether Envoy Gateway does it itself, so that there is no code. */
  isNative: boolean;
}) {
  const { answers, isNative } = props;
  const { t } = useEgTranslation();
  const { files, problems } = useMemo(() => manifestsOf(answers), [answers]);
  return (
    <section aria-label={t('advice.preview')}>
      <Text as="h4" variant="title-x-small" weight="bold">
        {t('advice.preview')}
      </Text>
      <Text as="p">
        {t(isNative ? 'advice.previewHelpNative' : 'advice.previewHelp')}
      </Text>
      {problems && (
        <AnswerProblems
          title={t('advice.previewFailed')}
          problems={problems}
          status="info"
        />
      )}
      {files && (
        <AccordionGroup allowsMultiple>
          {Object.entries(files).map(([path, text]) => (
            <File key={path} path={path} text={text} />
          ))}
        </AccordionGroup>
      )}
    </section>
  );
}
