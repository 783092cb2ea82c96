import { blankComments } from "../../kernels/wgsl-text.ts";
import type { Lane } from "./graph.ts";

// WGSL as a tree: the declarations of a module, and the statements and expressions that cells are made of.

/** Something that the compiler does not know, and the line of the composed WGSL where it stands; 0: on no line. */
export class Unknown extends Error {
  readonly line: number;
  constructor(line: number, what: string) {
    super(what);
    this.line = line;
  }
}

/** `Real`, `vec4<f32>`, `array<Real, 4>`: the count of an array is an expression. */
export interface TypeName {
  readonly name: string;
  readonly of?: TypeName;
  readonly count?: Expression;
}

export type Expression = { readonly line: number } & (
  | { readonly kind: "number"; readonly value: number; readonly lane: Lane }
  | { readonly kind: "name"; readonly name: string }
  /** A function, or a type that makes a value. */
  | { readonly kind: "call"; readonly type: TypeName; readonly args: readonly Expression[] }
  | { readonly kind: "member"; readonly of: Expression; readonly name: string }
  | { readonly kind: "index"; readonly of: Expression; readonly at: Expression }
  | { readonly kind: "unary"; readonly operator: string; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
);

/** `let`, `const` or `var`. */
export interface Declaration {
  readonly kind: "declare";
  readonly line: number;
  readonly name: string;
  readonly type: TypeName | undefined;
  readonly value: Expression | undefined;
}

export type Block = readonly Statement[];
export type Statement =
  | Declaration
  | ({ readonly line: number } & (
      | { readonly kind: "assign"; readonly to: Expression; readonly operator: string; readonly value: Expression }
      | { readonly kind: "call"; readonly call: Expression }
      | { readonly kind: "if"; readonly condition: Expression; readonly then: Block; readonly otherwise: Block }
      | {
          readonly kind: "for";
          readonly start: Statement | undefined;
          readonly condition: Expression;
          readonly step: Statement | undefined;
          readonly body: Block;
        }
      | { readonly kind: "return"; readonly value: Expression | undefined }
      | { readonly kind: "block"; readonly body: Block }
    ));

interface Named {
  readonly name: string;
  readonly type: TypeName;
}

export interface FunctionDeclaration {
  readonly line: number;
  readonly parameters: readonly Named[];
  readonly body: Block;
}

export interface Program {
  readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  readonly structs: ReadonlyMap<string, readonly Named[]>;
  readonly aliases: ReadonlyMap<string, TypeName>;
  /** Constants and private variables. */
  readonly globals: ReadonlyMap<string, Declaration>;
}

interface Token {
  readonly text: string;
  readonly line: number;
}

const pattern =
  /\n|[\p{XID_Start}_][\p{XID_Continue}]*|0[xX][0-9a-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fhiu]?|->|<<=|>>=|&&|\|\||\+\+|--|<<|[-+*/%&|^=!<>]=|[^\s]/gu;

function tokensOf(wgsl: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const [text] of blankComments(wgsl.split("\n")).join("\n").matchAll(pattern)) {
    if (text === "\n") line++;
    else tokens.push({ text, line });
  }
  return tokens;
}

const isName = (text: string): boolean => /^[\p{XID_Start}_]/u.test(text);
const isNumber = (text: string): boolean => /^\.?\d/.test(text);

