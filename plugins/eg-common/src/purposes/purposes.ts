import { z } from 'zod';
import { authorization } from './authorization';
import { authentication } from './authentication';
import { auditLog } from './auditLog';
import { aiGateway } from './aiGateway';
import { bodyTransform } from './bodyTransform';
import { contentInspection } from './contentInspection';
import { headerTransform } from './headerTransform';
import { other } from './other';
import { rateLimit } from './rateLimit';
import { Purpose, Requirements } from './types';

/**
 * All purposes, in the order in which the interview offers them. A new purpose is one file and one line here.
 *
 * @public
 */
export const purposes: readonly Purpose<any>[] = [
  headerTransform,
  bodyTransform,
  authentication,
  authorization,
  contentInspection,
  rateLimit,
  auditLog,
  aiGateway,
  other,
];

/**
 * The purpose with the given id.
 *
 * @public
 * @throws Error when there is none
 */
export function purposeOf(id: string): Purpose<any> {
  const found = purposes.find(p => p.id === id);
  if (!found) {
    throw new Error(
      `purpose: "${id}" does not exist; choose one of ${purposes
        .map(p => p.id)
        .join(', ')}`,
    );
  }
  return found;
}

/**
 * The settings of which at least one has to be given, if none is.
 *
 * @public
 * @returns their names and what forms call them; none if one is given
 */
export function unsaidSettings(
  { settings: schema, asks, phases }: Purpose<any>,
  settings: any,
): { name: string; title: string }[] {
  const empty = schema.parse({});
  const said = asks.some(
    name => JSON.stringify(settings[name]) !== JSON.stringify(empty[name]),
  );
  if (said && phases(settings).length > 0) {
    return [];
  }
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' });
  return asks.map(name => ({
    name,
    title: (properties[name] as { title: string }).title,
  }));
}

/**
 * What settings of a purpose ask for besides headers and bodies.
 *
 * @public
 */
export function requirementsOf(
  purpose: Purpose<any>,
  settings: unknown,
): Requirements {
  return {
    impossible: {},
    calls: false,
    state: false,
    claims: null,
    attributes: [],
    services: [],
    secrets: [],
    stateBytes: 0,
    ...purpose.requires?.(settings),
  };
}
