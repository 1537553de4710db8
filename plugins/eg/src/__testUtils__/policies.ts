import { LivePolicy } from 'backstage-plugin-eg-common';
// Tests run in Node, and objects of another package cannot be imported.
// eslint-disable-next-line no-restricted-imports
import { readFileSync } from 'fs';
// eslint-disable-next-line no-restricted-imports
import { join } from 'path';

const folder = join(__dirname, '../../../eg-common/src/health/__fixtures__');

/** A policy as a real gateway left it: one of the objects that `policyHealth` is tested with. */
export function policyFixture(name: string): LivePolicy {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

/** What the cluster held of its processor at the same time. */
export function relatedFixtures(name: string): { kind: string }[] {
  const file = join(folder, '../__observed__/related.json');
  return JSON.parse(readFileSync(file, 'utf8'))[name];
}
