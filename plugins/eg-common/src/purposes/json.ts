import {
  isMap,
  isScalar,
  isSeq,
  Pair,
  parseDocument,
  Scalar,
  YAMLMap,
  YAMLSeq,
} from 'yaml';

// JSON with the order of members and the text of numbers kept, which JSON.parse loses. JSON is YAML, and the yaml
// library's nodes keep both.

/** A JSON value as a node. */
export type JsonNode = YAMLMap<Scalar<string>, JsonNode> | YAMLSeq | Scalar;

/** Parses JSON text. Throws when the text is not JSON. */
export function parseJson(text: string): JsonNode {
  JSON.parse(text);
  return parseDocument(text, { uniqueKeys: false, schema: 'json' })
    .contents as JsonNode;
}

/** A string as a node. */
export function jsonString(value: string): JsonNode {
  return new Scalar(value);
}

/** Writes a node without white space. */
export function printJson(node: JsonNode): string {
  if (isMap<Scalar<string>, JsonNode>(node)) {
    return `{${node.items
      .map(
        ({ key, value }) =>
          `${JSON.stringify(key.value)}:${printJson(value as JsonNode)}`,
      )
      .join(',')}}`;
  }
  if (isSeq<JsonNode>(node)) {
    return `[${node.items.map(printJson).join(',')}]`;
  }
  const { value, source } = node as Scalar;
  return typeof value === 'number' && source ? source : JSON.stringify(value);
}

/** The reference tokens of a JSON Pointer (RFC 6901). */
export function pointerTokens(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map(token => token.replace(/~1/g, '/').replace(/~0/g, '~'));
}

const arrayIndex = /^(0|[1-9][0-9]*)$/;

/** Whether a reference token can be the index of an array. */
export function isArrayIndex(token: string): boolean {
  return arrayIndex.test(token);
}

/** The place that one reference token names in a node, or undefined where there is none. */
export interface Place {
  /** The value; undefined for a member that an object lacks. */
  get(): JsonNode | undefined;
  set(value: JsonNode): void;
  remove(): void;
  /** Gives a member another name, in place of one that has it already. False for what has no name: an element. */
  rename(name: string): boolean;
}

/** The place of one member or element, or undefined where there is none. */
export function placeIn(parent: JsonNode, token: string): Place | undefined {
  if (isMap<Scalar<string>, JsonNode>(parent)) {
    const pair = () => parent.items.find(({ key }) => key.value === token);
    return {
      get: () => pair()?.value ?? undefined,
      set: value => {
        const existing = pair();
        if (existing) {
          existing.value = value;
        } else {
          parent.items.push(new Pair(new Scalar(token), value));
        }
      },
      remove: () => {
        parent.items = parent.items.filter(({ key }) => key.value !== token);
      },
      rename: name => {
        const renamed = pair();
        parent.items = parent.items.filter(
          item => item === renamed || item.key.value !== name,
        );
        renamed!.key = new Scalar(name);
        return true;
      },
    };
  }
  if (isSeq<JsonNode>(parent) && isArrayIndex(token)) {
    const index = Number(token);
    if (index < parent.items.length) {
      return {
        get: () => parent.items[index],
        set: value => {
          parent.items[index] = value;
        },
        remove: () => {
          parent.items.splice(index, 1);
        },
        rename: () => false,
      };
    }
  }
  return undefined;
}

/** The place that a JSON Pointer names, or undefined where its parent does not exist. */
export function placeOf(root: JsonNode, pointer: string): Place | undefined {
  const tokens = pointerTokens(pointer);
  const last = tokens.pop()!;
  const parent = tokens.reduce<JsonNode | undefined>(
    (node, token) => node && placeIn(node, token)?.get(),
    root,
  );
  return parent && placeIn(parent, last);
}

/** The text of a string or number, or undefined for other values. */
export function scalarText(node: JsonNode): string | undefined {
  if (isScalar(node)) {
    if (typeof node.value === 'string') {
      return node.value;
    }
    if (typeof node.value === 'number') {
      return printJson(node);
    }
  }
  return undefined;
}
