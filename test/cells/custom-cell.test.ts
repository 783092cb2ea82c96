/** docs/custom-cell.md: its code runs as it stands there, and what it makes is right; the engine knows nothing of its cell. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import {
  CellError,
  checkCell,
  defineCell,
  type FullCell,
  type Module,
  Recurrent,
  Runtime,
  type StateDict,
  type Tensor,
} from "../../src/node.ts";
import { askForAdapter } from "../support/environment.ts";
import { runPage } from "../support/page-code.ts";

interface Page {
  readonly fastGRNN: FullCell;
  readonly runtime: Runtime;
  readonly checked: { readonly derivatives: number; readonly byWgsl: number };
  readonly model: Module;
  readonly losses: readonly number[];
  readonly generated: readonly number[];
  readonly streamed: readonly (readonly number[])[];
  readonly both: StateDict;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
await askForAdapter();
const { text: page, made, typeFaults } = await runPage<Page>("custom-cell.md");
afterAll(() => made.runtime.dispose());

describe(`the page's code on the ${made.runtime.backend}`, () => {
  test("passes its check", () => {
    expect(made.checked.derivatives).toBeGreaterThan(200);
    expect(made.checked.byWgsl).toBeGreaterThan(0);
    if (process.env.REQUIRE_GPU === "1") expect(made.runtime.backend).toBe("gpu");
  });

  test("learns the text, and says it", () => {
    expect(made.losses[0]).toBeGreaterThan(0.9);
    expect(made.losses.at(-1)).toBeLessThan(0.3);
    expect(made.generated).toEqual([2, 0, 0, 1, 2, 0, 0, 1, 2]);
  });

  test("does what the paper says, step by step and with lengths", async () => {
    const weights = await made.runtime.stateDict(made.model);
    const logits = equations(weights, [0, 0, 1, 2, 0, 0]);
    expect(made.streamed).toHaveLength(6);
    const [all, last] = [made.both.logits!, made.both.last!];
    logits.rows.forEach((row, t) => {
      row.forEach((value, v) => {
        expect(made.streamed[t]![v]).toBeCloseTo(value, 3);
        expect(all.data[t * 6 + v]).toBeCloseTo(value, 3);
      });
    });
    // The second sequence ends after three steps.
    const short = equations(weights, [0, 0, 1]).last;
    for (const [l, h] of short.entries())
      for (const [u, value] of h.entries()) expect(last.data[(l * 2 + 1) * 18 + u]).toBeCloseTo(value, 4);
  });

  test("has a cell that passes on WebAssembly and on the CPU too", async () => {
    for (const backend of ["wasm", "cpu"] as const) {
      const runtime = await Runtime.open({ backend });
      const { byWgsl } = await checkCell(made.fastGRNN, { runtime, seed: 9 });
      expect(byWgsl > 0).toBe(backend === "wasm");
      runtime.dispose();
    }
  });
});

/** The page's model by the equations of the paper: two layers and the head, plain loops. */
function equations(weights: StateDict, tokens: readonly number[]): { rows: number[][]; last: number[][] } {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const row = (name: string, i: number, n: number) => Array.from(weights[name]!.data.slice(i * n, (i + 1) * n));
  const times = (name: string, v: readonly number[]) => {
    const n = v.length;
    return Array.from({ length: weights[name]!.data.length / n }, (_, i) =>
      row(name, i, n).reduce((sum, w, k) => sum + w * v[k]!, 0),
    );
  };
  const layers = [0, 1].map((l) => ({ l, h: new Array<number>(18).fill(0) }));
  const rows = tokens.map((token) => {
    let x = row("embedding.weight", token, 8);
    for (const layer of layers) {
      const of = (name: string, u: number) => weights[`rnn.${name}_l${layer.l}`]!.data[u]!;
      const [wx, rh] = [times(`rnn.weight_ih_l${layer.l}`, x), times(`rnn.weight_hh_l${layer.l}`, layer.h)];
      layer.h = layer.h.map((before, u) => {
        const a = wx[u]! + rh[u]!;
        const z = sigmoid(a + of("bias_z", u));
        const n = Math.tanh(a + of("bias_h", u));
        return (sigmoid(of("zeta", u)) * (1 - z) + sigmoid(of("nu", u))) * n + z * before;
      });
      x = layer.h;
    }
    return times("head.weight", x).map((v, i) => v + weights["head.bias"]!.data[i]!);
  });
  return { rows, last: layers.map(({ h }) => h) };
}

test("the page's code has the types of the package, as strictly as `tsc --init` asks for", () => {
  expect(
    typeFaults({
      isolatedModules: true,
      verbatimModuleSyntax: true,
      noUncheckedSideEffectImports: true,
      declaration: true,
    }),
  ).toEqual([]);
});

test("the page lists the activations of lib/activations.wgsl, each with its derivative", () => {
  const wgsl = readFileSync(join(root, "shaders", "lib", "activations.wgsl"), "utf8");
  const calls = [...wgsl.matchAll(/^fn (\w+)\(([^)]*)\)/gm)].map(
    ([, name, parameters]) => `${name}(${parameters!.replaceAll(/: \w+/g, "")})`,
  );
  const derivatives = calls.filter((call) => /^\w+Derivative\(/.test(call));
  const rows = derivatives.map((call) => {
    const of = call.replace("Derivative(y", "(x");
    expect(calls).toContain(of);
    return `| \`${of}\` | \`${call}\` |`;
  });
  expect([...page.matchAll(/^\| `\w+\(.*?\)` \| `\w+Derivative\(.*?\)` \|/gm)].map(([row]) => row)).toEqual(rows);
  expect(rows.length).toBeGreaterThan(5);
});

