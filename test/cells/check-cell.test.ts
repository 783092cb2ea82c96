/** checkCell: passes every cell of the package, and names what is wrong with a wrong one. */
import { afterAll, describe, expect, test } from "vitest";
import { mguCell, slstmCell } from "../../src/cells/index.ts";
import { type Cell, CellError, checkCell, defineCell, type FullCell, OptionError, Runtime } from "../../src/index.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, found } = await adapterForTests();
const gpu = device && (await Runtime.open({ device }));
const wasm = await Runtime.open({ backend: "wasm" });
afterAll(() => {
  gpu?.dispose();
  wasm.dispose();
});

/** A normaliser is never negative. */
const statesOf = (cell: FullCell) => (cell.states.includes("n") ? { n: [0.5, 2] as const } : {});

test.each(testCells.map((cell) => [cell.name, cell] as const))("passes %s", async (_, cell) => {
  const { derivatives, byWgsl } = await checkCell(cell, { states: statesOf(cell) });
  expect(derivatives).toBeGreaterThanOrEqual(3 * 2 * 3 * (cell.gates.length + cell.states.length));
  expect(byWgsl).toBe(0);
});

test.each([mguCell(), slstmCell()])("passes the WGSL of $name", async (cell) => {
  for (const runtime of [wasm, gpu]) {
    if (!runtime) continue;
    const { byWgsl } = await checkCell(cell, { runtime, states: statesOf(cell), seed: 3 });
    expect(byWgsl).toBeGreaterThan(300);
  }
});

test("on WebAssembly finds a fault of the WGSL, and does not count what the twin computes", async () => {
  const wrong = leaky("leaky, wrong on WebAssembly", {
    fragment: { source: wgsl.replace("grad.h * (1.0 - p.k)", "grad.h * p.k") },
  });
  await expect(checkCell(wrong, { runtime: wasm })).rejects.toThrow(/the WGSL says/);
  const unknown = leaky("leaky, with sin", {
    fragment: { source: wgsl.replace("let a = ", "let b = sin(x.a);\n  let a = b - b + ") },
  });
  expect((await checkCell(unknown, { runtime: wasm })).byWgsl).toBe(0);
});

/** A leaky integrator with a learned rate, h = h + k * (tanh(x + r) - h), right unless something is changed. */
const leaky = (name: string, change: Partial<Cell> = {}): FullCell =>
  defineCell({
    name,
    gates: ["a"],
    states: ["h"],
    learned: [{ name: "k", initial: 0.5 }],
    fragment: { source: wgsl },
    forward(x, r, prev, { k }) {
      const a = Math.tanh(x.a! + r.a!);
      return { state: { h: prev.h! + k! * (a - prev.h!) }, saved: { a } };
    },
    backward({ a }, prev, grad, { k }) {
      return {
        grads: { a: grad.h! * k! * (1 - a! * a!), k: grad.h! * (a! - prev.h!) },
        state: { h: grad.h! * (1 - k!) },
      };
    },
    ...change,
  });
const wgsl = `// #include "lib/activations.wgsl"
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let a = hyperbolicTangent(x.a + r.a);
  var saved: Saved;
  saved.a = a;
  return Forward(State(prev.h + p.k * (a - prev.h)), saved);
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  var grads: Saved;
  grads.a = grad.h * p.k * (1.0 - saved.a * saved.a);
  grads.k = grad.h * (saved.a - prev.h);
  return Backward(grads, State(grad.h * (1.0 - p.k)));
}
`;

const complaint = async (cell: FullCell, runtime?: Runtime): Promise<string> => {
  const error = await checkCell(cell, runtime && { runtime }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CellError);
  return (error as Error).message;
};

