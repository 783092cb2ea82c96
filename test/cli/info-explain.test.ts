import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import { CharModel, charModelCells } from "../../src/char-model/char-model.ts";
import { saveCheckpoint, saveModel, startTraining } from "../../src/char-model/checkpoint.ts";
import { planOf, register as registerExplain } from "../../src/cli/explain.ts";
import { register as registerInfo } from "../../src/cli/info.ts";
import { Vocabulary } from "../../src/data/vocabulary.ts";
import { FileFormatError, LimitError, NoAdapterError, OptionError } from "../../src/errors.ts";
import { chooseVariant } from "../../src/kernels/choose-variant.ts";
import { adam, countPlan, printPlan, Runtime, type Target } from "../../src/node.ts";
import { openBackend } from "../../src/open-backend.ts";
import { runCommand } from "../support/command.ts";

const adapter = process.env.WEBGPU_RNN_ADAPTER;
const withoutGpu = () => {
  process.env.WEBGPU_RNN_ADAPTER = "none";
};
afterEach(() => {
  if (adapter === undefined) delete process.env.WEBGPU_RNN_ADAPTER;
  else process.env.WEBGPU_RNN_ADAPTER = adapter;
});

const found = await findNodeAdapter();
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tooWide = (out: string) => out.split("\n").filter((line) => line.length > 80);

