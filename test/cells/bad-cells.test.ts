/** Cells that are refused: by defineCell, by a layer, and when a plan with their WGSL is loaded. */
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { checkCellDefinition } from "../../src/cells/cell.ts";
import { builtInCells } from "../../src/cells/index.ts";
import { wordOfWgsl, wordsOfWgsl } from "../../src/cells/wgsl-words.ts";
import {
  type Cell,
  CellError,
  checkCell,
  defineCell,
  IndRNN,
  MGU,
  OptionError,
  Recurrent,
  Runtime,
  SLSTM,
  SRU,
} from "../../src/index.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { adapterForTests } from "../support/environment.ts";
import { errorOf, expectErrors, mistake, wrong } from "../support/mistakes.ts";

const { device, found } = await adapterForTests();
const gpu = device && (await Runtime.open({ device }));
afterAll(() => gpu?.dispose());

const source = `fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  var saved: Saved;
  saved.a = x.a + r.a;
  return Forward(State(saved.a), saved);
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  var grads: Saved;
  grads.a = grad.h;
  return Backward(grads, State(Real(0.0)));
}`;

/** A cell that adds up, with something else. */
const adder = (change: object = {}): Cell => ({
  name: "adder",
  gates: ["a"],
  states: ["h"],
  fragment: { source },
  forward: (x, r) => ({ state: { h: x.a! + r.a! }, saved: { a: x.a! + r.a! } }),
  backward: (_saved, _prev, grad) => ({ grads: { a: grad.h! }, state: { h: 0 } }),
  ...change,
});
const intermediate = (change: object = {}) =>
  adder({
    gates: ["a", "b"],
    intermediate: { gates: 1, forward: () => 0, backward: () => ({ grads: {}, state: {} }), ...change },
  });

