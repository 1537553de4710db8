import { Button, VisuallyHidden } from '@backstage/ui';
import { RiFileCopyLine } from '@remixicon/react';
import { useEffect, useState } from 'react';
import { useEgTranslation } from '../../hooks/useEgTranslation';

/** How long the button says that it has copied. */
const shownMs = 3_000;

/** Copies a text, and says so to everybody. */
export function CopyButton(props: {
  text: string;
  /** What is copied, for the button's name. */
  what: string;
}) {
  const { text, what } = props;
  const { t } = useEgTranslation();
  const [result, setResult] = useState<'done' | 'failed'>();

  useEffect(() => {
    const timer = result && setTimeout(() => setResult(undefined), shownMs);
    return () => clearTimeout(timer);
  }, [result]);

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setResult('done');
    } catch {
      // Clipboards are refused outside of secure contexts.
      setResult('failed');
    }
  };
  const message = result && t(`copy.${result}`);

  return (
    <>
      <Button
        size="small"
        variant="secondary"
        iconStart={<RiFileCopyLine aria-hidden />}
        onPress={copy}
      >
        {message ?? t('copy.action', { what })}
      </Button>
      <VisuallyHidden role="status">{message}</VisuallyHidden>
    </>
  );
}
