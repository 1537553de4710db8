import { parse, unparse } from '@bufbuild/cel';
import { patternProblem } from './pattern';
import {
  CelFunction,
  CelPlace,
  convert,
  functions,
  Kind,
  lacking,
  lackingRemedy,
  loops,
  maxDepth,
  messages,
  metadata,
  operators,
  places,
  Shape,
  Signature,
  typeNames,
} from './table';

// Envoy Gateway checks of an expression only that it can be parsed. What Envoy cannot build then makes it refuse the whole
// listener, and what ends with an error or with another type than bool is never true. Both are found here, by the types of
// what the expression is made of. What depends on a request (whether a header is there) is left to the request.

type Parsed = ReturnType<typeof parse>;
type Expression = Parsed['expr'];

/** A place where a person can write an expression. */
export type CelPlaceName = keyof typeof places;

const isKind = (shape: Shape): shape is Kind => typeof shape === 'string';

const kindOf = (shape: Shape): Kind => {
  if (isKind(shape)) {
    return shape;
  }
  return shape === metadata ? 'message' : 'map';
};

const isMap = (kind: Kind) => kind === 'map' || kind === 'strings';

const isNumber = (kind: Kind) => ['int', 'uint', 'double'].includes(kind);

const fits = (takes: Kind, given: Kind) =>
  takes === 'any' || given === 'any' || takes === given;

const shownKinds: Partial<Record<Kind, string>> = { strings: 'map' };

const shownKind = (kind: Kind) => shownKinds[kind] ?? kind;

const listed = (names: readonly string[]) => [...names].sort().join(', ');

/** The result that all signatures agree on. */
function agreed(signatures: readonly Signature[]): Kind {
  const results = new Set(signatures.map(([, gives]) => gives));
  return results.size === 1 ? [...results][0]! : 'any';
}

/** Every place's variables and fields, to tell what comes later from what never was. */
function knownLater(path: readonly string[]): boolean {
  return Object.values(places).some(({ variables }) => {
    let shape: Shape | undefined = variables;
    for (const name of path) {
      shape = isKind(shape) ? undefined : shape[name];
      if (shape === undefined) {
        return false;
      }
    }
    return true;
  });
}

const constants: Record<string, Kind> = {
  boolValue: 'bool',
  bytesValue: 'bytes',
  doubleValue: 'double',
  int64Value: 'int',
  nullValue: 'null',
  stringValue: 'string',
  uint64Value: 'uint',
};

/** Judges one expression: collects what is wrong with it while it finds out its type. */
class Judge {
  readonly problems: string[] = [];

  constructor(
    private readonly source: string,
    private readonly parsed: Parsed,
    private readonly place: CelPlace,
  ) {}

  /** The text of a part, as CEL writes it. */
  private part(expr: Expression): string {
    return unparse({ ...this.parsed, expr });
  }

  private broken(message: string): 'any' {
    if (!this.problems.includes(message)) {
      this.problems.push(message);
    }
    return 'any';
  }

  /** Names joined by dots: `request.path`, or nothing for everything else. */
  private path({ exprKind }: Expression): string[] | undefined {
    if (exprKind.case === 'identExpr') {
      return [exprKind.value.name];
    }
    if (exprKind.case === 'selectExpr' && exprKind.value.operand) {
      const start = this.path(exprKind.value.operand);
      return start && [...start, exprKind.value.field];
    }
    return undefined;
  }

  /** A name with its leading dot, which the parser drops: Envoy then finds no variable. */
  private nameOf(expr: Expression, name: string): string {
    const at = this.parsed.sourceInfo?.positions[expr.id.toString()];
    return at !== undefined && this.source[at] === '.' ? `.${name}` : name;
  }

  private variable(name: string): Shape {
    const { variables, when } = this.place;
    if (variables[name] !== undefined) {
      return variables[name]!;
    }
    if (typeNames.includes(name)) {
      return 'type';
    }
    return this.broken(
      knownLater([name])
        ? `there is no ${name} yet ${when}, so that the expression is never true; use ${listed(
            Object.keys(variables),
          )}`
        : `Envoy has no variable ${name}; use ${listed(
            Object.keys(variables),
          )}, and quotes around texts`,
    );
  }