describe("a typing mistake in a cell does not compile", () => {
  const lists = { gates: ["a", "b"], states: ["h", "c"], learned: [{ name: "k" }], kept: ["m"] } as const;
  const complaint = (cell: FullCell) =>
    checkCell(cell).then(
      () => "",
      (error: unknown) => {
        expect(error).toBeInstanceOf(CellError);
        return (error as Error).message.replace(/^cell "[^"]*": /, "").split("\n  ");
      },
    );

  test("where names are read, and checkCell says so too", async () => {
    const cell = defineCell({
      ...lists,
      name: "reads other names",
      forward(x, r, prev, learned) {
        const gates: number = x.a + x.b + r.a + r.b + prev.h + prev.c + learned.k;
        // @ts-expect-error no gate
        x.aa;
        // @ts-expect-error no gate either: kept
        r.m;
        // @ts-expect-error no state
        prev.q;
        // @ts-expect-error no learned vector
        learned.a;
        return { state: { h: gates, c: 0 }, saved: { a: gates, m: 0 } };
      },
      backward(saved, prev, grad) {
        const sum: number = saved.a + saved.b + saved.k + saved.m + prev.c + grad.c;
        // @ts-expect-error no slot
        saved.h;
        // @ts-expect-error no state
        grad.a;
        return { grads: { a: sum }, state: { h: 0, c: 0 } };
      },
    });
    expect(await complaint(cell)).toEqual([
      "forward reads x.aa, which is none of a, b",
      "forward reads r.m, which is none of a, b",
      "forward reads prev.q, which is none of h, c",
      "forward reads learned.a, which is none of k",
    ]);
  });

  test("where names are returned, and checkCell says so too", async () => {
    const forward = (x: { a: number }) => ({ state: { h: x.a, c: 0 }, saved: { a: x.a } });
    const other = defineCell({
      ...lists,
      name: "returns another slot",
      // @ts-expect-error no slot
      forward: (x) => ({ state: { h: x.a, c: 0 }, saved: { a: x.a, mm: 0 } }),
      backward: () => ({ grads: {}, state: { h: 0, c: 0 } }),
    });
    expect(await complaint(other)).toEqual(["forward returns saved.mm, which is none of a, b, k, m"]);
    const none = defineCell({
      ...lists,
      name: "returns a state too few",
      // @ts-expect-error no c
      forward: (x) => ({ state: { h: x.a }, saved: {} }),
      backward: () => ({ grads: {}, state: { h: 0, c: 0 } }),
    });
    expect(await complaint(none)).toEqual(["forward returns no state.c"]);
    const gradient = defineCell({
      ...lists,
      name: "returns another gradient",
      forward,
      // @ts-expect-error no slot
      backward: (saved) => ({ grads: { ...saved, kk: 0 }, state: { h: 0, c: 0 } }),
    });
    expect(await complaint(gradient)).toEqual(["backward returns grads.kk, which is none of a, b, k, m"]);
    defineCell({
      ...lists,
      name: "returns a gradient too few",
      forward,
      // @ts-expect-error no c
      backward: () => ({ grads: {}, state: { h: 0 } }),
    });
  });

  test("in an intermediate product", async () => {
    const cell = defineCell({
      ...lists,
      name: "reads other names in its intermediate product",
      intermediate: {
        gates: 1,
        // @ts-expect-error no state
        forward: (x, prev, learned) => x.a * prev.h * learned.k * prev.q,
        backward: (saved, prev, grad) => ({ grads: { ...saved, a: grad * prev.h + saved.m }, state: { h: 0, c: 0 } }),
      },
      forward: (x) => ({ state: { h: x.a, c: 0 }, saved: {} }),
      backward: (saved) => ({ grads: saved, state: { h: 0, c: 0 } }),
    });
    expect((await complaint(cell))[0]).toBe("intermediate.forward reads prev.q, which is none of h, c");
  });

  test("where a layer's states are read", async () => {
    const cell = defineCell({
      ...lists,
      name: "of two states",
      forward: (x) => ({ state: { h: x.a, c: x.b }, saved: {} }),
      backward: (_saved, _prev, grad) => ({ grads: { a: grad.h, b: grad.c }, state: { h: 0, c: 0 } }),
    });
    const cpu = await Runtime.open({ backend: "cpu" });
    const layer = new Recurrent({ cell, inputSize: 1, hiddenSize: 2 });
    const program = await cpu.compile(layer, {
      inputs: { x: { shape: [1, 1, 1] } },
      forward({ x }) {
        const { state } = layer.forward(x);
        const [h, c]: [Tensor, Tensor] = [state.h, state.c];
        // @ts-expect-error no such state
        expect(state.q).toBeUndefined();
        // @ts-expect-error states have other names
        expect(() => layer.forward(x, { h, q: c })).toThrow(/state has h, q, expected \{ h, c \}/);
        return { h, c };
      },
    });
    expect((await program.run({ x: { shape: [1, 1, 1], data: Float32Array.of(1) } })).h.shape).toEqual([1, 1, 2]);
    cpu.dispose();
  });

  test("but lists that are made at run time take any name", async () => {
    const gates: string[] = ["a"];
    const cell = defineCell({
      name: "made at run time",
      gates,
      states: ["h"],
      forward: (x) => ({ state: { h: x.a! }, saved: { a: 0 } }),
      backward: (_saved, _prev, grad) => ({ grads: { a: grad.h }, state: { h: 0 } }),
    });
    expect((await complaint(cell))[0]).toMatch(/^d h \/ d r\.a: backward says/);
  });
});

test("no file of the library names the page's cell", () => {
  const files = ["src", "shaders"].flatMap((part) =>
    readdirSync(join(root, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((name) => /fast-?grnn/i.test(readFileSync(name, "utf8")))).toEqual([]);
});
