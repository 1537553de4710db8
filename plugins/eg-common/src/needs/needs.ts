import { access } from './access';
import { content } from './content';
import { headers } from './headers';
import { traffic } from './traffic';
import { Need } from './types';

/**
 * The topics by which the interview groups needs, in its order.
 *
 * @public
 */
export const needTopics: readonly { id: string; title: string }[] = [
  { id: 'headers', title: 'Headers' },
  { id: 'bodies', title: 'Bodies' },
  { id: 'routing', title: 'Routing' },
  { id: 'authentication', title: 'Authentication' },
  { id: 'authorization', title: 'Authorization' },
  { id: 'inspection', title: 'Inspection' },
  { id: 'limits', title: 'Limits' },
  { id: 'logging', title: 'Logging' },
  { id: 'ai', title: 'AI' },
  { id: 'other', title: 'Other' },
];

/** A person who has not said what they need. */
const unspecified: Need = {
  id: 'unspecified',
  topic: 'other',
  label: 'Not said',
  purpose: 'other',
  implies: {},
};

/** Whether it stands for a need that was not said. */
export const isUnspecified = ({ id }: Pick<Need, 'id'>): boolean =>
  id === unspecified.id;

const order = needTopics.map(t => t.id);

/**
 * What people want at a gateway, by topic: what Envoy Gateway does itself, and what asks for an extension. A new need is
 * one entry in a file of this folder.
 *
 * @public
 */
export const needs: readonly Need[] = [
  ...[...headers, ...content, ...access, ...traffic].sort(
    (a, b) => order.indexOf(a.topic) - order.indexOf(b.topic),
  ),
  unspecified,
];

/**
 * The need with the given id.
 *
 * @public
 * @throws Error when there is none
 */
export function needOf(id: string): Need {
  const found = needs.find(need => need.id === id);
  if (!found) {
    throw new Error(
      `need: "${id}" does not exist; choose one of ${needs
        .map(need => need.id)
        .join(', ')}`,
    );
  }
  return found;
}

/** A need as the interview shows it: `Headers: Set a header only where it is absent`. */
export function needTitle(need: Need): string {
  const topic = needTopics.find(t => t.id === need.topic)!;
  return isUnspecified(need) ? need.label : `${topic.title}: ${need.label}`;
}