  /** The value of a field. */
  private field(shape: Shape, name: string, expr: Expression): Shape {
    if (!isKind(shape)) {
      if (shape[name] !== undefined) {
        return shape[name]!;
      }
      const path = this.path(expr);
      const at = path ? path.slice(0, -1).join('.') : 'it';
      return this.broken(
        `${
          path && knownLater(path)
            ? `there is no ${path.join('.')} yet ${this.place.when}`
            : `${at} has no ${name}`
        }, so that the expression is never true; it has ${listed(
          Object.keys(shape),
        )}`,
      );
    }
    if (shape === 'strings') {
      return 'string';
    }
    return ['any', 'map', 'message'].includes(shape)
      ? 'any'
      : this.broken(
          `${shownKind(shape)} has no fields, as ${this.part(expr)} asks for`,
        );
  }

  /** A function's or operator's result for types of arguments. */
  private result(
    signatures: readonly Signature[],
    given: readonly Kind[],
    otherwise: () => string,
  ): Kind {
    const fitting = signatures.filter(
      ([takes]) =>
        takes.length === given.length &&
        takes.every((kind, i) => fits(kind, given[i]!)),
    );
    if (fitting.length === 0) {
      this.broken(otherwise());
      return agreed(signatures);
    }
    return agreed(fitting);
  }

  private equality(
    sign: '==' | '!=',
    [a, b]: readonly Kind[],
    expr: Expression,
  ): Kind {
    const comparable =
      a === b ||
      [a, b].includes('any') ||
      (isNumber(a!) && isNumber(b!)) ||
      (isMap(a!) && isMap(b!)) ||
      // What is set otherwise is unequal to null, and messages can be null.
      sign === '!=' ||
      ([a, b].includes('null') && [a, b].includes('message'));
    if (!comparable) {
      this.broken(
        `${shownKind(a!)} and ${shownKind(
          b!,
        )} are never equal, as in ${this.part(
          expr,
        )}; compare values of one type`,
      );
    }
    return 'bool';
  }

  /** `request['method']`: a field by its name, where a variable can be asked so. */
  private index(
    [of, by]: readonly Expression[],
    expr: Expression,
  ): Shape | undefined {
    const shape = this.shape(of!);
    const constant =
      by!.exprKind.case === 'constExpr'
        ? by!.exprKind.value.constantKind
        : undefined;
    if (!isKind(shape) && constant?.case === 'stringValue') {
      const path = this.path(of!)?.join('.') ?? '';
      return shape === metadata
        ? this.broken(
            `${path} has no index, as in ${this.part(
              expr,
            )}; write the field with a dot, for example ${path}.${
              constant.value
            }`,
          )
        : this.field(shape, constant.value, expr);
    }
    const { signatures, remedy } = operators['_[_]']!;
    const kinds = [kindOf(shape), kindOf(this.shape(by!))];
    return this.result(
      signatures,
      kinds,
      () =>
        `Envoy has no ${shownKind(kinds[0]!)} with an index of type ${shownKind(
          kinds[1]!,
        )}, as in ${this.part(expr)}: ${remedy}`,
    );
  }

  private operator(
    name: string,
    args: readonly Expression[],
    expr: Expression,
  ): Shape | undefined {
    if (name === '_[_]') {
      return this.index(args, expr);
    }
    if (name === '_==_' || name === '_!=_') {
      const kinds = args.map(arg => kindOf(this.shape(arg)));
      return this.equality(name === '_==_' ? '==' : '!=', kinds, expr);
    }
    if (name === '_?_:_') {
      const [test, yes, no] = args.map(arg => this.shape(arg));
      if (!fits('bool', kindOf(test!))) {
        this.broken(
          `what stands before ? has to be a condition, and ${this.part(
            args[0]!,
          )} is ${shownKind(kindOf(test!))}: ${operators['!_']!.remedy}`,
        );
      }
      return kindOf(yes!) === kindOf(no!) ? yes : 'any';
    }
    const operator = operators[name];
    if (!operator) {
      return undefined;
    }
    const { sign, signatures, remedy } = operator;
    const dash = name === '_-_' && this.dashed(args);
    if (dash) {
      return this.broken(
        `${this.part(
          expr,
        )} is a subtraction; a header with a dash is written in brackets: ${dash}`,
      );
    }
    const kinds = args.map(arg => kindOf(this.shape(arg)));
    return this.result(
      signatures,
      kinds,
      () =>
        `Envoy has no ${sign} for ${kinds
          .map(shownKind)
          .join(' and ')}, as in ${this.part(expr)}: ${
          kinds.length === 2 && kinds.every(isNumber) && name !== '_%_'
            ? convert
            : remedy
        }`,
    );
  }

