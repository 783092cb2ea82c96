/** The WGSL that users write for cells: what is compiled, and what is refused with its line. */
import { describe, expect, test } from "vitest";
import { sigmoid } from "../../src/cells/activations.ts";
import { defineCell, type FullCell, gruCell, lstmCell } from "../../src/cells/index.ts";
import { compileCell } from "../../src/wasm/compile/cell-module.ts";
import { compiledOf, faultsOf } from "./compile-run.ts";
import { cellOf, refusalOf, valuesOf } from "./compile-wgsl.ts";

const given = Float32Array.of(-2, -1, 0, 0.5, 1, 3);
type Parts = Parameters<typeof cellOf>[1];

test.each<[what: string, result: string, parts: Parts, f: (x: number) => number]>([
  ["arithmetic and precedence", "1.0 - v * 2.0 + v / 4.0 - -v", {}, (x) => 1 - x * 2 + x / 4 + x],
  [
    "compound assignments",
    "y",
    { body: "var y = v; y += 1.0; y *= y; y -= v; y /= 2.0;" },
    (x) => ((x + 1) ** 2 - x) / 2,
  ],
  ["shadowed names", "y", { body: "let y = v; { let y = 7.0; } { var z = y; z = z + 1.0; }" }, (x) => x],
  [
    "functions that call functions",
    "twice(v)",
    {
      before:
        "fn plus(a: Real, b: f32) -> Real { return a + b; }\nfn twice(a: Real) -> Real { return plus(plus(a, 1.0), 2.0); }",
    },
    (x) => x + 3,
  ],
  [
    "structs of their own",
    "pair.first - pair.second",
    {
      before:
        "struct Pair { first: Real, second: Real }\nfn made(a: Real) -> Pair { var p: Pair; p.second = a; return p; }",
      body: "var pair = made(v); let old = pair; pair.first += old.second * 3.0;",
    },
    (x) => 3 * x - x,
  ],
  [
    "arrays and loops of known length",
    "sum",
    {
      body: "var a: array<Real, 4>; var sum = Real();\nfor (var i = 0u; i < 4u; i++) { a[i] = v * f32(i); }\nfor (var i = 3; i >= 0; i -= 1) { sum += a[i]; }",
    },
    (x) => 6 * x,
  ],
  [
    "select, comparisons, and, or, not",
    "select(select(Real(1.0), Real(2.0), !(v < Real(0.0)) & (v <= Real(1.0))), Real(5.0), (v == Real(3.0)) | (v != v))",
    {},
    (x) => (x === 3 ? 5 : x >= 0 && x <= 1 ? 2 : 1),
  ],
  ["bits of numbers", "bitcast<Real>(bitcast<Bits>(v) & Bits(0x7fffffffu))", {}, Math.abs],
  [
    "shifts and conversions",
    "Real(vec4i(v) << vec4u(2u)) + Real(vec4u(abs(v)) >> vec4u(1u))",
    {},
    (x) => (Math.trunc(x) << 2) + (Math.trunc(Math.abs(x)) >>> 1),
  ],
  [
    "conditions that are known",
    "y",
    {
      before: "const WIDE = 2 * 3 == 6;",
      body: "var y = v; if (!WIDE) { y = Real(9.0); } else if (WIDE && true) { y += 1.0; }",
    },
    (x) => x + 1,
  ],
  [
    "private variables",
    "counted",
    { before: "var<private> counted: Real;\nfn count(a: Real) { counted += a; }", body: "count(v); count(v);" },
    (x) => 2 * x,
  ],
  ["vec4f in full", "vec4<f32>(v) + vec4f(1f) + 0x10 + 1e1", {}, (x) => x + 27],
])("compiles %s", (_, result, parts, f) => {
  expect([...valuesOf(cellOf(result, parts), given)]).toEqual([...given].map(f));
});