describe("webgpu-rnn info", () => {
  const info = (...args: string[]) => runCommand(registerInfo, ["info", ...args]);

  test("with a GPU: which adapter, why, what it can", async (context) => {
    if (!found.adapter) context.skip(found.reason);
    const { out, error } = await info("--backend", "gpu");
    expect(error).toBeUndefined();
    expect(out).toMatch(/^webgpu-rnn \d+\.\d+\.\d+, Node \d+\.\d+\.\d+, \w+ \w+, webgpu \(Dawn\) \d+\.\d+\.\d+$/m);
    expect(out).toMatch(/^backend {3}gpu$/m);
    expect(out).toMatch(/^adapter {3}\S/m);
    expect(out).toMatch(/^why {7}\S/m);
    expect(out).toMatch(/^tried {5}1\. /m);
    expect(out).toMatch(/^ {10}maxStorageBufferBindingSize +\d+ {2}\d\S* [MG]iB$/m);
    expect(tooWide(out)).toEqual([]);
  });

  test("--json with a GPU: one record", async (context) => {
    if (!found.adapter) context.skip(found.reason);
    const { out } = await info("--backend", "gpu", "--json");
    const record = JSON.parse(out) as Record<string, unknown>;
    expect(out.trim()).not.toContain("\n");
    expect(record).toMatchObject({
      versions: { "webgpu-rnn": expect.any(String), node: process.versions.node, webgpu: expect.any(String) },
      backend: "gpu",
      adapter: { software: found.info?.software },
      reason: expect.any(String),
      limits: { maxComputeInvocationsPerWorkgroup: expect.any(Number) },
    });
    expect((record.candidates as unknown[]).length).toBeGreaterThan(0);
  });

  test("without one: WebAssembly, and why", async () => {
    withoutGpu();
    const { out, error, exitCode } = await info();
    expect([error, exitCode]).toEqual([undefined, 0]);
    expect(out).toMatch(/^backend {3}wasm: WebAssembly with SIMD, in float32$/m);
    expect(out).toMatch(/^why {7}WebAssembly, because no adapter was looked for, because the choice is\n {10}"none"$/m);
    expect(JSON.parse((await info("--json")).out)).toMatchObject({ backend: "wasm", candidates: [] });
    expect(tooWide(out)).toEqual([]);
  });

  test("with a software adapter that nobody asked for: WebAssembly, and what else there is", async (context) => {
    if (!found.info?.software) context.skip(found.info ? "there is a GPU" : found.reason);
    process.env.WEBGPU_RNN_ADAPTER = "auto";
    const { backend, reason } = JSON.parse((await info("--json")).out);
    expect(backend).toBe("wasm");
    expect(reason).toMatch(/^WebAssembly, because no GPU was found \(tried: .*\); backend "gpu" takes \S/);
  });

  test("insists on what it is told", async () => {
    expect((await info("--backend", "cpu")).out).toMatch(/^backend {3}cpu: the kernels' twins in float64, slow$/m);
    withoutGpu();
    const { error } = await info("--backend", "gpu");
    expect(error?.message).toBe(
      'no GPU: no adapter was looked for, because the choice is "none"; use { backend: "wasm" }',
    );
  });
});

describe("webgpu-rnn explain", () => {
  const explain = (...args: string[]) => runCommand(registerExplain, ["explain", ...args]);

  /** Numbers of the printed totals. */
  const totals = (out: string) => {
    const [, dispatches, copies, clears] = /(\d+) dispatches, (\d+) copies, (\d+) clears/.exec(out) ?? [];
    return { dispatches: Number(dispatches), copies: Number(copies), clears: Number(clears) };
  };

  test("forward: the plan with its totals and the limits that were assumed, without a GPU", async () => {
    withoutGpu();
    const { out, error } = await explain("--steps", "20", "--batch", "3");
    expect(error).toBeUndefined();
    expect(out).toMatch(/^lstm, V 96, E 64, H 128, L 1, 117856 parameters; forward on T 20, B 3$/m);
    expect(out).toMatch(/assumed: WebGPU's default limits on a hardware GPU, at most 128\.0 MiB/);
    expect(out).toMatch(/^plan "forward"$/m);
    // All steps in one.
    expect(out).toMatch(/^ {7}1 x recurrent-forward$/m);
    expect(out).toMatch(/step 0 to 19/);
    expect(out).not.toMatch(/backward|adam/);
    const { dispatches } = totals(out);
    // Embedding and head besides what the layer itself may have.
    expect(dispatches).toBeGreaterThanOrEqual(3);
    expect(dispatches).toBeLessThanOrEqual(1 + 4 + 2);
  });

  test.each(charModelCells)("--train with %s: forward, backward and update", async (cell) => {
    const sizes = [
      "--cell",
      cell,
      "--layers",
      "2",
      "--hidden-size",
      "12",
      "--embedding-dim",
      "5",
      "--vocab-size",
      "30",
    ];
    const { out, error } = await explain(
      "--steps",
      "10",
      "--batch",
      "4",
      "--train",
      "--optimizer",
      "rmsprop",
      ...sizes,
    );
    expect(error).toBeUndefined();
    expect(out).toMatch(
      new RegExp(`^${cell}, V 30, E 5, H 12, L 2, \\d+ parameters; one training step with rmsprop`, "m"),
    );
    expect(out).toMatch(/^ {7}2 x recurrent-forward$/m);
    expect(out).toMatch(/^ {7}2 x recurrent-backward$/m);
    expect(out).toMatch(/^ {7}1 x rmsprop$/m);
    expect(totals(out).dispatches).toBeLessThanOrEqual(2 * 2 + 2 * 16);
  });

  test("the plan is the one that a trainer runs", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const options = { vocabSize: 20, cell: "gru", embeddingDim: 6, hiddenSize: 10, numLayers: 2 } as const;
    const trained = await runtime.trainer(new CharModel(options), { optimizer: adam() }).plan({ T: 7, B: 3 });
    const target: Target = { maxBufferSize: 2 ** 36, maxWorkgroups: 65535, software: true };
    const onPaper = await planOf(new CharModel(options), { T: 7, B: 3, target, optimizer: { name: "adam" } });
    expect(printPlan(onPaper)).toBe(printPlan(trained));
    expect(countPlan(onPaper)).toEqual(countPlan(trained));
    expect(onPaper).toEqual(trained);
    runtime.dispose();
  });

  test("of files: a checkpoint's own window, batch and optimizer, and a model's sizes", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const settings = { window: 9, batch: 2, seed: 0, validationFraction: 0, text: `100-${"0".repeat(16)}` };
    const training = startTraining(runtime, {
      config: { cell: "rnn_tanh", embeddingDim: 4, hiddenSize: 6, numLayers: 1 },
      vocabulary: Vocabulary.fromText("abcdefg 한국어"),
      training: { ...settings, optimizer: { name: "adagrad" } },
    });
    const checkpoint = join(folder, "checkpoint.safetensors");
    const plain = join(folder, "model.safetensors");
    writeFileSync(checkpoint, await saveCheckpoint(training));
    writeFileSync(plain, await saveModel(runtime, training));
    runtime.dispose();

    const own = await explain(checkpoint, "--train");
    expect(own.error).toBeUndefined();
    expect(own.out).toMatch(/^rnn_tanh, V 11, E 4, H 6, L 1, \d+ parameters; one training step with adagrad/m);
    expect(own.out).toMatch(/T\s+9,\s+B\s+2$/m);
    expect(own.out).toMatch(/^ {7}1 x recurrent-backward$/m);
    const given = await explain(plain, "--steps", "5", "--batch", "1");
    expect(given.out).toMatch(/; forward on T 5, B 1$/m);
    const both = await explain(plain, "--hidden-size", "5", "--vocab-size", "3");
    expect(both.error).toBeInstanceOf(OptionError);
    expect(both.error?.message).toMatch(/leave out hiddenSize, vocabSize, or the file/);
  });

  test("--limits adapter plans for this machine", async (context) => {
    if (!found.adapter) context.skip(found.reason);
    const { out, error } = await explain("--steps", "3", "--limits", "adapter");
    expect(error).toBeUndefined();
    expect(out).toContain(`for ${found.adapter?.info.description.split(" ")[0]}`);
    expect(out).not.toContain("assumed");
  });

  test("--limits adapter chooses as a runtime on this machine does", async (context) => {
    if (!found.adapter) context.skip(found.reason);
    const { backend } = await openBackend({ backend: "gpu" });
    const { out } = await explain(
      "--train",
      "--steps",
      "4",
      "--batch",
      "32",
      "--limits",
      "adapter",
      "--no-tuned",
      "--json",
    );
    const choices = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter(({ type }) => type === "choice");
    expect(choices.map(({ kernel }) => kernel)).toContain("recurrent-block");
    for (const { kernel, shape, variant } of choices)
      expect([kernel, shape, variant]).toEqual([kernel, shape, chooseVariant(backend.target, kernel, shape)]);
    backend.dispose();
  });

  test("--backend wasm says which dispatches are native", async () => {
    const sizes = ["--steps", "3", "--batch", "2", "--hidden-size", "4", "--train", "--backend", "wasm"];
    const { out, error } = await explain(...sizes);
    expect(error).toBeUndefined();
    expect(out).toMatch(/^for WebAssembly/m);
    expect(out).toMatch(/^ {9}dispatch {2}native {2}head: matmul /m);
    expect(
      out
        .match(/^ {2}(\d+) native, (\d+) by twins$/m)!
        .slice(1)
        .map(Number)
        .reduce((a, b) => a + b),
    ).toBe(totals(out).dispatches);
    const records = (await explain(...sizes, "--json")).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records[0]).toMatchObject({ type: "plan", backend: "wasm", adapter: null });
    for (const { type, kernel, runs } of records.slice(1)) {
      if (type === "dispatch") expect([kernel, runs]).toEqual([kernel, expect.stringMatching(/^(native|twin)$/)]);
      else expect(runs).toBeUndefined();
    }
    const both = await explain("--backend", "wasm", "--limits", "adapter");
    expect(both.error).toBeInstanceOf(OptionError);
    expect(both.error?.message).toBe("explain: --limits adapter is only of use with --backend gpu");
  });

  test("what cannot be explained", async () => {
    const text = fileURLToPath(new URL("../../README.md", import.meta.url));
    expect((await explain(text)).error).toBeInstanceOf(FileFormatError);
    const huge = await explain("--hidden-size", "20000");
    expect(huge.error).toBeInstanceOf(LimitError);
    expect(huge.error?.message).toMatch(/GiB .*128\.0 MiB/);
    expect((await explain("--optimizer", "sgd")).error?.message).toMatch(/only of use with --train/);
    expect((await explain("--steps", "0")).error?.message).toMatch(/whole number of at least 1/);
    expect((await explain("--cell", "indrnn")).error?.message).toMatch(/Allowed choices are lstm/);
    withoutGpu();
    expect((await explain("--limits", "adapter")).error).toBeInstanceOf(NoAdapterError);
  });
});
