import { Badge } from '@backstage/ui';
import {
  RemixiconComponentType,
  RiAlertLine,
  RiCheckLine,
  RiCloseCircleLine,
  RiForbidLine,
  RiGitMergeLine,
  RiInformationLine,
  RiLinkUnlinkM,
  RiQuestionLine,
  RiStackLine,
  RiTimeLine,
} from '@remixicon/react';
import { PolicyState } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';

/** Each state has a word and a shape; the colour only repeats them. */
const looks: Record<PolicyState, [RemixiconComponentType, string]> = {
  // No green: that the gateway has accepted a policy does not mean that requests are processed.
  Accepted: [RiCheckLine, '--bui-fg-primary'],
  Merged: [RiGitMergeLine, '--bui-fg-primary'],
  Overridden: [RiStackLine, '--bui-fg-warning'],
  Stale: [RiTimeLine, '--bui-fg-warning'],
  Unknown: [RiQuestionLine, '--bui-fg-warning'],
  NotDeployed: [RiForbidLine, '--bui-fg-secondary'],
  NoStatus: [RiInformationLine, '--bui-fg-secondary'],
  Incomplete: [RiAlertLine, '--bui-fg-negative'],
  BackendNotReady: [RiAlertLine, '--bui-fg-negative'],
  NotAttached: [RiLinkUnlinkM, '--bui-fg-negative'],
  Conflicted: [RiCloseCircleLine, '--bui-fg-negative'],
  NotAccepted: [RiCloseCircleLine, '--bui-fg-negative'],
};

/** The state of a policy or of one of its ancestors. */
export function StateBadge(props: { state: PolicyState }) {
  const { state } = props;
  const { t } = useEgTranslation();
  const [Icon, color] = looks[state];
  return (
    <Badge icon={<Icon aria-hidden style={{ color: `var(${color})` }} />}>
      {t(`state.${state}`)}
    </Badge>
  );
}
