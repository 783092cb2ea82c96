/** `tune`, and the commands that use what it kept. Nothing is compiled here: test/tuning has the measuring. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { register as registerExplain } from "../../src/cli/explain.ts";
import { register as registerGenerate } from "../../src/cli/generate.ts";
import { register as registerInfo } from "../../src/cli/info.ts";
import { register as registerTune } from "../../src/cli/tune.ts";
import { Runtime, saveModel, startTraining, Vocabulary } from "../../src/node.ts";
import { keepTable } from "../../src/tuning/table-store.ts";
import { adapterKey, makeTable } from "../../src/tuning/tuning-table.ts";
import { runCommand } from "../support/command.ts";
import { askForAdapter } from "../support/environment.ts";
import { ownCache } from "../support/tuning-double.ts";

const found = await askForAdapter();
const cache = ownCache("tune-command");
beforeEach(() => rmSync(cache.folder, { recursive: true, force: true }));
afterAll(() => cache.restore());

const tune = (...args: string[]) => runCommand(registerTune, ["tune", ...args]);
const info = (...args: string[]) => runCommand(registerInfo, ["info", "--backend", "gpu", ...args]);
const explain = (...args: string[]) => runCommand(registerExplain, ["explain", ...args]);
const tooWide = (out: string) => out.split("\n").filter((line) => line.length > 80);
const records = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text));
/** Too little for any question. */
const noTime = ["--time-limit", "0.001"];

test("explain prints what the model of the hardware predicts beside each choice", async () => {
  const { out } = await explain("--train", "--steps", "4", "--batch", "2");
  const [, choices] = out.split(/^choices, with what the model of a discrete adapter predicts .*$/m);
  expect(choices).toMatch(
    /^ {2}recurrent B 2 words 32 gates 4 directions 1 back 0\n {4}ROWS 1, WORDS 32, SLICES 8: [\d.]+ µs$/m,
  );
  expect(choices).toMatch(
    /^ {2}matmul M 8 N 512 K 64 batches 1 results 4096\n {4}ROWS 4, COLUMNS 4, LANES 64, SHARED 1: [\d.]+ µs$/m,
  );
  expect(choices).toMatch(/^ {2}cross-entropy rows 8 length 64\n {4}LANES 1, ROWS 32$/m);
  expect(choices!.match(/matmul M 8 N 512 /g)).toHaveLength(1);
  const onWasm = await explain("--backend", "wasm");
  expect(onWasm.out).not.toContain("choices");
});

test("explain prints weight gradients in parts, and the choice of how many", async () => {
  const { out } = await explain("--train");
  expect(out).toMatch(/^ +dispatch {2}rnn R gradient: matmul-tiled \[128x1x1\]/m);
  expect(out).toMatch(/^ +dispatch {2}rnn R gradient, sum of parts: matmul \[1032x1x1\]/m);
  expect(out.match(/sum of parts: /g)).toHaveLength(3);
  expect(out).toMatch(/^ {2}weight-gradient M 512 N 128 K 2048 batches 1 results 65536\n {4}PARTS 8: [\d.]+ µs$/m);
});

test("explain --json has a record of each choice", async () => {
  const { out } = await explain("--steps", "4", "--batch", "2", "--json");
  const choices = records(out).filter(({ type }) => type === "choice");
  expect(choices).toContainEqual({
    ...{ type: "choice", hardware: "discrete", kernel: "recurrent", variant: { ROWS: 1, WORDS: 32, SLICES: 8 } },
    shape: { B: 2, words: 32, gates: 4, directions: 1, back: 0 },
    key: "recurrent B 2 words 32 gates 4 directions 1 back 0",
    predicted: expect.any(Number),
  });
});

test("without an adapter, tune says what to do", async () => {
  const before = process.env.WEBGPU_RNN_ADAPTER;
  process.env.WEBGPU_RNN_ADAPTER = "none";
  const { error } = await tune();
  if (before === undefined) delete process.env.WEBGPU_RNN_ADAPTER;
  else process.env.WEBGPU_RNN_ADAPTER = before;
  expect(error?.message).toMatch(/^no GPU: /);
});

