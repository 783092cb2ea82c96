/** `webgpu-rnn import`: what it says of each kind of file, whatever its name, and what it writes. */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/index.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

const recorded = (path: string) => fileURLToPath(new URL(`../recorded/${path}`, import.meta.url));
const { at } = temporaryFolder();
const recordsOf = (stdout: string) =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("import", () => {
  test.each([
    ["pytorch/state-dict.pt", "a PyTorch state dict", "rnn.weight_hh_l0_reverse"],
    ["pytorch/views.legacy.pt", "a PyTorch state dict", "transposed"],
    ["keras/sequential.keras", "a Keras model", "layers.bidirectional.weight_hh_l0_reverse"],
    ["keras/recurrent.h5", "a Keras model", "layers.before.weight_hh_l0"],
    ["keras/sequential.weights.h5", "weights of a Keras model, without its description", "gru.weight_hh_l0"],
    ["onnx/lstm_batch_first.onnx", "an ONNX graph of pytorch 2.13.0, opset 9", "layers./LSTM.weight_hh_l0"],
  ])("of %s by its content", async (path, kind, name) => {
    const file = at("file.bin");
    copyFileSync(recorded(path), file);
    const out = at("model.safetensors");
    const { code, stdout } = await commandLine("import", file, "--out", out, "--json");
    expect(code).toBe(0);
    const records = recordsOf(stdout);
    expect(records[0]).toMatchObject({ type: "file", kind });
    expect(records.at(-1)).toMatchObject({ type: "written", path: out });
    const { tensors, metadata } = readSafetensors(readFileSync(out));
    expect(metadata.source).toBe(kind);
    expect(Object.keys(tensors)).toContain(name);
    const told = records.filter(({ type }) => type === "tensor");
    expect(Object.fromEntries(told.map((record) => [record.name, record.shape]))).toEqual(
      Object.fromEntries(Object.entries(tensors).map(([own, { shape }]) => [own, shape])),
    );
  });

  test("of a TensorFlow.js model takes its files from the folder", async () => {
    const { code, stdout } = await commandLine("import", recorded("tensorflow-js/functional.json"));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /a TensorFlow\.js LayersModel, 14 tensors, 122 numbers\ninputs source, target\noutputs joined, simple\n/,
    );
    expect(stdout).toMatch(/layers: encoder \(LSTM\), decoder \(LSTM\), conv \(Conv1D\)/);
    copyFileSync(recorded("tensorflow-js/functional.json"), at("model.json"));
    expect(await commandLine("import", at("model.json"))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("functional-shard1of2.bin"),
    });
  });

  test("of a checkpoint asks for the state dict", async () => {
    const path = recorded("pytorch/checkpoint.pt");
    const without = await commandLine("import", path);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('holds 2 state dicts, "model", "ema.shadow"; choose one with --key');
    const { stdout } = await commandLine("import", path, "--key", "ema.shadow");
    expect(stdout).toContain('a PyTorch checkpoint, its state dict "ema.shadow", 1 tensors');
    const wrong = await commandLine("import", path, "--key", "mdel");
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('there is no state dict "mdel"');
  });

  test("says the element types that a file had", async () => {
    const { stdout } = await commandLine("import", recorded("pytorch/types.pt"));
    expect(stdout).toMatch(/^bfloat16 +\[3\] +bfloat16 as float32$/m);
    expect(stdout).toMatch(/^int64 +\[3\] +int64 as int32$/m);
    expect(stdout).toMatch(/^float32 +\[4\] +float32$/m);
  });

  test("of safetensors writes them anew, and replaces a file with --force only", async () => {
    const [file, out] = [at("a.safetensors"), at("b.safetensors")];
    writeFileSync(file, writeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } }, { by: "hand" }));
    expect((await commandLine("import", file, "--out", out)).stdout).toContain("metadata: by");
    expect(await commandLine("import", file, "--out", out)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--force"),
    });
    expect((await commandLine("import", file, "--out", out, "--force")).code).toBe(0);
  });

  test("refuses what it does not know, and writes nothing", async () => {
    const [file, out] = [at("a.pt"), at("b.safetensors")];
    writeFileSync(file, "what a gate lets in");
    const { code, stderr } = await commandLine("import", file, "--out", out);
    expect(code).toBe(1);
    expect(stderr).toContain("is none of what can be imported");
    const refused = await commandLine("import", recorded("pytorch/whole-model.pt"), "--out", out);
    expect(refused.stderr).toContain("no code of a file is ever run");
    expect(await commandLine("import", recorded("keras/sequential.keras"), "--key", "a")).toMatchObject({ code: 2 });
    expect(existsSync(out)).toBe(false);
  });
});