  /** How `request.headers.x-role`, which subtracts, was meant. */
  private dashed([left, right]: readonly Expression[]): string | undefined {
    const select =
      left!.exprKind.case === 'selectExpr' ? left!.exprKind.value : undefined;
    const [name, ...rest] = (right && this.path(right)) ?? [];
    const isHeader =
      select?.operand &&
      name !== undefined &&
      rest.length === 0 &&
      this.place.variables[name] === undefined &&
      this.path(select.operand)?.[1] === 'headers';
    return isHeader
      ? `${this.part(select!.operand!)}['${select!.field}-${name}']`
      : undefined;
  }

  /** A call of `f(a)` or `a.f(b)`. */
  private call(
    name: string,
    target: Expression | undefined,
    args: readonly Expression[],
    expr: Expression,
  ): Shape {
    if (name === 'has') {
      return this.broken(
        `has() takes a field, for example has(request.headers.host), and not ${args
          .map(arg => this.part(arg))
          .join(', ')}; for other names, use in: 'x-role' in request.headers`,
      );
    }
    const loop = target && loops[name];
    if (loop) {
      return this.broken(
        `Envoy’s CEL cannot loop, as ${this.part(expr)} does: ${loop}`,
      );
    }
    const known: CelFunction | undefined = functions[name];
    const form = target ? 'method' : 'function';
    const all = target ? [target, ...args] : args;
    const signatures = (known?.signatures ?? []).filter(
      ([takes]) => takes.length === all.length,
    );
    if (!known || ![form, 'both'].includes(known.written)) {
      return this.broken(
        `Envoy’s CEL has no function ${
          known ? `${name} that is called so` : name
        }, as in ${this.part(expr)}: ${
          lacking[name] ??
          (known
            ? `write ${
                known.written === 'method' ? `….${name}()` : `${name}(…)`
              }`
            : lackingRemedy)
        }`,
      );
    }
    if (signatures.length === 0) {
      return this.broken(
        `${name}() takes another number of values than in ${this.part(expr)}`,
      );
    }
    const kinds = all.map(arg => kindOf(this.shape(arg)));
    const pattern = all[1]?.exprKind;
    if (
      name === 'matches' &&
      pattern?.case === 'constExpr' &&
      pattern.value.constantKind.case === 'stringValue'
    ) {
      const problem = patternProblem(pattern.value.constantKind.value);
      if (problem) {
        this.broken(
          `Envoy refuses the pattern in ${this.part(expr)}: ${problem}`,
        );
      }
    }
    return this.result(signatures, kinds, () => {
      const wanted = [
        ...new Set(
          signatures.map(([takes]) => takes.map(shownKind).join(', ')),
        ),
      ];
      return `${name}() is for ${wanted.join(' or ')}, not for ${kinds
        .map(shownKind)
        .join(', ')} as in ${this.part(expr)}`;
    });
  }

  private constant(expr: Expression, kind: string, value: unknown): Kind {
    const [least, most] =
      kind === 'uint64Value'
        ? [0n, 2n ** 64n - 1n]
        : [-(2n ** 63n), 2n ** 63n - 1n];
    return typeof value === 'bigint' && (value < least || value > most)
      ? this.broken(`the number ${this.part(expr)} is beyond 64 bits`)
      : constants[kind] ?? 'any';
  }