test("a user's cell with functions and structs of its own agrees with its float64 functions", () => {
  const swish = (x: number) => {
    const s = sigmoid(x);
    return { y: x * s, slope: s + x * s * (1 - s) };
  };
  const cell = defineCell({
    name: "compiled, with functions",
    gates: ["a"],
    states: ["h"],
    learned: [{ name: "decay" }],
    fragment: {
      source: `
// #include "lib/activations.wgsl"
struct Swish { y: Real, slope: Real }
fn swish(x: Real) -> Swish {
  let s = sigmoid(x);
  var made = Swish(x * s, s);
  made.slope += made.y * (1.0 - s);
  return made;
}
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  var saved: Saved;
  saved.a = x.a + r.a;
  return Forward(State(swish(saved.a).y + p.decay * prev.h), saved);
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  return Backward(Saved(grad.h * swish(saved.a).slope, grad.h * prev.h), State(grad.h * p.decay));
}`,
    },
    forward(x, r, prev, { decay }) {
      const a = x.a + r.a;
      return { state: { h: swish(a).y + decay * prev.h }, saved: { a } };
    },
    backward: (saved, prev, grad, { decay }) => ({
      grads: { a: grad.h * swish(saved.a).slope, decay: grad.h * prev.h },
      state: { h: grad.h * decay },
    }),
  }) as FullCell;
  for (const part of ["forward", "backward"] as const) {
    const variant = { part, direction: 0, save: true, hasBias: true } as const;
    expect(faultsOf(cell, variant, compiledOf(cell, variant), { rows: 3, H: 6 }, 1e-5)).toEqual([]);
  }
});

test("the direction is known", () => {
  const cell = cellOf("y", { body: "var y = v; if (cellDirection == 1u) { y = -v; }" });
  expect([...valuesOf(cell, given, 0)]).toEqual([...given]);
  expect([...valuesOf(cell, given, 1)]).toEqual([...given].map((x) => -x));
});

test("means that depend on each other are taken of H units, whatever lies behind", () => {
  const wgsl = "v - meanOverUnits(v) + meanOverUnits((v - meanOverUnits(v)) * tanh(v))";
  for (const H of [1, 2, 3, 4, 5, 13]) {
    const x = Float32Array.from({ length: H }, (_, i) => Math.sin(i));
    const mean = (f: (x: number) => number) => x.reduce((sum, one) => sum + f(one), 0) / H;
    const first = mean((one) => one);
    const second = mean((one) => (one - first) * Math.tanh(one));
    valuesOf(cellOf(wgsl, { acrossUnits: true }), x).forEach((y, u) => {
      expect(y).toBeCloseTo(x[u]! - first + second, 5);
    });
  }
});

test.each<[refusal: string | RegExp, result: string, parts?: Parts]>([
  ["line 5: sin", "y", { body: "let y = sin(v);" }],
  ["line 6: textureLoad", "y", { body: "\n  let y = textureLoad(v);" }],
  ["line 5: a component of a vector", "y", { body: "let y = Real(v.x);" }],
  ["line 5: if on a value that is not constant", "v", { acrossUnits: true, body: "if (meanOverUnits(v) > 0.0) { }" }],
  ["line 5: while", "v", { body: "while (true) { }" }],
  ["line 5: for with more than 256 rounds", "v", { body: "for (var i = 0; i < 1000; i++) { }" }],
  ["line 2: again calls itself", "again(v)", { before: "fn again(a: Real) -> Real { return again(a); }" }],
  ["line 5: u32 + f32", "v", { body: "let y = 1u + 1.0;" }],
  ["line 5: meanOverUnits", "v", { body: "let y = meanOverUnits(v);" }],
  ["line 5: vec4f of different components", "v", { body: "let y = vec4f(1.0, 2.0, 3.0, 4.0);" }],
  ["line 5: exp with 2 arguments, not 1", "v", { body: "let y = exp(v, v);" }],
  ["line 5: missing", "v", { body: "let y = missing;" }],
  ["line 5: no member missing", "v", { body: "let y = prev.missing;" }],
  ["line 5: f32 where bool should be", "v", { body: "let y: bool = v;" }],
  ["line 5: select by f32", "v", { body: "let y = select(v, v, v);" }],
  ["line 2: @", "v", { before: "@group(0) var<storage> all: array<f32>;" }],
  ["line 5: ) where a name should be", "v", { body: "let y = v.);" }],
  ["line 5: no member 4", "v", { body: "var a: array<Real, 4>; let y = a[4];" }],
])("refuses in words: %s", (refusal, result, parts) => {
  expect(refusalOf(cellOf(result, parts))).toEqual(refusal);
});

