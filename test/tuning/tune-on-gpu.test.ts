/** Tuning on this machine's adapter. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, test } from "vitest";
import { LayerNorm, Linear, Module, Runtime, type Tensor, type TunedQuestion } from "../../src/node.ts";
import { keepTable } from "../../src/tuning/table-store.ts";
import { adapterKey, makeTable } from "../../src/tuning/tuning-table.ts";
import { askForAdapter } from "../support/environment.ts";
import { ownCache } from "../support/tuning-double.ts";

const cache = ownCache("tune-on-gpu");
afterAll(() => cache.restore());
const found = await askForAdapter();
beforeEach((context) => context.skip(!found.adapter, found.reason));

/** Kernels that take no seconds to compile where the driver keeps nothing. */
class Norm extends Module {
  norm = new LayerNorm({ normalizedShape: 40 });
  forward(x: Tensor) {
    return { y: this.norm.forward(x) };
  }
}
class Products extends Module {
  head = new Linear({ inFeatures: 5, outFeatures: 40 });
  forward(x: Tensor) {
    return { y: this.head.forward(x) };
  }
}

test("a model is tuned, and each variant that is compiled passes its check", async () => {
  const runtime = await Runtime.open({ backend: "gpu" });
  const before = runtime.memory().bytes;
  const tuned = await runtime.tune(new Norm(), { inputs: { x: [4, 3, 40] }, keep: false });
  expect(tuned.questions).toHaveLength(1);
  const [{ key, candidates }] = tuned.questions as [TunedQuestion];
  expect(key).toBe("layer-norm rows 8 length 32");
  expect(candidates.map(({ fault }) => fault)).toEqual([undefined, undefined]);
  for (const { microseconds } of candidates) expect(microseconds!.rounds).toBeGreaterThanOrEqual(3);
  expect(candidates[0]!.microseconds!.rounds).toBe(11);
  // The weights are the model's, and nothing else is left.
  expect(runtime.memory().bytes - before).toBe(runtime.memory().roles.parameter);
  runtime.dispose();
});

test("the next runtime uses what was kept, if it is told to", async () => {
  const constantsOf = async (runtime: Runtime) => {
    const model = new Products();
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [4, 3, 5] } },
      forward: ({ x }) => model.forward(x),
    });
    return program.plan.commands.map((command) => command.type === "dispatch" && command.constants);
  };
  const plain = await Runtime.open({ backend: "gpu", tuned: "kept" });
  expect(plain.info().tuned).toEqual({
    from: "kept",
    choices: 0,
    notes: [expect.stringMatching(/^no table is kept for .+ and version 0\.1\.0: runtime\.tune makes one$/)],
  });
  const builtIn = await constantsOf(plain);
  const name = adapterKey(plain.info().adapter!);
  const other = { ROWS: 1, COLUMNS: 4, LANES: 16, SHARED: 1 };
  expect(builtIn).not.toEqual([other]);
  const table = makeTable(name, { "matmul M 8 N 32 K 4 batches 1 results 256": other });
  await keepTable(name, table);
  for (const [tuned, from] of [
    ["kept", "kept"],
    [table, "given"],
  ] as const) {
    const next = await Runtime.open({ backend: "gpu", tuned });
    expect(next.info().tuned).toEqual({ from, choices: 1, notes: [] });
    expect(await constantsOf(next)).toEqual([other]);
    next.dispose();
  }
  const without = await Runtime.open({ backend: "gpu" });
  expect([without.info().tuned, await constantsOf(without)]).toEqual([undefined, builtIn]);
  for (const one of [plain, without]) one.dispose();
});

test("a kept file that is damaged is told and not used", async () => {
  const first = await Runtime.open({ backend: "gpu" });
  const place = await keepTable(adapterKey(first.info().adapter!), {});
  writeFileSync(place, "{");
  const runtime = await Runtime.open({ backend: "gpu", tuned: "kept" });
  expect(runtime.info().tuned).toMatchObject({
    choices: 0,
    notes: [expect.stringMatching(/^the kept table cannot be read: .+; runtime\.tune makes a new one$/)],
  });
  for (const one of [first, runtime]) one.dispose();
});

test("a table of another adapter is not used, and what is no table is refused", async () => {
  const runtime = await Runtime.open({
    backend: "gpu",
    tuned: makeTable("another", { "scan T 1 columns 1": "chunks" }),
  });
  expect(runtime.info().tuned).toMatchObject({
    choices: 0,
    notes: [expect.stringMatching(/^the table was made on another/)],
  });
  runtime.dispose();
  await expect(Runtime.open({ backend: "gpu", tuned: {} as never })).rejects.toThrow(/is no tuning table/);
  await expect(Runtime.open({ backend: "gpu", tuned: "always" as never })).rejects.toThrow(
    /expected "kept" or the table/,
  );
});
