/** docs/custom-cell.md: its code runs as it stands there, and what it makes is right; the engine knows nothing of its cell. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";
import { checkCell, type FullCell, type Module, Runtime, type StateDict } from "../src/node.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(join(root, "docs", "custom-cell.md"), "utf8");
const code = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("\n");

interface Page {
  readonly fastGRNN: FullCell;
  readonly runtime: Runtime;
  readonly checked: { readonly derivatives: number; readonly onGpu: number };
  readonly model: Module;
  readonly losses: readonly number[];
  readonly generated: readonly number[];
  readonly streamed: readonly (readonly number[])[];
  readonly both: StateDict;
}

const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-page-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "page.ts");
writeFileSync(file, code.replaceAll('"webgpu-rnn"', JSON.stringify(join(root, "src", "node.ts"))));
const made: Page = await import(/* @vite-ignore */ pathToFileURL(file).href);
afterAll(() => made.runtime.dispose());

describe(`the page's code on the ${made.runtime.backend}`, () => {
  test("passes its check, on the GPU if there is one", () => {
    expect(made.checked.derivatives).toBeGreaterThan(200);
    expect(made.checked.onGpu > 0).toBe(made.runtime.backend === "gpu");
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

  test("has a cell that passes on the CPU too", async () => {
    const cpu = await Runtime.open({ backend: "cpu" });
    expect(await checkCell(made.fastGRNN, { runtime: cpu, seed: 9 })).toMatchObject({ onGpu: 0 });
    cpu.dispose();
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

test("the page's code has the types of the package", () => {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
    },
    ...{
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ["node", "@webgpu/types"],
      typeRoots: [join(root, "node_modules", "@types"), join(root, "node_modules")],
    },
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const program = ts.createProgram([file], options);
  const faults = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
  expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
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
