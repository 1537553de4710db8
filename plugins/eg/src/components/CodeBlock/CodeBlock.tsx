import { Flex } from '@backstage/ui';
import { CSSProperties } from 'react';
import { CopyButton } from '../CopyButton';

const style: CSSProperties = {
  margin: 0,
  padding: 'var(--bui-space-3, 12px)',
  maxHeight: '32rem',
  overflow: 'auto',
  background: 'var(--bui-bg-neutral-1, transparent)',
  color: 'var(--bui-fg-primary, inherit)',
  border: '1px solid var(--bui-border-2, currentColor)',
  fontSize: '0.8125rem',
  lineHeight: 1.5,
  tabSize: 2,
};

/** A file as it is, to read and to copy. */
export function CodeBlock(props: { text: string; name: string }) {
  const { text, name } = props;
  return (
    <Flex direction="column" gap="2">
      <Flex justify="end">
        <CopyButton text={text} what={name} />
      </Flex>
      {/* Long lines scroll, also by the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre style={style} tabIndex={0} role="region" aria-label={name}>
        {text}
      </pre>
    </Flex>
  );
}
