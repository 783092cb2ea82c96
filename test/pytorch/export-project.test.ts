/** The files of a PyTorch project, and what is refused. They run in export-training.test.ts, where there is PyTorch. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  CharModel,
  makeTraining,
  modelFile,
  Runtime,
  readCheckpoint,
  readSafetensors,
  saveTraining,
  Vocabulary,
  writeSafetensors,
} from "../../src/index.ts";
import { exportPyTorch } from "../../src/pytorch/index.ts";
import { commandLine, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";

const decoded = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const { at } = temporaryFolder();

/** A training of the command line that stopped. */
async function trainedFile(...options: string[]): Promise<Uint8Array> {
  writeFileSync(at("rhyme.txt"), rhyme);
  const { code } = await train(at("rhyme.txt"), "--out", at("m.safetensors"), "--steps", "6", ...options, ...small);
  expect(code).toBe(0);
  return readFileSync(at("m.safetensors"));
}

describe("exportPyTorch", () => {
  test("makes a project that goes on, of a training", async () => {
    const file = await trainedFile("--cell", "lstm", "--num-layers", "2");
    const project = exportPyTorch(file, { text: rhyme });
    expect(Object.keys(project).sort()).toEqual([
      "checkpoint.py",
      "model.py",
      "model.safetensors",
      "optimizers.py",
      "schedules.py",
      "text.txt",
      "train.py",
      "training.safetensors",
    ]);
    const { config, weights } = readCheckpoint(file);
    expect(decoded(project["model.py"])).toContain("self.rnn = nn.LSTM(8, 24, num_layers=2)");
    expect(decoded(project["model.py"])).toContain(`self.head = nn.Linear(24, ${config.vocabSize})`);
    expect(readSafetensors(project["model.safetensors"]!).tensors).toEqual(weights);
    expect(readCheckpoint(project["training.safetensors"]!).progress?.step).toBe(6);
    expect(decoded(project["text.txt"])).toBe(rhyme);
    expect(decoded(project["train.py"])).toBe(
      readFileSync(new URL("../../python/project/train.py", import.meta.url), "utf8"),
    );
  });

  test.each([
    ["gru", "nn.GRU(8, 4)"],
    ["rnn_tanh", "nn.RNN(8, 4)"],
    ["rnn_relu", 'nn.RNN(8, 4, nonlinearity="relu")'],
  ] as const)("of weights alone makes the model: %s", async (cell, layer) => {
    const vocabulary = Vocabulary.fromText("ab");
    const model = new CharModel({ vocabSize: 2, cell, embeddingDim: 8, hiddenSize: 4 });
    const runtime = await Runtime.open({ backend: "cpu" });
    runtime.initialize(model, { seed: 1 });
    const file = modelFile({ config: model.options, vocabulary, weights: await runtime.stateDict(model) });
    runtime.dispose();
    const project = exportPyTorch(file);
    expect(Object.keys(project)).toEqual(["model.py", "model.safetensors", "checkpoint.py"]);
    expect(decoded(project["model.py"])).toContain(`self.rnn = ${layer}\n`);
  });

  test("refuses another text, a task's file, and what is no model of ours", async () => {
    const file = await trainedFile();
    expect(() => exportPyTorch(file, { text: `${rhyme}!`, name: "m" })).toThrow(
      /^m: was trained on another text \(fingerprint .+\); give the same files/,
    );
    const runtime = await Runtime.open({ backend: "cpu" });
    const training = makeTraining(runtime, new CharModel({ vocabSize: 2 }), { optimizer: { name: "sgd" } });
    runtime.initialize(training.model, { seed: 1 });
    const task = await saveTraining(training, { task: "SequenceClassifier" });
    runtime.dispose();
    expect(() => exportPyTorch(task, { name: "m" })).toThrow(
      /^m: is the training of a SequenceClassifier; a PyTorch project is made of a character model .+writeSafetensors/,
    );
    const other = writeSafetensors({ a: { shape: [1], data: Float32Array.of(1) } });
    expect(() => exportPyTorch(other, { name: "m" })).toThrow(/^m: is not a character model of webgpu-rnn/);
    expect(() => exportPyTorch(file, { texts: "" } as never)).toThrow(/texts/);
  });
});

describe("webgpu-rnn export --to pytorch", () => {
  beforeAll(() => {
    process.env.NO_COLOR = "1";
  });

  test("writes the project into a folder, and says how to go on", async () => {
    await trainedFile();
    const out = at("out");
    const ran = await commandLine("export", at("m.safetensors"), out, "--to", "pytorch", "--text", at("rhyme.txt"));
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain(`${out}: model.py, model.safetensors`);
    expect(ran.stdout).toContain("torchrun --nproc-per-node 4");
    expect(readFileSync(`${out}/text.txt`, "utf8")).toBe(rhyme);
    const again = await commandLine("export", at("m.safetensors"), out, "--to", "pytorch");
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toMatch(/is not empty \(.+\); name another folder, or write into it with --force/);
    const forced = await commandLine("export", at("m.safetensors"), out, "--to", "pytorch", "--force");
    expect(forced.code).toBe(0);
    expect(forced.stdout).toContain("export again with --text");
  });

  test("refuses another text, a folder that cannot be, and writes nothing then", async () => {
    await trainedFile();
    writeFileSync(at("other.txt"), "other");
    const out = at("out");
    const ran = await commandLine("export", at("m.safetensors"), out, "--to", "pytorch", "--text", at("other.txt"));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("was trained on another text");
    expect(existsSync(out)).toBe(false);
    mkdirSync(at("folder"));
    writeFileSync(at("folder/file"), "");
    const below = await commandLine("export", at("m.safetensors"), at("folder/file/out"), "--to", "pytorch");
    expect(below.code).toBe(1);
    expect(below.stderr).toMatch(/cannot be made.+choose another place/);
    expect((await commandLine("export", at("m.safetensors"), out, "--to", "keras")).code).toBe(2);
    expect((await commandLine("export", at("none.safetensors"), out, "--to", "pytorch")).stderr).toContain("none");
  });
});
