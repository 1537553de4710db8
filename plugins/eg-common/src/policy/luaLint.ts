import { parse } from 'luaparse';
import { LintProblem } from './lint';

/**
 * Globals that Envoy Gateway's strict validator takes away before it runs a script (internal/gatewayapi/luavalidator,
 * security.lua), or that its interpreter (gopher-lua) does not have although Envoy's LuaJIT does.
 */
const blocked: Record<string, string> = {
  require: 'modules cannot be loaded; put the code into the script',
  package: 'modules cannot be loaded; put the code into the script',
  dofile: 'files cannot be loaded; put the code into the script',
  loadfile: 'files cannot be loaded; put the code into the script',
  load: 'code cannot be made at run time',
  loadstring: 'code cannot be made at run time',
  debug: 'the debug library is not available',
  rawget: 'raw access is not available; index the table',
  rawset: 'raw access is not available; assign to the table',
  getmetatable: 'metatables are not available; use plain tables and functions',
  setmetatable: 'metatables are not available; use plain tables and functions',
  _G: 'the table of globals is not available; use local variables',
  bit: 'the validator’s interpreter lacks LuaJIT’s libraries',
  jit: 'the validator’s interpreter lacks LuaJIT’s libraries',
  ffi: 'the validator’s interpreter lacks LuaJIT’s libraries',
};

/** Members of globals that are blocked. */
const blockedMembers: Record<string, string[]> = {
  io: ['popen', 'open', 'input', 'output', 'lines'],
  os: ['execute', 'exit', 'remove', 'rename'],
};

/** Calls that Envoy has and the validator's doubles lack. */
const missingMethods = [
  'clearRouteCache',
  'route',
  'virtualHost',
  'filterState',
  'dynamicTypedMetadata',
];

const entryPoints = ['envoy_on_request', 'envoy_on_response'];

type Node = { type: string; [key: string]: any };

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** Fields of nodes that are no part of the tree: positions, and the list of globals, which stand in the tree too. */
const ignored = ['loc', 'globals'];

/** All nodes of a syntax tree. */
function* nodes(value: unknown): Generator<Node> {
  if (Array.isArray(value)) {
    for (const item of value) {
      yield* nodes(item);
    }
  } else if (isNode(value)) {
    yield value;
    for (const [key, child] of Object.entries(value)) {
      if (!ignored.includes(key) && typeof child === 'object') {
        yield* nodes(child);
      }
    }
  }
}

/**
 * Checks a Lua script against the documented limits of Envoy Gateway's strict validator, without running it.
 *
 * @public
 * @param source - the script
 * @returns what the validator would refuse; empty when nothing is known against the script
 */
export function lintLua(source: string): LintProblem[] {
  let tree: unknown;
  try {
    tree = parse(source, {
      luaVersion: 'LuaJIT',
      comments: false,
      scope: true,
      locations: true,
      encodingMode: 'none',
    });
  } catch (error) {
    return [{ field: 'script', message: `syntax error: ${error}` }];
  }
  const problems: LintProblem[] = [];
  const report = (node: Node, message: string) =>
    problems.push({ field: `script line ${node.loc?.start.line}`, message });
  let hasEntryPoint = false;
  for (const node of nodes(tree)) {
    if (node.type === 'FunctionDeclaration') {
      hasEntryPoint ||= entryPoints.includes(node.identifier?.name);
    } else if (node.type === 'Identifier' && node.isLocal === false) {
      const why = blocked[node.name];
      if (why) {
        report(node, `${node.name} is blocked: ${why}`);
      }
    } else if (node.type === 'MemberExpression') {
      const { base, identifier, indexer } = node;
      if (
        base.type === 'Identifier' &&
        base.isLocal === false &&
        blockedMembers[base.name]?.includes(identifier.name)
      ) {
        report(
          node,
          `${base.name}.${identifier.name} is blocked: scripts have no access to files and processes`,
        );
      }
      if (indexer === ':' && missingMethods.includes(identifier.name)) {
        report(
          node,
          `${identifier.name}() works in Envoy, but the strict validator does not know it`,
        );
      }
    }
  }
  if (!hasEntryPoint) {
    problems.push({
      field: 'script',
      message:
        'expected one of envoy_on_request() or envoy_on_response() to be defined.',
    });
  }
  return problems;
}
