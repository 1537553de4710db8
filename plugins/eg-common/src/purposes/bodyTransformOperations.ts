import { z } from 'zod';
import { lineOfText, wholeNumber } from '../intake/fields';
import {
  isArrayIndex,
  jsonString,
  parseJson,
  placeOf,
  pointerTokens,
  printJson,
  scalarText,
} from './json';

const pointer = lineOfText(512)
  .refine(
    text =>
      /^(\/([^~/]|~[01])*)+$/.test(text) &&
      pointerTokens(text).every(
        token => !isArrayIndex(token) || Number(token) <= 1000,
      ),
    {
      error:
        'use a JSON Pointer (RFC 6901) that begins with /, with ~1 for / and ~0 for ~ in names and array indexes up to 1000, for example /payment/card/number',
    },
  )
  .meta({ title: 'JSON Pointer' });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** One edit of a JSON document, at the place that a JSON Pointer names. */
export const operation = z
  .discriminatedUnion(
    'action',
    [
      z.strictObject({
        action: z.literal('set').meta({ title: 'set' }),
        pointer,
        value: lineOfText(1024).meta({ title: 'Text' }),
      }),
      z.strictObject({
        action: z.literal('set-json').meta({ title: 'set-json' }),
        pointer,
        value: lineOfText(4096)
          .refine(isJson, {
            error:
              'use JSON, for example 42, true, null, "text" or {"a": [1, 2]}',
          })
          .meta({ title: 'JSON' }),
      }),
      z.strictObject({
        action: z.literal('remove').meta({ title: 'remove' }),
        pointer,
      }),
      z.strictObject({
        action: z.literal('rename').meta({ title: 'rename' }),
        pointer,
        to: lineOfText(256).meta({
          title: 'New name',
          description:
            'Of the member, which stays in its object. A member that has the name already is replaced.',
        }),
      }),
      z.strictObject({
        action: z.literal('mask').meta({ title: 'mask' }),
        pointer,
        keep: wholeNumber(0, 64).default(4).meta({
          title: 'Characters to keep',
          description: 'How many of the last characters stay readable.',
        }),
      }),
    ],
    {
      error: 'use one of the actions set, set-json, remove, rename and mask',
    },
  )
  .meta({ title: 'Operation' });

/** One edit of a JSON document. */
export type Operation = z.infer<typeof operation>;

/** Whether an operation keeps something from its receiver. */
export function hides({ action }: Operation): boolean {
  return action === 'mask' || action === 'remove';
}

function mask(text: string, keep: number): string {
  const characters = [...text];
  const readable = characters.length > keep ? characters.length - keep : 0;
  const hidden = readable === 0 ? characters.length : readable;
  return '*'.repeat(hidden) + characters.slice(hidden).join('');
}

/**
 * What the operations make of a JSON text: the reference for every implementation. A text in which no operation found
 * its place comes back as it is.
 */
export function applyBodyOperations(
  text: string,
  ops: readonly Operation[],
): string {
  const root = parseJson(text);
  let changed = false;
  for (const op of ops) {
    const place = placeOf(root, op.pointer);
    const old = place?.get();
    if (!place || (!old && ['remove', 'rename', 'mask'].includes(op.action))) {
      continue;
    }
    if (op.action === 'rename') {
      changed = place.rename(op.to) || changed;
      continue;
    }
    changed = true;
    switch (op.action) {
      case 'set':
        place.set(jsonString(op.value));
        break;
      case 'set-json':
        place.set(parseJson(op.value));
        break;
      case 'remove':
        place.remove();
        break;
      case 'mask': {
        const readable = scalarText(old!);
        place.set(
          jsonString(readable === undefined ? '***' : mask(readable, op.keep)),
        );
        break;
      }
      default:
        throw new Error(`unknown action ${(op as { action: string }).action}`);
    }
  }
  return changed ? printJson(root) : text;
}