/** Types that take others in angle brackets; of any other name `<` is a comparison. */
const generic = new Set(["vec4", "array", "bitcast"]);
/** How strongly operators bind. */
const strengths: ReadonlyMap<string, number> = new Map(
  ["||", "&&", "|", "^", "&", "== !=", "< <= > >=", "<< >>", "+ -", "* / %"].flatMap((operators, i) =>
    operators.split(" ").map((operator) => [operator, i + 1] as const),
  ),
);

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(wgsl: string) {
    this.#tokens = tokensOf(wgsl);
  }

  get #line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead]?.text ?? "";
  }

  #next(): string {
    const text = this.#peek();
    this.#at++;
    return text;
  }

  /** Whether the next token is this one, which is then taken. */
  #takes(text: string): boolean {
    if (this.#peek() !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw new Unknown(this.#line, `${this.#peek() || "the end"} where ${text} should be`);
  }

  #name(): string {
    if (!isName(this.#peek())) throw new Unknown(this.#line, `${this.#peek() || "the end"} where a name should be`);
    return this.#next();
  }

  /** What stands between brackets, with commas. */
  #list<Item>(open: string, close: string, item: () => Item): Item[] {
    this.#expect(open);
    const items: Item[] = [];
    while (!this.#takes(close)) {
      items.push(item());
      if (this.#peek() !== close) this.#expect(",");
    }
    return items;
  }

  program(): Program {
    const functions = new Map<string, FunctionDeclaration>();
    const structs = new Map<string, readonly Named[]>();
    const aliases = new Map<string, TypeName>();
    const globals = new Map<string, Declaration>();
    while (this.#peek() !== "") {
      const line = this.#line;
      const keyword = this.#peek();
      if (keyword === "var" || keyword === "const") {
        const declared = this.#declaration();
        globals.set(declared.name, declared);
        this.#expect(";");
      } else if (this.#takes("alias")) {
        const name = this.#name();
        this.#expect("=");
        aliases.set(name, this.#type());
        this.#expect(";");
      } else if (this.#takes("struct")) {
        structs.set(
          this.#name(),
          this.#list("{", "}", () => this.#named()),
        );
        this.#takes(";");
      } else if (this.#takes("fn")) {
        const name = this.#name();
        const parameters = this.#list("(", ")", () => this.#named());
        if (this.#takes("->")) this.#type();
        functions.set(name, { line, parameters, body: this.#block() });
      } else if (!this.#takes(";")) throw new Unknown(line, keyword);
    }
    return { functions, structs, aliases, globals };
  }

  #named(): Named {
    const name = this.#name();
    this.#expect(":");
    return { name, type: this.#type() };
  }

  #type(): TypeName {
    const name = this.#name();
    if (!generic.has(name) || !this.#takes("<")) return { name };
    const of = this.#type();
    // No comparison and no shift in a count: what follows it is the bracket.
    const count = this.#takes(",") ? this.#expression(strengths.get(">>")) : undefined;
    this.#expect(">");
    return { name, of, ...(count && { count }) };
  }

  #block(): Block {
    this.#expect("{");
    const statements: Statement[] = [];
    while (!this.#takes("}")) {
      if (this.#peek() === "") this.#expect("}");
      if (!this.#takes(";")) statements.push(this.#statement());
    }
    return statements;
  }

  #statement(): Statement {
    const line = this.#line;
    const keyword = this.#peek();
    if (keyword === "{") return { kind: "block", line, body: this.#block() };
    if (this.#takes("if")) return this.#if(line);
    if (this.#takes("for")) {
      this.#expect("(");
      const start = this.#peek() === ";" ? undefined : this.#simple();
      this.#expect(";");
      const condition = this.#expression();
      this.#expect(";");
      const step = this.#peek() === ")" ? undefined : this.#simple();
      this.#expect(")");
      return { kind: "for", line, start, condition, step, body: this.#block() };
    }
    if (["while", "loop", "switch", "break", "continue", "discard"].includes(keyword)) throw new Unknown(line, keyword);
    if (this.#takes("return")) {
      const value = this.#peek() === ";" ? undefined : this.#expression();
      this.#expect(";");
      return { kind: "return", line, value };
    }
    const simple = this.#simple();
    this.#expect(";");
    return simple;
  }

  #if(line: number): Statement {
    const condition = this.#expression();
    const then = this.#block();
    if (!this.#takes("else")) return { kind: "if", line, condition, then, otherwise: [] };
    const next = this.#line;
    const otherwise = this.#takes("if") ? [this.#if(next)] : this.#block();
    return { kind: "if", line, condition, then, otherwise };
  }

  /** A declaration, an assignment or a call: what may stand in a `for` too. */
  #simple(): Statement {
    const line = this.#line;
    if (["let", "const", "var"].includes(this.#peek())) return this.#declaration();
    const to = this.#unary();
    const operator = this.#peek();
    if (to.kind === "call" && operator !== "=") return { kind: "call", line, call: to };
    this.#next();
    if (operator === "++" || operator === "--") {
      const value: Expression = { kind: "number", line, value: 1, lane: "int" };
      return { kind: "assign", line, to, operator: operator[0]!, value };
    }
    if (!/^([-+*/%&|^]|<<|>>)?=$/.test(operator))
      throw new Unknown(line, `${operator || "the end"} after an expression`);
    return { kind: "assign", line, to, operator: operator.slice(0, -1), value: this.#expression() };
  }

  #declaration(): Declaration {
    const line = this.#line;
    const keyword = this.#next();
    if (keyword === "var" && this.#takes("<")) {
      const space = this.#name();
      if (space !== "private" && space !== "function") throw new Unknown(line, `var<${space}>`);
      this.#expect(">");
    }
    const name = this.#name();
    const type = this.#takes(":") ? this.#type() : undefined;
    const value = this.#takes("=") ? this.#expression() : undefined;
    return { kind: "declare", line, name, type, value };
  }

  /** An expression, or as much of it as binds more strongly than `least`. */
  #expression(least = 0): Expression {
    let left = this.#unary();
    for (;;) {
      const line = this.#line;
      const operator = this.#peek() === ">" && this.#peek(1) === ">" ? ">>" : this.#peek();
      const strength = strengths.get(operator) ?? 0;
      if (strength <= least) return left;
      this.#at += operator === ">>" ? 2 : 1;
      left = { kind: "binary", line, operator, left, right: this.#expression(strength) };
    }
  }

  #unary(): Expression {
    const line = this.#line;
    const operator = this.#peek();
    if (["-", "!", "~"].includes(operator)) {
      this.#next();
      return { kind: "unary", line, operator, of: this.#unary() };
    }
    let value = this.#primary();
    for (;;) {
      const at = this.#line;
      if (this.#takes(".")) value = { kind: "member", line: at, of: value, name: this.#name() };
      else if (this.#takes("[")) {
        value = { kind: "index", line: at, of: value, at: this.#expression() };
        this.#expect("]");
      } else return value;
    }
  }

  #primary(): Expression {
    const line = this.#line;
    const text = this.#peek();
    if (this.#takes("(")) {
      const inner = this.#expression();
      this.#expect(")");
      return inner;
    }
    if (isNumber(text)) return this.#number();
    if (!isName(text)) throw new Unknown(line, text || "the end");
    const type = this.#type();
    if (this.#peek() !== "(" && !type.of) return { kind: "name", line, name: type.name };
    return { kind: "call", line, type, args: this.#list("(", ")", () => this.#expression()) };
  }

  #number(): Expression {
    const line = this.#line;
    const text = this.#next();
    const isHex = /^0x/i.test(text);
    // An f at the end of a hexadecimal number is a digit.
    const suffix = /[iu]$/.test(text) || (!isHex && /[fh]$/.test(text)) ? text.at(-1)! : "";
    if (suffix === "h") throw new Unknown(line, text);
    const isWhole = isHex || /^\d+$/.test(text);
    const lane = suffix === "" ? (isWhole ? "int" : "f32") : (`${suffix}32` as "f32" | "i32" | "u32");
    return { kind: "number", line, value: Number(suffix ? text.slice(0, -1) : text), lane };
  }
}

/** @throws Unknown */
export const parse = (wgsl: string): Program => new Parser(wgsl).program();
