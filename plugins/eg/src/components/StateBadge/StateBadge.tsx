import { Badge } from '@backstage/ui';
import {
  RemixiconComponentType,
  RiCheckboxCircleLine,
  RiCloseCircleLine,
  RiForbidLine,
  RiGitMergeLine,
  RiLinkUnlinkM,
  RiQuestionLine,
  RiStackLine,
  RiTimeLine,
} from '@remixicon/react';
import { PolicyState } from 'backstage-plugin-eg-common';
import { useEgTranslation } from '../../hooks/useEgTranslation';

/** Each state has a word and a shape; the colour only repeats them. */
const looks: Record<PolicyState, [RemixiconComponentType, string]> = {
  Accepted: [RiCheckboxCircleLine, '--bui-fg-positive'],
  Merged: [RiGitMergeLine, '--bui-fg-positive'],
  Overridden: [RiStackLine, '--bui-fg-warning'],
  Stale: [RiTimeLine, '--bui-fg-warning'],
  Unknown: [RiQuestionLine, '--bui-fg-warning'],
  NotDeployed: [RiForbidLine, '--bui-fg-secondary'],
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
