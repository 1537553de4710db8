import { parse } from 'luaparse';
import { newestRelease, releaseOf } from '../releases';
import { newerReleases } from '../releases/releases';
import { LintProblem } from './lint';

// Envoy Gateway's strict validator runs a script once for each entry point, in gopher-lua, with stand-ins for Envoy's
// objects and without some of Lua's library (internal/gatewayapi/luavalidator: mocks.lua, security.lua). What happens there
// depends on values, so this knows only some of it: what fails wherever it is reached, and whether it surely is.

/** Globals that are nil in the validator, although Envoy's LuaJIT has them: calling or indexing one fails. */
const missingGlobals: Record<string, string> = {
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

/** Members of globals that fail when they are called. */
const missingMembers: Record<string, readonly string[]> = {
  io: ['popen', 'open', 'input', 'output', 'lines'],
  os: ['execute', 'exit', 'remove', 'rename'],
  string: ['dump'],
};

/** Calls that Envoy has and the validator's stand-ins lack, with the release that brings the stand-in. */
const missingMethods: Record<string, string> = {
  attemptCount: 'none',
  clearRouteCache: 'none',
  drainConnectionUponCompletion: 'none',
  dynamicTypedMetadata: 'none',
  filterContext: '1.9',
  filterState: 'none',
  route: 'none',
  virtualHost: 'none',
};

const entryPoints = ['envoy_on_request', 'envoy_on_response'];

/** Methods of texts whose result is nil where a pattern does not match; the stand-ins' values match few. */
const matching = ['match', 'find'];

/**
 * What a lint found: `certain` fails whatever values there are; else it fails if the stand-ins' values lead there.
 *
 * @public
 */
export interface LuaLintProblem extends LintProblem {
  certain: boolean;
}

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

type Report = (node: Node, message: string) => void;

const isGlobal = (node: unknown, name?: string): node is Node =>
  isNode(node) &&
  node.type === 'Identifier' &&
  node.isLocal === false &&
  (name === undefined || node.name === name);

/** `a and a.b()`: what is left of `and` is nil in the validator, so what is right of it is not run. */
function guardedByItself({ left, right }: Node): boolean {
  return (
    isGlobal(left) &&
    left.name in missingGlobals &&
    [...nodes(right)].some(inner => isGlobal(inner, left.name))
  );
}

/** The name of the method that a call is of: `h:route()`, `string.match(s, p)`. */
const calledMember = (node: unknown): string | undefined =>
  isNode(node) &&
  node.type === 'CallExpression' &&
  node.base.type === 'MemberExpression'
    ? node.base.identifier.name
    : undefined;

/** A text of a stand-in: what `:get(…)` of metadata gives. Indexed once it is nil, indexed twice it fails. */
function isMetadata(node: unknown): boolean {
  return (
    calledMember(node) === 'get' &&
    ['dynamicMetadata', 'metadata'].includes(
      calledMember((node as Node).base.base) ?? '',
    )
  );
}

const isIndex = (node: unknown): node is Node =>
  isNode(node) &&
  (node.type === 'IndexExpression' ||
    (node.type === 'MemberExpression' && node.indexer === '.'));

/** Locals by how they are assigned: the only knowledge of values that a look has. */
type Values = ReadonlyMap<string, Node>;

function valuesOf(tree: unknown): Values {
  const values = new Map<string, Node>();
  for (const node of nodes(tree)) {
    if (node.type === 'LocalStatement') {
      node.variables.forEach((variable: Node, i: number) => {
        if (node.init[i]) {
          values.set(variable.name, node.init[i]);
        }
      });
    }
  }
  return values;
}

const valueOf = (node: Node, values: Values): Node | undefined =>
  node.type === 'Identifier' ? values.get(node.name) : node;

/** What fails in an expression or statement, once it is reached. */
function judge(node: Node, values: Values, report: Report): void {
  const { base } = node;
  if (
    ['CallExpression', 'StringCallExpression', 'TableCallExpression'].includes(
      node.type,
    ) ||
    isIndex(node)
  ) {
    if (isGlobal(base) && base.name in missingGlobals) {
      report(node, `${base.name} is blocked: ${missingGlobals[base.name]}`);
    }
  }
  if (node.type === 'CallExpression' && base.type === 'MemberExpression') {
    const { base: object, identifier } = base;
    if (
      isGlobal(object) &&
      missingMembers[object.name]?.includes(identifier.name)
    ) {
      report(
        node,
        `${object.name}.${identifier.name} is blocked: scripts have no access to files, processes and compiled code`,
      );
    }
  }
  if (isIndex(node) && isIndex(base)) {
    const value = valueOf(base.base, values);
    if (value && isMetadata(value)) {
      report(
        node,
        'the stand-in for this metadata is a text, and a field of it is nil: test the field before you index it again',
      );
    }
  }
  if (node.type === 'BinaryExpression' && node.operator === '..') {
    for (const side of [node.left, node.right] as Node[]) {
      const value = valueOf(side, values);
      if (value && matching.includes(calledMember(value) ?? '')) {
        report(
          node,
          'the pattern may not match the stand-in’s text, and nil cannot be concatenated: write (value or "")',
        );
      }
    }
  }
}

/** Statements whose bodies may not run. */
const conditional = [
  'IfClause',
  'ElseifClause',
  'ElseClause',
  'WhileStatement',
  'RepeatStatement',
  'ForNumericStatement',
  'ForGenericStatement',
  'FunctionDeclaration',
];

/**
 * Walks what the validator runs, and says for each node whether it is surely reached.
 *
 * @param visit - is told of every node
 */
function walk(
  value: unknown,
  sure: boolean,
  visit: (node: Node, sure: boolean) => void,
): void {
  if (Array.isArray(value)) {
    // After a statement that may return, nothing is sure.
    let still = sure;
    for (const item of value) {
      walk(item, still, visit);
      still &&=
        !isNode(item) ||
        ![...nodes(item)].some(inner =>
          ['ReturnStatement', 'GotoStatement', 'BreakStatement'].includes(
            inner.type,
          ),
        );
    }
    return;
  }
  if (!isNode(value)) {
    return;
  }
  visit(value, sure);
  const { type } = value;
  for (const [key, child] of Object.entries(value)) {
    if (ignored.includes(key) || typeof child !== 'object') {
      continue;
    }
    const right = type === 'LogicalExpression' && key === 'right';
    if (right && value.operator === 'and' && guardedByItself(value)) {
      continue;
    }
    const isEntry =
      type === 'FunctionDeclaration' &&
      entryPoints.includes(value.identifier?.name);
    walk(
      child,
      sure && !right && (isEntry || !conditional.includes(type)),
      visit,
    );
  }
}

/** Entry points that the text names, in a comment or not, are called; each has to be a global function. */
function missingEntryPoints(source: string, tree: unknown): string[] {
  const all = [...nodes(tree)];
  const defined = (name: string) =>
    all.some(
      node =>
        (node.type === 'FunctionDeclaration' &&
          !node.isLocal &&
          isGlobal(node.identifier, name)) ||
        (node.type === 'AssignmentStatement' &&
          node.variables.some((variable: Node) => isGlobal(variable, name))),
    );
  const named = entryPoints.filter(name => source.includes(name));
  if (named.length === 0) {
    return [
      'expected one of envoy_on_request() or envoy_on_response() to be defined.',
    ];
  }
  return named
    .filter(name => !defined(name))
    .map(
      name =>
        `${name} is named, and no global function: the validator calls every entry point whose name it finds, even in a comment, and Envoy calls global functions only; define it as one, or do not name it`,
    );
}

/**
 * Looks for the known limits of Envoy Gateway's strict validator in a Lua script, without running it. What it does not
 * find may still be refused; egctl runs the validator itself.
 *
 * @public
 * @param source - the script
 * @param gateway - the release of Envoy Gateway, the newest unless given
 * @returns what the validator refuses; empty when nothing is known against the script
 */
export function lintLua(source: string, gateway?: string): LuaLintProblem[] {
  let tree: unknown;
  try {
    // gopher-lua is Lua 5.1 with goto as 5.2 has it: a keyword, also where LuaJIT takes it for a name.
    tree = parse(source, {
      luaVersion: '5.2',
      comments: false,
      scope: true,
      locations: true,
      encodingMode: 'none',
    });
  } catch (error) {
    return [
      { field: 'script', message: `syntax error: ${error}`, certain: true },
    ];
  }
  const release = gateway ? releaseOf(gateway) : newestRelease;
  const later = newerReleases(release);
  const lacks = (method: string) => {
    const since = missingMethods[method];
    return since === 'none' || later.some(({ version }) => version === since);
  };
  const values = valuesOf(tree);
  const problems: LuaLintProblem[] = missingEntryPoints(source, tree).map(
    message => ({ field: 'script', message, certain: true }),
  );
  walk(tree, true, (node, sure) => {
    const report =
      (certain: boolean): Report =>
      (at, message) => {
        const field = `script line ${at.loc?.start.line}`;
        if (!problems.some(p => p.field === field && p.message === message)) {
          problems.push({ field, message, certain });
        }
      };
    const method =
      node.type === 'CallExpression' &&
      node.base.type === 'MemberExpression' &&
      node.base.indexer === ':'
        ? node.base.identifier.name
        : '';
    if (method && lacks(method)) {
      report(sure)(
        node,
        `${method}() works in Envoy, but the strict validator of Envoy Gateway ${release.version} does not know it`,
      );
    }
    judge(node, values, report(sure));
  });
  return problems;
}
