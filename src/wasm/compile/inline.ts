import { activations, builtins } from "./functions.ts";
import type { Graph, GraphNode, Lane } from "./graph.ts";
import { type Block, type Declaration, type Expression, type Program, type TypeName, Unknown } from "./parse.ts";

// Runs WGSL on values that are not known yet: calls are inlined, conditions and loops must be known, and what is left are
// operations of a graph.

/** A struct, or an array, whose members are "0", "1", …; never changed, so that copies are free. */
export interface Aggregate {
  readonly members: ReadonlyMap<string, Value>;
}
export type Value = GraphNode | Aggregate;
/** What a function without a result returns. */
const NOTHING: Aggregate = { members: new Map() };

export interface Surroundings {
  readonly direction: 0 | 1;
  /** Whether `meanOverUnits` is there. */
  readonly acrossUnits: boolean;
  /** Whether a line is of the package's activations, some of which have a shorter form. */
  isActivation(line: number): boolean;
}

/** Variables of a block; those of the blocks around it are found too. */
class Scope {
  readonly #own = new Map<string, Value>();
  readonly #outer: Scope | undefined;
  constructor(outer?: Scope) {
    this.#outer = outer;
  }
  declare(name: string, value: Value): void {
    this.#own.set(name, value);
  }
  find(name: string): Value | undefined {
    return this.#own.get(name) ?? this.#outer?.find(name);
  }
  assign(name: string, value: Value): void {
    if (this.#own.has(name) || !this.#outer) this.#own.set(name, value);
    else this.#outer.assign(name, value);
  }
}

const lanes: Readonly<Record<string, Lane>> = {
  f32: "f32",
  vec4f: "f32",
  i32: "i32",
  vec4i: "i32",
  u32: "u32",
  vec4u: "u32",
  bool: "bool",
};
const floatOperators: Readonly<Record<string, string>> = {
  "+": "f32x4.add",
  "-": "f32x4.sub",
  "*": "f32x4.mul",
  "/": "f32x4.div",
};
const integerOperators: Readonly<Record<string, string>> = { "+": "i32x4.add", "-": "i32x4.sub", "*": "i32x4.mul" };
const bitOperators: Readonly<Record<string, string>> = {
  "&": "v128.and",
  "|": "v128.or",
  "^": "v128.xor",
  "&&": "v128.and",
  "||": "v128.or",
};
const comparisons: Readonly<Record<string, string>> = {
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  ">": "gt",
  "<=": "le",
  ">=": "ge",
};

/** More rounds of a loop, or calls within calls, than any cell has. */
const MOST_ROUNDS = 256;
const MOST_CALLS = 64;

export class Inliner {
  readonly #program: Program;
  readonly #g: Graph;
  readonly #around: Surroundings;
  readonly #globals = new Scope();
  #calls = 0;

  constructor(program: Program, graph: Graph, around: Surroundings) {
    this.#program = program;
    this.#g = graph;
    this.#around = around;
    this.#globals.declare("true", graph.constant("bool", 1));
    this.#globals.declare("false", graph.constant("bool", 0));
    this.#globals.declare("cellDirection", graph.constant("u32", around.direction));
  }

  /** A struct of the program from what its members are. */
  struct(name: string, make: (member: string) => Value): Aggregate {
    const members = this.#program.structs.get(name)!.map((member) => [member.name, make(member.name)] as const);
    return { members: new Map(members) };
  }

