import { isMap, isScalar, isSeq } from 'yaml';
import type { AiGatewaySettings } from './aiGateway';
import { JsonNode, parseJson } from './json';

// What the extension has to do, as pure functions: the reference for every implementation.

/** How a request is refused, in the shape of the API's own errors. */
export interface Refusal {
  status: number;
  message: string;
  type: string;
  param: string | null;
  code: string;
}

const refusal = (
  status: number,
  code: string,
  message: string,
  param: string | null = null,
  type = 'invalid_request_error',
): Refusal => ({ status, message, type, param, code });

export const refusals = {
  path: refusal(404, 'unknown_url', 'This path does not exist here.'),
  encoding: refusal(
    415,
    'unsupported_encoding',
    'Send the body without a content encoding.',
  ),
  charset: refusal(
    415,
    'unsupported_charset',
    'Send the body in UTF-8, with no other charset in the content type.',
  ),
  budget: refusal(
    429,
    'rate_limit_exceeded',
    'The budget of tokens is used up; try again later.',
    null,
    'tokens',
  ),
  json: refusal(400, 'invalid_json', 'The body is not a JSON object in UTF-8.'),
  ambiguous: refusal(
    400,
    'ambiguous_member',
    'Give model, stream and stream_options at most once, in lower case.',
  ),
  missing: refusal(400, 'missing_model', 'Name the model as a text.', 'model'),
  model: refusal(
    404,
    'model_not_found',
    'The model does not exist, or is not allowed here.',
    'model',
  ),
  prompt: refusal(
    400,
    'prompt_blocked',
    'The request has a text that is not allowed here.',
  ),
};

/** A request that goes on. */
export interface Forwarded {
  body: string;
  /** The name that the client uses. */
  model: string;
  /** Whether the usage that a stream ends with was asked for by the extension only. */
  hides: boolean;
}

function textsOf(node: JsonNode): string[] {
  if (isMap<JsonNode, JsonNode>(node)) {
    return node.items.flatMap(({ key, value }) => [
      ...textsOf(key),
      ...textsOf(value!),
    ]);
  }
  if (isSeq<JsonNode>(node)) {
    return node.items.flatMap(textsOf);
  }
  return isScalar(node) && typeof node.value === 'string' ? [node.value] : [];
}

interface Edit {
  at: number;
  to: number;
  text: string;
}

const rangeOf = (node: JsonNode) => ({
  at: node.range![0],
  to: node.range![1],
});

const membersOf = (node: JsonNode, name: string): JsonNode[] =>
  isMap<JsonNode, JsonNode>(node)
    ? node.items.flatMap(({ key, value }) =>
        isScalar(key) && key.value === name ? [value!] : [],
      )
    : [];

/** Edits after which `stream_options.include_usage` is true; none if it is, or if it is not for us to say. */
function asksForUsage(root: JsonNode): Edit[] {
  const first = root.range![0] + 1;
  const [options] = membersOf(root, 'stream_options');
  const asked = '{"include_usage":true}';
  if (!options) {
    return [{ at: first, to: first, text: `"stream_options":${asked},` }];
  }
  if (isScalar(options) && options.value === null) {
    return [{ ...rangeOf(options), text: asked }];
  }
  if (!isMap(options)) {
    return [];
  }
  const members = membersOf(options as JsonNode, 'include_usage');
  if (members.length === 0) {
    const inside = options.range![0] + 1;
    const comma = options.items.length ? ',' : '';
    return [{ at: inside, to: inside, text: `"include_usage":true${comma}` }];
  }
  return members.every(
    value => isScalar(value) && [false, null].includes(value.value as null),
  )
    ? members.map(value => ({ ...rangeOf(value), text: 'true' }))
    : [];
}

/**
 * What becomes of the body of a request.
 *
 * @param completes - whether it asks for a completion, which can have stream_options
 */
export function forward(
  set: AiGatewaySettings,
  text: string,
  completes: boolean,
): Forwarded | Refusal {
  let root: JsonNode;
  try {
    root = parseJson(text);
  } catch {
    return refusals.json;
  }
  if (!isMap<JsonNode, JsonNode>(root)) {
    return refusals.json;
  }
  const watched = ['model', 'stream', 'stream_options'];
  const names = root.items.map(({ key }) => String((key as any).value));
  for (const name of watched) {
    const alike = names.filter(other => other.toLowerCase() === name);
    if (alike.length > 1 || (alike.length === 1 && alike[0] !== name)) {
      return refusals.ambiguous;
    }
  }
  const [model] = membersOf(root as JsonNode, 'model');
  if (!model || !isScalar(model) || typeof model.value !== 'string') {
    return refusals.missing;
  }
  const name = model.value;
  const allowed = set.models.find(one => one.name === name);
  if (set.models.length && !allowed) {
    return refusals.model;
  }
  const texts = textsOf(root as JsonNode);
  if (
    set.guard.some(({ pattern }) =>
      texts.some(one => new RegExp(pattern, 'i').test(one)),
    )
  ) {
    return refusals.prompt;
  }
  const edits: Edit[] = [];
  if (allowed?.upstream && allowed.upstream !== name) {
    edits.push({ ...rangeOf(model), text: JSON.stringify(allowed.upstream) });
  }
  const [stream] = membersOf(root as JsonNode, 'stream');
  const streams = isScalar(stream) && stream.value === true;
  const asks =
    set.streamUsage === 'ask' && completes && streams
      ? asksForUsage(root as JsonNode)
      : [];
  const body = [...edits, ...asks]
    .sort((a, b) => b.at - a.at)
    .reduce((all, e) => all.slice(0, e.at) + e.text + all.slice(e.to), text);
  return { body, model: name, hides: asks.length > 0 };
}

/** The tokens of an answer. */
export interface Usage {
  prompt: number;
  completion: number;
  total: number;
}

/** The usage in a JSON value that has `usage`; undefined if it says none. */
export function usageOf(usage: any): Usage | undefined {
  if (typeof usage !== 'object' || usage === null) {
    return undefined;
  }
  const given = [
    usage.prompt_tokens ?? usage.input_tokens ?? undefined,
    usage.completion_tokens ?? usage.output_tokens ?? undefined,
    usage.total_tokens ?? undefined,
  ];
  const known = given.filter(n => n !== undefined);
  if (
    !known.length ||
    !known.every(n => Number.isInteger(n) && n >= 0 && n <= 1e9)
  ) {
    return undefined;
  }
  const [prompt = 0, completion = 0, total = prompt + completion] = given;
  return { prompt, completion, total };
}

/** An event stream, read to its end: its usage, and what a client sees that did not ask for it. */
export function readStream(text: string): { usage?: Usage; shown: string } {
  const lineEnd = '(?:\\r\\n|\\n|\\r(?!\\n))';
  const events =
    text.match(
      new RegExp(`[^]*?(?:${lineEnd}${lineEnd}|^${lineEnd})|[^]+$`, 'g'),
    ) ?? [];
  let usage: Usage | undefined;
  const shown = events.filter(event => {
    const data = event
      .split(/\r\n|\n|\r/)
      .filter(line => /^data(:|$)/.test(line))
      .map(line => line.replace(/^data:? ?/, ''))
      .join('\n');
    let value: any;
    try {
      value = JSON.parse(data);
    } catch {
      return true;
    }
    const said = value?.usage ?? value?.response?.usage;
    usage = usageOf(said) ?? usage;
    return !(
      typeof value?.usage === 'object' &&
      value.usage !== null &&
      Array.isArray(value.choices) &&
      value.choices.length === 0
    );
  });
  return { ...(usage ? { usage } : {}), shown: shown.join('') };
}