describe("defineCell refuses", () => {
  const refused = (name: string, says: RegExp, change: object) =>
    mistake(name, OptionError, says, () => defineCell(adder(change)));
  expectErrors([
    mistake("nothing", OptionError, /^a cell needs a name, got undefined$/, () => defineCell(wrong<Cell>(undefined))),
    refused("no name", /^a cell needs a name, got ""$/, { name: "" }),
    refused("a name that is taken", /^cell "lstm" is defined already; choose another name$/, { name: "lstm" }),
    refused("an unknown member", /^cell "adder" has "gate"; a cell consists of name, fragment, gates/, { gate: ["a"] }),
    refused("no gates", /needs at least one gate and one state/, { gates: [] }),
    refused("no states", /needs at least one gate and one state/, { states: [] }),
    refused("gates that are no list", /has gates "a", expected a list of names/, { gates: "a" }),
    refused("a name that WGSL does not take", /has "a-b" among its gates; a name is letters and digits/, {
      gates: ["a-b"],
    }),
    refused("a state that is no name", /has 1 among its states/, { states: ["h", 1] }),
    refused("a gate twice", /names one of its gates twice: a, a/, { gates: ["a", "a"] }),
    refused("one name for two slots", /uses "a" for two things/, { kept: ["a"] }),
    refused("more separate than gates", /sets 2 separate products but has only 1 gates/, { separate: ["b", "c"] }),
    refused(
      "a keyword of WGSL",
      /^cell "adder" has "var" among its gates, which is a keyword of WGSL; choose another/,
      {
        gates: ["var"],
      },
    ),
    refused("a reserved word of WGSL", /has "from" among its states, which is a reserved word of WGSL/, {
      states: ["h", "from"],
    }),
    refused("a learned vector that is one", /has "final" among its learned, which is a reserved word of WGSL/, {
      learned: [{ name: "final" }],
    }),
    refused("a kept value that is one", /has "target" among its kept, which is a reserved word/, { kept: ["target"] }),
    refused("learned vectors by name only", /^cell "adder": learned\[1\] is "w", expected \{ name: "w" \}$/, {
      learned: [{ name: "u" }, "w"],
    }),
    refused("a learned vector that is nothing", /: learned\[0\] is null, expected \{ name: "…" \}$/, {
      learned: [null],
    }),
    refused("a learned vector without a name", /has undefined among its learned; a name is/, { learned: [{}] }),
    refused("a learned vector's start", /starts "u" with "zeros", expected a number, \[low, high\] or "uniform"/, {
      learned: [{ name: "u", initial: "zeros" }],
    }),
    refused("a range from above", /starts "u" with \[1, 0\]/, { learned: [{ name: "u", initial: [1, 0] }] }),
    refused("a state dict's name", /gives "u" the stateName "a b"/, { learned: [{ name: "u", stateName: "a b" }] }),
    refused("no maths", /needs forward and backward, its maths on the CPU/, { forward: undefined }),
    refused("a switch that is none", /has recurrent "no", expected true or false/, { recurrent: "no" }),
    refused("a prelude that is no text", /has a prelude that is no string/, { prelude: 1 }),
    refused("WGSL as a string", /has its WGSL as a string; write it as fragment: \{ source: … \}/, {
      fragment: source,
    }),
    refused("an empty fragment", /has fragment \{ source: "" \}, expected \{ source: … \}/, {
      fragment: { source: "" },
    }),
    refused("separate parts without R", /has no R \(recurrent: false\), so it can have neither/, {
      recurrent: false,
      separate: ["b"],
    }),
    mistake("an intermediate product of all gates", OptionError, /gives 2 of its 2 gates an intermediate product/, () =>
      defineCell(intermediate({ gates: 2 })),
    ),
    mistake(
      "half an intermediate product",
      OptionError,
      /has an intermediate product without forward and backward/,
      () => defineCell(intermediate({ backward: undefined })),
    ),
    mistake("an intermediate product and separate products", OptionError, /a cell can have only one of them/, () =>
      defineCell({ ...intermediate(), separate: ["c"] }),
    ),
  ]);

  test.each(testCells)("nothing of $name, as the package defines it", (cell) => {
    expect(() => checkCellDefinition(cell)).not.toThrow();
  });

  test("and leaves the name free", () => {
    expect(defineCell(adder()).name).toBe("adder");
  });

  test.each([...new Set(builtInCells().map(({ name }) => name.replace(/\(.*/, "")))])(
    "names of the kind %s, which the package makes when it needs them",
    (kind) => {
      for (const name of [kind, `${kind}(with an option)`])
        expect(() => defineCell(adder({ name }))).toThrow(`cell "${name}" is defined already; choose another name`);
      expect(defineCell(adder({ name: `my ${kind}` })).name).toBe(`my ${kind}`);
    },
  );
});

describe("layers refuse", () => {
  const sizes = { inputSize: 2, hiddenSize: 4 };
  expectErrors([
    mistake(
      "a cell that was not defined",
      OptionError,
      /^Recurrent: cell is "lstm", expected what defineCell returns$/,
      () => new Recurrent(wrong({ ...sizes, cell: "lstm" })),
    ),
    mistake(
      "heads without R",
      OptionError,
      /^SRU: numHeads divides R, and the cell "sru" has no R; it is 2, leave it out$/,
      () => new SRU({ ...sizes, numHeads: 2 }),
    ),
    mistake(
      "recurrent dropout without R",
      OptionError,
      /^IndRNN: recurrentDropout drops what R reads/,
      () => new IndRNN({ ...sizes, recurrentDropout: 0.5 }),
    ),
    mistake(
      "a pair of activations for one direction",
      OptionError,
      /^IndRNN: activation has an activation for each/,
      () => new IndRNN({ ...sizes, activation: ["Relu", "Tanh"] }),
    ),
    mistake(
      "another layer's option",
      OptionError,
      /^MGU has no option "layerNorm"/,
      () => new MGU(wrong({ ...sizes, layerNorm: true })),
    ),
    mistake(
      "another forget gate",
      OptionError,
      /^SLSTM: forgetGate is "relu", expected "sigmoid" or "exponential"$/,
      () => new SLSTM(wrong({ ...sizes, forgetGate: "relu" })),
    ),
    mistake(
      "to learn a normaliser",
      OptionError,
      /^SLSTM: learnedInitialState would learn n as well/,
      () => new SLSTM({ ...sizes, learnedInitialState: true }),
    ),
    mistake(
      "zoneout of m alone",
      OptionError,
      /zoneout of c and n and m is 0 and 0 and 0.5; these states only make sense/,
      () => new SLSTM({ ...sizes, zoneout: { c: 0, n: 0, m: 0.5 } }),
    ),
  ]);
});

describe("a plan with WGSL that is wrong", () => {
  beforeEach((context) => context.skip(!gpu, found.reason));
  let count = 0;

  /** What loading a plan says of the cell `broken N`. */
  async function loading(change: object, kind: typeof CellError | typeof OptionError = CellError): Promise<string> {
    const cell = defineCell(adder({ ...change, name: `broken ${count++}` }));
    const layer = new Recurrent({ cell, inputSize: 2, hiddenSize: 4 });
    const error = await errorOf(() =>
      gpu!.compile(layer, {
        inputs: { x: { shape: [2, 1, 2] } },
        forward: ({ x }) => ({ y: layer.forward(x!).output }),
        seeds: ["y"],
        gradients: ["x"],
      }),
    );
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(new RegExp(`^cell "${cell.name}"`));
    return (error as Error).message.replace(/^cell "[^"]*":? ?/, "");
  }
  const withLine = (line: number, text: string) => {
    const lines = source.split("\n");
    lines[line - 1] = text;
    return { fragment: { source: lines.join("\n") } };
  };

  test.each([
    [
      "a name that is unknown",
      3,
      "  saved.a = x.a + s.a;",
      /^its WGSL does not compile:\nline 3:\d+: .*s\b[\s\S]*\n {4}saved\.a = x\.a \+ s\.a;/,
    ],
    ["a gate that is not there", 8, "  grads.a = grad.c;", /^its WGSL does not compile:\nline 8:\d+: .*c\b/],
    ["what is no WGSL", 4, "  return Forward(State(saved.a), saved;", /^its WGSL does not compile:\nline 4:\d+: /],
    ["another type", 9, "  return Forward(State(Real(0.0)), grads);", /^its WGSL does not compile:\nline 9:\d+: /],
    [
      "an include that is not there",
      3,
      '  // #include "lib/tanh.wgsl"',
      /^line 3 of its WGSL: there is no shader file "lib\/tanh\.wgsl" \(there are: (lib\/[\w-]+\.wgsl(, )?){5,}\)$/,
    ],
    [
      "an include that nothing uses",
      3,
      '// #include "lib/activations.wgsl"',
      /^line 3 of its WGSL: the include of "lib\/activations\.wgsl" is unused: it declares [\w, ]*\bsigmoid, /,
    ],
    [
      "an include without quotes",
      3,
      "// #include lib/activations.wgsl",
      /^line 3 of its WGSL: #include takes "a\/file\.wgsl" in quotes/,
    ],
    ["an unknown directive", 3, "// #import lib", /^line 3 of its WGSL: there is no directive #import/],
  ])("names the line: %s", async (_, line, text, says) => {
    expect(await loading(withLine(line, text))).toMatch(says);
  });

  test.each([
    ["a scalar in place of four", "  saved.a = 0.0;"],
    ["a function of both", "  saved.a = max(x.a, 0.0);"],
    ["a comparison", "  saved.a = select(r.a, x.a, x.a > 0);"],
    ["a condition", "  if (x.a > Real(0.0)) { saved.a = x.a; }"],
    ["four in place of a scalar", "  let a: f32 = x.a;"],
  ])("says what a Real is: %s", async (_, text) => {
    expect(await loading(withLine(3, text))).toMatch(
      /^its WGSL does not compile:\nline 3:\d+: [\s\S]*\na Real is four units: write Real\(0\.0\), choose with select\(\)$/,
    );
  });

  test("says it only there", async () => {
    expect(await loading(withLine(3, "  saved.a = x.a + s.a;"))).not.toMatch(/a Real is/);
    expect(await loading(withLine(3, "  let a: f32 = 1u;"))).not.toMatch(/a Real is/);
  });

  test("is refused for the names that defineCell refuses", async () => {
    const compiles = async (member: string) => {
      device!.pushErrorScope("validation");
      device!.createShaderModule({ code: `struct Gates { ${member}: f32 }` });
      return (await device!.popErrorScope()) === null;
    };
    // Words of TypeScript and of WGSL's own types, which may name a member.
    for (const name of ["f32", "vec4f", "array", "function", "value", "in", "reset", "forget", "state", "work"]) {
      expect([name, await compiles(name)]).toEqual([name, true]);
      expect(wordOfWgsl(name)).toBeUndefined();
    }
    expect(wordsOfWgsl.length).toBeGreaterThan(150);
    for (const name of wordsOfWgsl) expect([name, await compiles(name)]).toEqual([name, false]);
  });

  test("says what the engine calls, where the fragment is right in itself and does not fit", async () => {
    const fragment = {
      source: source.replaceAll("-> Forward", "-> State").replace("Forward(State(saved.a), saved)", "State(saved.a)"),
    };
    expect(await loading({ fragment })).toMatch(
      /^its WGSL does not fit:\nrecurrent-forward\.wgsl:\d+:\d+: [\s\S]*; the engine calls\n {4}fn cellForward\(x: Gates, r: Gates, prev: State, p: Learned\) -> Forward\n {4}fn cellBackward/,
    );
  });

  test("says which functions are missing", async () => {
    const [forward, backward] = source.split("fn cellBackward") as [string, string];
    expect(await loading({ fragment: { source: forward } })).toBe(
      "its WGSL lacks fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward; add what is missing",
    );
    expect(await loading({ fragment: { source: `// fn cellForward()\nfn cellBackward${backward}` } })).toMatch(
      /^its WGSL lacks fn cellForward\(/,
    );
    expect(await loading(intermediate())).toMatch(
      /^its WGSL lacks fn cellIntermediate\(.*\) -> Real and fn cellIntermediateBackward\(/,
    );
  });

  test("says that a cell without WGSL runs on the CPU only, where it does run", async () => {
    expect(await loading({ fragment: undefined }, OptionError)).toBe(
      'has no WGSL, so it runs on the CPU only; give it a fragment, or open the runtime with { backend: "wasm" }',
    );
    const cell = defineCell(adder({ fragment: undefined, name: "for the CPU" }));
    expect((await checkCell(cell)).derivatives).toBeGreaterThan(0);
    const refused = await errorOf(() => checkCell(cell, { runtime: gpu! }));
    expect(refused).toBeInstanceOf(OptionError);
  });

  test("leaves the runtime as it was", async () => {
    await loading(withLine(3, "  saved.a = ;"));
    const right = defineCell(adder({ name: "right after wrong" }));
    expect((await checkCell(right, { runtime: gpu! })).byWgsl).toBeGreaterThan(0);
  });
});