  /** Calls one of the program's functions. Line 0: it is the engine that does. @throws Unknown */
  call(name: string, args: readonly Value[], line = 0): Value {
    const called = this.#program.functions.get(name);
    if (!called) throw new Unknown(line, `no function ${name}`);
    if (args.length !== called.parameters.length)
      throw new Unknown(line, `${name} with ${args.length} arguments, not ${called.parameters.length}`);
    if (++this.#calls > MOST_CALLS) throw new Unknown(line, `${name} calls itself`);
    const scope = new Scope(this.#globals);
    called.parameters.forEach((parameter, i) => {
      scope.declare(parameter.name, this.#as(parameter.type, args[i]!, line));
    });
    const result = this.#run(called.body, scope);
    this.#calls--;
    return result ?? NOTHING;
  }

  /** Runs statements until one returns; what that returns. */
  #run(block: Block, outer: Scope): Value | undefined {
    const scope = new Scope(outer);
    for (const statement of block) {
      const { line } = statement;
      if (statement.kind === "declare") scope.declare(statement.name, this.#declared(statement, scope));
      else if (statement.kind === "assign") {
        const { to, operator, value } = statement;
        const given = this.#value(value, scope);
        this.#assign(to, operator ? this.#binary(operator, this.#value(to, scope), given, line) : given, scope);
      } else if (statement.kind === "call") this.#value(statement.call, scope);
      else if (statement.kind === "return") return statement.value ? this.#value(statement.value, scope) : NOTHING;
      else {
        const result =
          statement.kind === "if"
            ? this.#run(this.#known(statement.condition, "if", scope) ? statement.then : statement.otherwise, scope)
            : statement.kind === "block"
              ? this.#run(statement.body, scope)
              : this.#loop(statement, scope);
        if (result) return result;
      }
    }
    return undefined;
  }

  #loop(loop: Extract<Block[number], { kind: "for" }>, outer: Scope): Value | undefined {
    const scope = new Scope(outer);
    // Without a block of its own, so that the variable lives on.
    const { start, step } = loop;
    if (start?.kind === "declare") scope.declare(start.name, this.#declared(start, scope));
    else if (start) this.#run([start], scope);
    for (let round = 0; this.#known(loop.condition, "for", scope); round++) {
      if (round >= MOST_ROUNDS) throw new Unknown(loop.line, `for with more than ${MOST_ROUNDS} rounds`);
      const result = this.#run(loop.body, scope);
      if (result) return result;
      if (step) this.#run([step], scope);
    }
    return undefined;
  }

  /** A condition that is the same for all units at all times. */
  #known(condition: Expression, statement: string, scope: Scope): boolean {
    const node = this.#node(condition, scope);
    if (node.op !== "const") throw new Unknown(condition.line, `${statement} on a value that is not constant`);
    return node.value !== 0;
  }

  #declared({ type, value, name, line }: Declaration, scope: Scope): Value {
    if (value) return type ? this.#as(type, this.#value(value, scope), line) : this.#value(value, scope);
    if (!type) throw new Unknown(line, `${name} without type and value`);
    return this.#zero(type, line);
  }

  #assign(to: Expression, value: Value, scope: Scope): void {
    if (to.kind === "name") {
      if (to.name === "_") return;
      const old = this.#value(to, scope);
      scope.assign(to.name, "op" in old && "op" in value ? this.#convert(old.lane, value, to.line) : value);
      return;
    }
    if (to.kind !== "member" && to.kind !== "index") throw new Unknown(to.line, "an assignment to this");
    const [of, member] = [this.#aggregate(to.of, scope), this.#memberOf(to, scope)];
    const old = of.members.get(member);
    if (!old) throw new Unknown(to.line, `no member ${member}`);
    const converted = "op" in old && "op" in value ? this.#convert(old.lane, value, to.line) : value;
    this.#assign(to.of, { members: new Map([...of.members, [member, converted]]) }, scope);
  }

  #memberOf(at: Extract<Expression, { kind: "member" | "index" }>, scope: Scope): string {
    if (at.kind === "member") return at.name;
    const index = this.#node(at.at, scope);
    if (index.op !== "const") throw new Unknown(at.line, "an index that is not constant");
    return String(index.value);
  }

  #aggregate(expression: Expression, scope: Scope): Aggregate {
    const value = this.#value(expression, scope);
    if ("op" in value) throw new Unknown(expression.line, "a component of a vector");
    return value;
  }

  #node(expression: Expression, scope: Scope): GraphNode {
    return this.#single(this.#value(expression, scope), expression.line);
  }

