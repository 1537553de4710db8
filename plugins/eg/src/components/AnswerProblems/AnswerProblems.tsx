import { Alert } from '@backstage/ui';
import { Problem } from 'backstage-plugin-eg-common';
import { describeProblem } from '../../advice';
import { useEgTranslation } from '../../hooks/useEgTranslation';

/** What keeps answers from being built, question by question. */
export function AnswerProblems(props: {
  title: string;
  problems: Problem[];
  status: 'info' | 'warning';
}) {
  const { title, problems, status } = props;
  const { t } = useEgTranslation();
  if (problems.length === 0) {
    return null;
  }
  return (
    <Alert
      icon
      status={status}
      title={title}
      description={
        <ul>
          {problems.map(problem => {
            const text = describeProblem(problem, t);
            return <li key={text}>{text}</li>;
          })}
        </ul>
      }
    />
  );
}