describe("names the first wrong derivative", () => {
  test("by a gate", async () => {
    const cell = leaky("wrong by x", {
      backward({ a }, prev, grad, { k }) {
        return { grads: { a: grad.h! * k!, k: grad.h! * (a! - prev.h!) }, state: { h: grad.h! * (1 - k!) } };
      },
    });
    expect(await complaint(cell)).toMatch(
      /^cell "wrong by x": d h \/ d x\.a: backward says -?[\d.e-]+, differences of forward say -?[\d.e-]+ \(unit \d\)\n {2}d h \/ d r\.a: [^\n]*$/,
    );
  });

  test("by the previous state and a learned vector that were forgotten", async () => {
    const cell = leaky("forgetful", {
      backward: ({ a }, _, grad, { k }) => ({ grads: { a: grad.h! * k! * (1 - a! * a!) }, state: {} }),
    });
    const message = await complaint(cell);
    expect(message).toMatch(/^cell "forgetful": d h \/ d prev\.h: backward says 0, differences of forward say/);
    expect(message).toMatch(/d h \/ d learned\.k: backward says 0/);
    expect(message).not.toMatch(/x\.a/);
  });

  test("once, where it is furthest off, and by its state rather than by all", async () => {
    const cell = defineCell({
      name: "two states",
      gates: ["a"],
      states: ["h", "c"],
      forward: (x, r, prev) => ({ state: { h: x.a + r.a + prev.c, c: 3 * prev.c + prev.h }, saved: {} }),
      backward: (_saved, _prev, grad) => ({
        grads: { a: grad.h },
        state: { h: grad.c, c: 2 * grad.h + 3.5 * grad.c + (grad.h === 1 ? 0.25 : 0) },
      }),
    });
    expect(await complaint(cell)).toMatch(
      /^cell "two states": d h \/ d prev\.c: backward says 2\.25, differences of forward say 1 \(unit \d\)\n {2}d c \/ d prev\.c: backward says 3\.5, differences of forward say 3 \(unit \d\)$/,
    );
  });

  test("by all states, if it is right by each", async () => {
    const cell = defineCell({
      name: "product of gradients",
      gates: ["a"],
      states: ["h", "c"],
      forward: (x, r, prev) => ({ state: { h: x.a + r.a, c: prev.c }, saved: {} }),
      backward: (_saved, _prev, grad) => ({ grads: { a: grad.h + grad.h * grad.c }, state: { h: 0, c: grad.c } }),
    });
    expect(await complaint(cell)).toMatch(
      /^cell "product of gradients": d all states \/ d x\.a: .*\n {2}d all .*r\.a.*$/,
    );
  });

  test("in the second direction, if it is right in the first", async () => {
    const cell = defineCell({
      name: "one way",
      gates: ["a"],
      states: ["h"],
      forward: (x, r) => ({ state: { h: x.a + r.a }, saved: {} }),
      backward: (_saved, _prev, grad, _learned, { direction }) => ({
        grads: { a: grad.h * (1 + direction) },
        state: { h: 0 },
      }),
    });
    expect(await complaint(cell)).toMatch(/^cell "one way": d h \/ d x\.a: .* \(unit \d, second direction\)\n.*\)$/);
  });

  test("of an intermediate product", async () => {
    const { intermediate, ...given } = mguCell();
    const wrong = defineCell({
      ...given,
      name: "mgu without the way through f",
      intermediate: {
        ...intermediate!,
        backward: (saved, prev, grad, learned, unit) => ({
          ...intermediate!.backward(saved, prev, grad, learned, unit),
          state: { h: 0 },
        }),
      },
    });
    expect(await complaint(wrong)).toMatch(/: d h \/ d prev\.h: backward says/);
  });

  test("of means over the units", async () => {
    const given = testCells.find((cell) => cell.acrossUnits)!;
    const wrong = defineCell({
      ...given,
      name: "normalised, gradients as if not",
      backward: (saved, prev, grad, learned, unit) =>
        given.backward(saved, prev, grad, learned, { ...unit, mean: (value) => 0.9 * unit.mean(value) }),
    });
    expect(await complaint(wrong)).toMatch(/: d h \/ d x\.i: backward says/);
  });
});

test("tells of names that do not exist, states left out and numbers that are none", async () => {
  const state = (saved: object, h: object = { h: 1 }) => ({
    forward: () => ({ state: h as never, saved: saved as never }),
  });
  expect(await complaint(leaky("typing", state({ b: 1 })))).toBe(
    'cell "typing": forward returns saved.b, which is none of a, k',
  );
  expect(await complaint(leaky("stateless", state({}, {})))).toBe('cell "stateless": forward returns no state.h');
  expect(await complaint(leaky("no number", state({ a: Number.NaN })))).toBe(
    'cell "no number": forward returns saved.a = NaN',
  );
});