  #single(value: Value, line: number): GraphNode {
    if (!("op" in value)) throw new Unknown(line, "a struct or an array where a number should be");
    return value;
  }

  #value(expression: Expression, scope: Scope): Value {
    const { line } = expression;
    switch (expression.kind) {
      case "number":
        return this.#g.constant(expression.lane, expression.value);
      case "name":
        return scope.find(expression.name) ?? this.#global(expression.name, line);
      case "member":
      case "index": {
        const member = this.#memberOf(expression, scope);
        const found = this.#aggregate(expression.of, scope).members.get(member);
        if (!found) throw new Unknown(line, `no member ${member}`);
        return found;
      }
      case "unary":
        return this.#unary(expression.operator, this.#node(expression.of, scope), line);
      case "binary": {
        const left = this.#value(expression.left, scope);
        return this.#binary(expression.operator, left, this.#value(expression.right, scope), line);
      }
      case "call":
        return this.#called(
          expression.type,
          expression.args.map((arg) => this.#value(arg, scope)),
          line,
        );
    }
  }

  #global(name: string, line: number): Value {
    const declared = this.#program.globals.get(name);
    if (!declared) throw new Unknown(line, name);
    const value = this.#declared(declared, this.#globals);
    this.#globals.declare(name, value);
    return value;
  }

  #unary(operator: string, x: GraphNode, line: number): GraphNode {
    const g = this.#g;
    if (operator === "-" && x.lane === "f32") return g.neg(x);
    if (operator === "-" && x.lane !== "bool") return this.#binary("-", g.constant(x.lane, 0), x, line);
    if ((operator === "!") === (x.lane === "bool") && x.lane !== "f32") return g.not(x);
    throw new Unknown(line, `${operator} of ${x.lane}`);
  }

  #binary(operator: string, left: Value, right: Value, line: number): GraphNode {
    const g = this.#g;
    const [l, r] = [this.#single(left, line), this.#single(right, line)];
    const refuse = (): never => {
      throw new Unknown(line, `${l.lane} ${operator} ${r.lane}`);
    };
    if (operator === "<<" || operator === ">>") {
      if (l.lane === "f32" || l.lane === "bool" || r.op !== "const") return refuse();
      const shift = operator === "<<" ? "shl" : l.lane === "u32" ? "shr_u" : "shr_s";
      return g.make(`i32x4.${shift}`, l.lane, [l], r.value & 31);
    }
    const lane = l.lane === "int" ? r.lane : l.lane;
    const [a, b] = [l, r].map((x) => (x.lane === "int" && lane !== "bool" ? g.constant(lane, x.value) : x)) as [
      GraphNode,
      GraphNode,
    ];
    if (a.lane !== lane || b.lane !== lane) return refuse();
    const compared = comparisons[operator];
    if (compared) {
      const sign = /eq|ne/.test(compared) ? "" : lane === "u32" ? "_u" : "_s";
      return g.make(lane === "f32" ? `f32x4.${compared}` : `i32x4.${compared}${sign}`, "bool", [a, b]);
    }
    if (lane === "f32" && operator === "%") return g.sub(a, g.mul(b, g.trunc(g.div(a, b))));
    const bitwise = lane === "f32" ? undefined : bitOperators[operator];
    const arithmetic = (lane === "f32" ? floatOperators : lane === "bool" ? {} : integerOperators)[operator];
    const op = (operator.length === 1 || lane === "bool" ? bitwise : undefined) ?? arithmetic;
    if (op) return g.make(op, lane, [a, b]);
    if (lane !== "f32" && lane !== "bool" && a.op === "const" && b.op === "const" && b.value !== 0) {
      if (operator === "/") return g.constant(lane, Math.trunc(a.value / b.value));
      if (operator === "%") return g.constant(lane, a.value % b.value);
    }
    return refuse();
  }

  /** A function of the program, of WGSL or of the engine, or a type that makes a value. */
  #called(type: TypeName, args: readonly Value[], line: number): Value {
    const { name } = type;
    const own = this.#program.functions.get(name);
    const shorter = own && this.#around.isActivation(own.line) ? activations[name] : undefined;
    if (own && !shorter) return this.call(name, args, line);
    if (!own && (this.#isType(name) || name === "bitcast")) return this.#constructed(type, args, line);
    const known = shorter ?? builtins[name];
    const given = () => args.map((arg) => this.#single(arg, line));
    if (name === "meanOverUnits" && this.#around.acrossUnits && args.length === 1)
      return this.#g.mean(this.#g.operand(given()[0]!));
    if (name === "select" && args.length === 3) return this.#select(args, line);
    if (!known) throw new Unknown(line, name);
    const [count, make] = known;
    const floats = given().map((x) => this.#convert("f32", x, line));
    if (floats.length !== count) throw new Unknown(line, `${name} with ${floats.length} arguments, not ${count}`);
    return make(this.#g, floats[0]!, floats[1]!, floats[2]!);
  }

  #select([no, yes, condition]: readonly Value[], line: number): Value {
    const [n, y, c] = [no!, yes!, condition!].map((x) => this.#single(x, line)) as [GraphNode, GraphNode, GraphNode];
    const lane = n.lane === "int" ? y.lane : n.lane;
    if (c.lane !== "bool") throw new Unknown(line, `select by ${c.lane}`);
    return this.#g.select(this.#convert(lane, n, line), this.#convert(lane, y, line), c);
  }

  #isType(name: string): boolean {
    const { aliases, structs } = this.#program;
    return name in lanes || name === "vec4" || name === "array" || aliases.has(name) || structs.has(name);
  }

  /** A type without aliases. */
  #resolved(type: TypeName): TypeName {
    const alias = this.#program.aliases.get(type.name);
    return alias ? this.#resolved(alias) : type;
  }

  /** The type of the lanes, if it is no struct or array. */
  #laneOf(type: TypeName): Lane | undefined {
    const { name, of } = this.#resolved(type);
    return name === "vec4" && of ? this.#laneOf(of) : lanes[name];
  }

  /** Names and types of the members of a struct or an array. */
  #membersOf(type: TypeName, line: number): readonly (readonly [string, TypeName])[] {
    const { name, of, count } = this.#resolved(type);
    const members = this.#program.structs.get(name)?.map((member) => [member.name, member.type] as const);
    if (members) return members;
    if (name !== "array" || !of || !count) throw new Unknown(line, name);
    const length = this.#node(count, this.#globals);
    if (length.op !== "const" || length.value > 4096) throw new Unknown(line, "an array of this length");
    return Array.from({ length: length.value }, (_, i) => [String(i), of] as const);
  }

  #constructed(type: TypeName, args: readonly Value[], line: number): Value {
    if (type.name === "bitcast") {
      const lane = type.of && this.#laneOf(type.of);
      if (!lane || args.length !== 1) throw new Unknown(line, "bitcast");
      const x = this.#single(args[0]!, line);
      return this.#g.cast(lane, x.lane === "int" ? this.#convert("i32", x, line) : x);
    }
    if (args.length === 0) return this.#zero(type, line);
    const lane = this.#laneOf(type);
    if (lane) {
      const [first, ...others] = args.map((arg) => this.#single(arg, line));
      if (others.some((other) => other !== first)) throw new Unknown(line, `${type.name} of different components`);
      return this.#made(lane, first!, line);
    }
    const members = this.#membersOf(type, line);
    if (members.length !== args.length)
      throw new Unknown(line, `${type.name} of ${args.length} members, not ${members.length}`);
    return { members: new Map(members.map(([name, of], i) => [name, this.#as(of, args[i]!, line)])) };
  }

  #zero(type: TypeName, line: number): Value {
    const lane = this.#laneOf(type);
    if (lane) return this.#g.constant(lane, 0);
    return { members: new Map(this.#membersOf(type, line).map(([name, of]) => [name, this.#zero(of, line)])) };
  }

  /** A value where one of this type is expected. */
  #as(type: TypeName, value: Value, line: number): Value {
    const lane = this.#laneOf(type);
    if (lane) return this.#convert(lane, this.#single(value, line), line);
    if ("op" in value) throw new Unknown(line, `a number where ${type.name} should be`);
    return value;
  }

  /** What WGSL converts by itself: constants without suffix. */
  #convert(lane: Lane, x: GraphNode, line: number): GraphNode {
    if (x.lane === lane) return x;
    if (x.lane !== "int" || lane === "bool") throw new Unknown(line, `${x.lane} where ${lane} should be`);
    return this.#g.constant(lane, x.value);
  }

  /** `f32(x)`, `vec4u(x)` and their like convert anything. */
  #made(lane: Lane, x: GraphNode, line: number): GraphNode {
    const g = this.#g;
    if (x.lane === lane || x.lane === "int") return x.lane === lane ? x : g.constant(lane, x.value);
    if (lane === "bool") return this.#binary("!=", x, g.constant(x.lane, 0), line);
    if (x.lane === "bool") return g.select(g.constant(lane, 0), g.constant(lane, 1), x);
    if (lane === "f32") return g.make(`f32x4.convert_i32x4_${x.lane === "u32" ? "u" : "s"}`, lane, [x]);
    if (x.lane === "f32") return g.make(`i32x4.trunc_sat_f32x4_${lane === "u32" ? "u" : "s"}`, lane, [x]);
    return g.cast(lane, x);
  }
}