describe.skipIf(!found.adapter)("on this machine's adapter", () => {
  test("tune says what it does for how long, and that nothing was kept", async () => {
    const { out, error, exitCode } = await tune(...noTime, "--steps", "3", "--batch", "2");
    expect([error, exitCode]).toEqual([undefined, 0]);
    expect(out).toMatch(/^tuning on \S/);
    expect(out).toMatch(/^a training step on T 3, B 2$/m);
    expect(out).toMatch(/^generating a character$/m);
    expect(out.match(/questions were not reached in [\d.e-]+ seconds/g)).toHaveLength(2);
    expect(out.match(/^0 choices in \d+ s, not kept$/gm)).toHaveLength(2);
    expect(tooWide(out)).toEqual([]);
    expect(() => readdirSync(cache.folder)).toThrow();
  });

  test("--json: a record of the start and one of each part; a model's own sizes", async () => {
    const runtime = await Runtime.open({ backend: "cpu" });
    const training = startTraining(runtime, {
      config: { cell: "gru", embeddingDim: 4, hiddenSize: 6, numLayers: 1 },
      vocabulary: Vocabulary.fromText("abc"),
      training: {
        window: 9,
        batch: 2,
        seed: 0,
        validationFraction: 0,
        text: `100-${"0".repeat(16)}`,
        optimizer: { name: "adam" },
      },
    });
    const folder = join(cache.folder, "..");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "tuned.safetensors");
    writeFileSync(file, await saveModel(runtime, training));
    runtime.dispose();
    const { out } = await tune(file, ...noTime, "--json", "--no-keep");
    expect(records(out)).toMatchObject([
      { type: "start", model: file, config: { cell: "gru", hiddenSize: 6, vocabSize: 3 }, T: 64, B: 32 },
      { type: "tuned", what: "a training step on T 64, B 32", questions: 0, table: { choices: {} } },
      { type: "tuned", what: "generating a character", questions: 0 },
    ]);
  });

  test("info and explain use what was kept, and --no-tuned leaves it out", async () => {
    const without = await info();
    expect(without.out).toMatch(/^tuned {5}no table is kept for [\s\S]*webgpu-rnn tune makes one$/m);
    const runtime = await Runtime.open({ backend: "gpu" });
    const adapter = adapterKey(runtime.info().adapter!);
    runtime.dispose();
    const key = "matmul M 8 N 512 K 64 batches 1 results 4096";
    await keepTable(
      adapter,
      makeTable(adapter, { [key]: { ROWS: 1, COLUMNS: 4, LANES: 16, SHARED: 1 }, "other N 1": "x" }),
    );
    const { out } = await info();
    expect(out).toMatch(/^tuned {5}1 kernel variants as webgpu-rnn tune measured/m);
    expect(out).toMatch(/"other N 1"/);
    expect(tooWide(out)).toEqual([]);
    expect(JSON.parse((await info("--json")).out)).toMatchObject({ tuned: { from: "kept", choices: 1 } });
    expect((await info("--no-tuned")).out).not.toMatch(/^tuned/m);
    const sizes = ["--train", "--limits", "adapter", "--steps", "4", "--batch", "2", "--json"];
    const chosen = async (...args: string[]) =>
      records((await explain(...sizes, ...args)).out).find((record) => record.key === key)?.variant;
    expect(await chosen()).toEqual({ ROWS: 1, COLUMNS: 4, LANES: 16, SHARED: 1 });
    expect(await chosen("--no-tuned")).not.toEqual({ ROWS: 1, COLUMNS: 4, LANES: 16, SHARED: 1 });
  });
});

test("commands that have nothing tuned take --no-tuned", async () => {
  const { error } = await runCommand(registerGenerate, ["generate", "no-such-file", "--backend", "wasm", "--no-tuned"]);
  expect(error?.message).toMatch(/no such file/);
});