describe("names what is read and not there", () => {
  test.each([
    ["a gate", { forward: (x) => ({ state: { h: x.nn! }, saved: {} }) }, "forward reads x.nn, which is none of a"],
    [
      "a product",
      { forward: (_x, r) => ({ state: { h: r.k ?? 0 }, saved: {} }) },
      "forward reads r.k, which is none of a",
    ],
    [
      "a learned vector",
      { forward: (_x, _r, prev, p) => ({ state: { h: prev.h! * p.b! }, saved: {} }) },
      "forward reads learned.b, which is none of k",
    ],
    [
      "a learned vector where there is none",
      { learned: [], forward: (_x, _r, prev, p) => ({ state: { h: prev.h! * p.b! }, saved: {} }) },
      "forward reads learned.b, and there are none",
    ],
    [
      "a slot",
      { backward: (saved) => ({ grads: { a: saved.b! }, state: { h: 0 } }) },
      "backward reads saved.b, which is none of a, k",
    ],
    [
      "a gradient",
      { backward: (_saved, _prev, grad) => ({ grads: { a: grad.c! }, state: { h: 0 } }) },
      "backward reads grad.c, which is none of h",
    ],
  ] satisfies [string, Partial<Cell>, string][])("%s", async (what, change, says) => {
    expect(await complaint(leaky(`misread: ${what}`, change))).toBe(`cell "misread: ${what}": ${says}`);
  });

  test("what forward did not return", async () => {
    const cell = leaky("not saved", {
      forward: (x, r, prev, { k }) => {
        const a = Math.tanh(x.a! + r.a!);
        return { state: { h: prev.h! + k! * (a - prev.h!) }, saved: {} };
      },
    });
    expect(await complaint(cell)).toBe(
      'cell "not saved": backward reads saved.a, which forward did not return in saved',
    );
    const divides = leaky("not saved, divided by", {
      forward: (x, r) => ({ state: { h: x.a! + r.a! }, saved: {} }),
      backward: (saved) => ({ grads: { a: 1 / saved.k! }, state: { h: 0 } }),
    });
    expect(await complaint(divides)).toBe(
      'cell "not saved, divided by": backward reads saved.k, which forward did not return in saved\n' +
        "  backward returns grads.a = Infinity",
    );
  });

  test("what backward did not return, in an intermediate product", async () => {
    const { intermediate, ...given } = mguCell();
    const cell = defineCell({
      ...given,
      intermediate: intermediate!,
      name: "mgu that forgets",
      backward: (saved, prev, grad, learned, unit) => {
        const { grads, state } = given.backward(saved, prev, grad, learned, unit);
        return { grads: { f: grads.f!, n: grads.n! }, state };
      },
    });
    expect(await complaint(cell)).toBe(
      'cell "mgu that forgets": intermediate.backward reads saved.forget, which backward did not return in grads',
    );
  });

  test("but a slot that is zero because nothing was put there passes, and so does all that is saved at once", async () => {
    const cell = defineCell({
      name: "adds to nothing",
      gates: ["a"],
      states: ["h"],
      kept: ["m"],
      forward: (x, r) => ({ state: { h: x.a + r.a }, saved: {} }),
      backward: (saved, _prev, grad) => ({ grads: { ...saved, a: saved.m + grad.h }, state: { h: 0 } }),
    });
    expect((await checkCell(cell)).derivatives).toBeGreaterThan(0);
  });
});

describe.skipIf(!gpu)(`the WGSL (${found.reason})`, () => {
  test("passes when it is right", async () => {
    expect((await checkCell(leaky("right"), { runtime: gpu! })).byWgsl).toBeGreaterThan(300);
  });

  test.each([
    [
      "prev.h + p.k * (a - prev.h)",
      "prev.h + p.k * a",
      /: the new h: the WGSL says \S+, the maths on the CPU \S+ \(unit 0\)/,
    ],
    ["1.0 - saved.a * saved.a", "1.0 - saved.a", /: the gradient by x\.a: the WGSL says/],
    ["saved.a - prev.h", "saved.a + prev.h", /: the gradient by learned\.k: the WGSL says/],
    ["(1.0 - p.k)", "p.k", /: the gradient by prev\.h: the WGSL says/],
  ])("with %s as %s is found", async (right, wrong, expected) => {
    expect(wgsl.split(right)).toHaveLength(2);
    const source = wgsl.replace(right, wrong);
    expect(await complaint(leaky(`with ${wrong}`, { fragment: { source } }), gpu)).toMatch(expected);
  });
});

test.each([
  ["an unknown option", { runtimes: 1 }, /^checkCell: unknown option "runtimes"; options are runtime, states, seed$/],
  ["a state that is not there", { states: { c: [0, 1] } }, /states has "c", cell "rnn\(Tanh\)" has h|states has "c"/],
  ["no range", { states: { h: 1 } }, /states\.h is 1, expected \[low, high\]/],
])("refuses %s", async (_, options, expected) => {
  const error = await checkCell(testCells[1]!, options as never).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(OptionError);
  expect((error as Error).message).toMatch(expected);
});

test("refuses what was not defined", async () => {
  const raw = { ...testCells[0]! };
  await expect(checkCell(raw)).rejects.toThrow(/not what defineCell returned; define it first/);
});