test("functions that are missing, or give something else, are refused", () => {
  const { name: _, fragment, ...rest } = cellOf("v");
  const { source } = fragment as { source: string };
  const refused = (name: string, changed: string) =>
    refusalOf(defineCell({ ...rest, name, fragment: { source: changed } } as never) as FullCell);
  expect(refused("compiled A", source.replace("cellForward", "forward"))).toBe("no function cellForward");
  expect(refused("compiled B", source.replace("Forward(State(v), saved)", "v"))).toBe("a result without state");
  expect(refused("compiled C", source.replace("State(v)", "v"))).toBe("line 7: a number where State should be");
  expect(refused("compiled D", source.replace("activations.wgsl", "none.wgsl"))).toMatch(/none\.wgsl/);
});

test("a cell without WGSL is refused", () => {
  const { name: _, fragment: __, ...rest } = cellOf("v");
  const cell = defineCell({ ...rest, name: "compiled without WGSL" } as never) as FullCell;
  expect(refusalOf(cell)).toMatch(/has no WGSL/);
});

describe("modules", () => {
  test("are small", () => {
    const bytes = (cell: FullCell, part: "forward" | "backward") =>
      compiledOf(cell, { part, direction: 0, save: true, hasBias: true }).code.length;
    expect(bytes(lstmCell("LSTM"), "forward")).toBeLessThan(2000);
    expect(bytes(lstmCell("LSTM"), "backward")).toBeLessThan(1500);
    expect(bytes(gruCell("GRU"), "forward")).toBeLessThan(1500);
    expect(bytes(lstmCell("LSTM", { layerNorm: true, peepholes: true }), "forward")).toBeLessThan(5000);
  });

  test("need scratch memory only for what is needed again after a mean", () => {
    const scratch = (cell: FullCell) => {
      const compiled = compileCell(cell, { part: "forward", direction: 0, save: true, hasBias: true });
      return "refused" in compiled ? -1 : compiled.scratchBytes(5);
    };
    expect(scratch(lstmCell("LSTM"))).toBe(0);
    // The sums are made again; what the output gate sees of c is not.
    expect(scratch(lstmCell("LSTM", { layerNorm: true }))).toBe(0);
    const withPeepholes = scratch(lstmCell("LSTM", { layerNorm: true, peepholes: true }));
    expect(withPeepholes).toBeGreaterThan(0);
    // Whole words for five units.
    expect(withPeepholes % 32).toBe(0);
  });
});

test("what a cell returns for the gates that its vector went into is not written", () => {
  const cell = defineCell({
    name: "compiled, with a vector",
    gates: ["a", "b"],
    states: ["h"],
    kept: ["k"],
    fragment: {
      source: `
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  return Forward(State(x.a + x.b + r.b), Saved(x.a, x.b, r.b));
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  return Backward(saved, grad);
}
fn cellIntermediate(x: Gates, prev: State, p: Learned) -> Real { return x.a * prev.h; }
fn cellIntermediateBackward(saved: Saved, prev: State, grad: Real, p: Learned) -> Backward {
  return Backward(Saved(grad, Real(123.0), -grad), State(grad));
}`,
    },
    forward: (x, r) => ({ state: { h: x.a + x.b + r.b }, saved: { a: x.a, b: x.b, k: r.b } }),
    backward: (saved, _prev, grad) => ({ grads: saved, state: { h: grad.h } }),
    intermediate: {
      gates: 1,
      forward: (x, prev) => x.a! * prev.h!,
      backward: (_saved, _prev, grad) => ({ grads: { a: grad, b: 123, k: -grad }, state: { h: grad } }),
    },
  }) as FullCell;
  const variant = { part: "intermediateBackward", direction: 0, save: false, hasBias: false } as const;
  expect(faultsOf(cell, variant, compiledOf(cell, variant), { rows: 2, H: 6 }, 1e-5)).toEqual([]);
});

test("no rows are nothing to do", () => {
  const cell = gruCell("GRU");
  const variant = { part: "forward", direction: 0, save: true, hasBias: true } as const;
  expect(faultsOf(cell, variant, compiledOf(cell, variant), { rows: 0, H: 4 }, 1e-5)).toEqual([]);
});