  /** The type of an expression, with its problems on the way. */
  shape(expr: Expression): Shape {
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr': {
        const { case: kind, value } = exprKind.value.constantKind;
        return this.constant(expr, kind ?? '', value);
      }
      case 'identExpr':
        return this.variable(this.nameOf(expr, exprKind.value.name));
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value;
        const found = this.field(this.shape(operand!), field, expr);
        return testOnly ? 'bool' : found;
      }
      case 'listExpr':
        exprKind.value.elements.forEach(element => this.shape(element));
        return 'list';
      case 'structExpr': {
        const { messageName, entries } = exprKind.value;
        for (const { keyKind, value } of entries) {
          if (keyKind.case === 'mapKey') {
            this.shape(keyKind.value);
          }
          this.shape(value!);
        }
        if (messageName === '') {
          return 'map';
        }
        return (
          messages[messageName.replace(/^\./, '')] ??
          this.broken(
            `Envoy has no message ${messageName}, as in ${this.part(
              expr,
            )}; use a plain value or a map`,
          )
        );
      }
      case 'callExpr': {
        const { function: name, target, args } = exprKind.value;
        return (
          (target ? undefined : this.operator(name, args, expr)) ??
          this.call(name, target, args, expr)
        );
      }
      default: {
        const macro = this.parsed.sourceInfo?.macroCalls[expr.id.toString()];
        const name =
          macro?.exprKind.case === 'callExpr'
            ? macro.exprKind.value.function
            : '';
        return this.broken(
          `Envoy’s CEL cannot loop, as ${this.part(expr)} does: ${
            loops[name] ?? loops.all!
          }`,
        );
      }
    }
  }
}

/** The direct parts of an expression. */
function parts({ exprKind }: Expression): Expression[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return [exprKind.value.operand!];
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return exprKind.value.entries.flatMap(({ keyKind, value }) => [
        ...(keyKind.case === 'mapKey' ? [keyKind.value] : []),
        value!,
      ]);
    case 'callExpr':
      return [
        ...(exprKind.value.target ? [exprKind.value.target] : []),
        ...exprKind.value.args,
      ];
    default:
      return [];
  }
}

/** Whether calls are nested no deeper than Envoy's parser goes. */
const shallow = (expr: Expression, depth = 0): boolean =>
  depth <= maxDepth && parts(expr).every(part => shallow(part, depth + 1));

const tooDeep = `it is nested too deeply, Envoy takes ${maxDepth} levels; split it`;

/**
 * Why Envoy refuses a CEL expression or never finds it true. Expressions that only some requests satisfy pass.
 *
 * @public
 * @param expression - the expression
 * @param name - where it is judged, which decides what it can see
 * @returns what is wrong, each with the part and a remedy; empty when Envoy can judge it
 */
export function lintCel(expression: string, name: CelPlaceName): string[] {
  const place: CelPlace = places[name];
  let parsed: Parsed;
  try {
    parsed = parse(expression);
  } catch (error) {
    return [
      error instanceof RangeError
        ? tooDeep
        : `it is no CEL expression: ${(error as Error).message.replace(
            /^<input>:1:(\d+): /,
            'at character $1, ',
          )}`,
    ];
  }
  if (!shallow(parsed.expr)) {
    return [tooDeep];
  }
  const judge = new Judge(expression, parsed, place);
  const kind = kindOf(judge.shape(parsed.expr));
  if (judge.problems.length > 0) {
    return judge.problems;
  }
  if (place.gives === 'truth' && !fits('bool', kind)) {
    return [
      `its result is ${shownKind(
        kind,
      )} and not bool, so that it is never true: ${operators['!_']!.remedy}`,
    ];
  }
  if (
    place.gives === 'text' &&
    (isMap(kind) || ['list', 'type'].includes(kind))
  ) {
    return [
      `its result is ${shownKind(
        kind,
      )}, of which Envoy writes only the name of the type: choose one value, for example request.headers['x-role']`,
    ];
  }
  return [];
}

/** A command of Envoy's formats with an expression; the length behind it is optional. */
const command = /%(?:TYPED_)?CEL\((.*?)\)(?::\d+)?%/g;

/**
 * What {@link lintCel} says of the expressions in one of Envoy's formats: each `%CEL(…)%`.
 *
 * @public
 * @param format - text with commands, for example `%CEL(request.path)%`
 * @param name - where it is written
 * @returns what is wrong, each with the expression
 */
export function lintCelFormat(format: string, name: CelPlaceName): string[] {
  return [...format.matchAll(command)].flatMap(([text, expression]) =>
    lintCel(expression!, name).map(problem => `${text}: ${problem}`),
  );
}
