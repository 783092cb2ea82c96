import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readCase } from "../../src/cli/parity-case.ts";
import { runCase } from "../../src/cli/verify-case.ts";
import { Runtime } from "../../src/index.ts";
import { readSafetensors } from "../../src/io/safetensors.ts";
import { noTorch, pythonWithTorch } from "../support/pytorch.ts";

const script = fileURLToPath(new URL("../../python/from_pytorch.py", import.meta.url));
const shared = fileURLToPath(new URL("../../../shared/cases", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-cases-"));
afterAll(() => rmSync(folder, { recursive: true }));

function record(...given: string[]): { status: number | null; stderr: string } {
  return spawnSync(pythonWithTorch as string, [script, ...given], { encoding: "utf8" });
}

function read(path: string) {
  const { tensors, metadata } = readSafetensors(readFileSync(path), path);
  const shapes = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, `${data.constructor.name} ${shape}`]),
  );
  return { tensors, shapes, fields: JSON.parse(metadata.case as string) as Record<string, unknown> };
}

function recorded(name: string, ...given: string[]) {
  const path = join(folder, name);
  const [kind, ...options] = given;
  const { status, stderr } = record(kind as string, path, ...options);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return read(path);
}

describe("from_pytorch.py with PyTorch", () => {
  beforeEach((context) => {
    if (pythonWithTorch === undefined) context.skip(noTorch);
  });

  test("a sequence case has the fields and tensors of docs/cases.md", () => {
    const { shapes, fields } = recorded(
      "a.safetensors",
      "sequence",
      "--cell",
      "lstm",
      "--T",
      "5",
      "--B",
      "2",
      "--input-size",
      "3",
      "--hidden-size",
      "4",
      "--num-layers",
      "2",
      "--bidirectional",
      "--proj-size",
      "3",
      "--lengths",
      "2,5",
    );
    expect(fields).toEqual({
      kind: "sequence",
      cell: "lstm",
      T: 5,
      B: 2,
      inputSize: 3,
      hiddenSize: 4,
      numLayers: 2,
      bias: true,
      bidirectional: true,
      projSize: 3,
      lengths: [2, 5],
      initialState: true,
      loss: expect.any(String),
      layout: "[T,B,C]",
      source: expect.stringMatching(/^torch .* float64$/),
    });
    expect(shapes).toMatchObject({
      "input.x": "Float32Array 5,2,3",
      "input.h0": "Float32Array 4,2,3",
      "input.c0": "Float32Array 4,2,4",
      "weight.weight_ih_l1_reverse": "Float32Array 16,6",
      "gradout.cn": "Float32Array 4,2,4",
      "expected.y": "Float64Array 5,2,6",
      "expected.hn": "Float64Array 4,2,3",
      "expected.grad.x": "Float64Array 5,2,3",
      "expected.grad.weight_hr_l0": "Float64Array 3,4",
    });
  });

  test("a case without state and biases, and the same one again with its own weights", () => {
    const size = ["--cell", "rnn_relu", "--T", "3", "--B", "1", "--input-size", "2", "--hidden-size", "2"];
    const plain = recorded("b.safetensors", "sequence", ...size, "--no-bias", "--no-initial-state");
    expect(Object.keys(plain.shapes).sort()).toEqual([
      "expected.grad.weight_hh_l0",
      "expected.grad.weight_ih_l0",
      "expected.grad.x",
      "expected.hn",
      "expected.y",
      "gradout.hn",
      "gradout.y",
      "input.x",
      "weight.weight_hh_l0",
      "weight.weight_ih_l0",
    ]);
    const weights = ["--weights", join(folder, "b.safetensors"), "--prefix", "weight.", "--seed", "5"];
    const mine = recorded("c.safetensors", "sequence", ...size, "--no-bias", ...weights);
    expect(mine.tensors["weight.weight_hh_l0"]).toEqual(plain.tensors["weight.weight_hh_l0"]);
    expect(mine.tensors["input.x"]).not.toEqual(plain.tensors["input.x"]);
  });

  test("a train case has the fields and tensors of docs/cases.md", () => {
    const { tensors, shapes, fields } = recorded(
      "d.safetensors",
      "train",
      "--cell",
      "gru",
      "--T",
      "4",
      "--B",
      "2",
      "--steps",
      "3",
      "--hidden-size",
      "5",
      "--text",
      script,
      "--optimizer",
      "sgd",
      "--lr",
      "0.5",
      "--option",
      "momentum=0.9",
      "--option",
      "nesterov=true",
      "--clip-grad-norm",
      "0.5",
    );
    const V = fields.vocabSize;
    expect(fields).toEqual({
      kind: "train",
      cell: "gru",
      vocabSize: expect.any(Number),
      embeddingSize: 8,
      hiddenSize: 5,
      numLayers: 1,
      T: 4,
      B: 2,
      steps: 3,
      optimizer: "sgd",
      optimizerOptions: { lr: 0.5, momentum: 0.9, nesterov: true },
      clipGradNorm: 0.5,
      truncatedBPTT: expect.any(String),
      loss: expect.any(String),
      layout: expect.any(String),
      source: expect.any(String),
    });
    expect(shapes).toMatchObject({
      "weight.embedding.weight": `Float32Array ${V},8`,
      "weight.rnn.weight_ih_l0": "Float32Array 15,8",
      "weight.head.bias": `Float32Array ${V}`,
      "input.tokens": "Int32Array 13,2",
      "expected.losses": "Float64Array 3",
      "expected.gradNorms": "Float64Array 3",
      "expected.final.rnn.bias_hh_l0": "Float64Array 15",
    });
    expect(tensors["expected.losses"]?.data[0]).toBeGreaterThan(1);
  });

  test("without clipping there are no norms", () => {
    const { shapes, fields } = recorded("e.safetensors", "train", "--cell", "rnn_tanh", "--steps", "2", "--T", "2");
    expect(fields.clipGradNorm).toBeNull();
    expect(shapes).not.toHaveProperty(["expected.gradNorms"]);
  });

  // Nadam keeps a product of its momentums, which PyTorch rounds to its default type.
  test.each(["nadam", "rprop"])("a training with %s is what this library computes, in float64", async (optimizer) => {
    recorded("f.safetensors", "train", "--cell", "lstm", "--steps", "8", "--T", "5", "--optimizer", optimizer);
    using runtime = await Runtime.open({ backend: "cpu" });
    const results = await runCase(runtime, readCase(readFileSync(join(folder, "f.safetensors"))));
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBe(8);
  });

  test.each([
    [["sequence", "x", "--cell", "gru", "--proj-size", "2"], "only the cell lstm has projections"],
    [
      ["sequence", "x", "--cell", "gru", "--T", "4", "--lengths", "4,2,5"],
      "lengths are [4, 2, 5], expected 3 numbers from 1 to 4",
    ],
    [["train", "x", "--cell", "gru", "--option", "momentum"], "expected NAME=VALUE"],
    [["sequence", "missing/x", "--cell", "gru"], "No such file or directory"],
    [["again", script, "--out", folder], "is not a safetensors file"],
  ])("%j is refused", (given, message) => {
    const { status, stderr } = record(...given);
    expect(status).toBe(1);
    expect(stderr).toContain("from_pytorch: ");
    expect(stderr).toContain(message);
  });

  test("the weights of any model: batch norm's counter, half precision, shared and transposed weights", () => {
    const code = `
import torch
from torch import nn
torch.manual_seed(3)
model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.LSTM(2, 4, bidirectional=True), nn.Linear(3, 2))
model[3].weight = model[0].weight
model[1].half()
model[3].bias.data = torch.arange(4.0).reshape(2, 2).t()[1]
torch.save(model.state_dict(), ${JSON.stringify(join(folder, "m.pt"))})
torch.save({"epoch": 3, "net": model.state_dict()}, ${JSON.stringify(join(folder, "ck.pt"))})
torch.save(model, ${JSON.stringify(join(folder, "whole.pt"))})
print(model[2].weight_hh_l0_reverse[15, 3].item(), model[0].weight[1, 0].item())`;
    const made = spawnSync(pythonWithTorch as string, ["-W", "ignore", "-c", code], { encoding: "utf8" });
    expect(made.stderr).toBe("");
    const [hidden, shared] = made.stdout.trim().split(" ").map(Number);
    const out = join(folder, "m.safetensors");
    expect(record("weights", join(folder, "m.pt"), out)).toMatchObject({ status: 0, stderr: "" });
    const { tensors, metadata } = readSafetensors(readFileSync(out), out);
    expect(metadata).toEqual({ format: "pt" });
    expect(tensors["1.num_batches_tracked"]).toEqual({ shape: [], data: Int32Array.of(0) });
    expect(tensors["1.running_var"]).toEqual({ shape: [2], data: Float32Array.of(1, 1) });
    expect(tensors["2.weight_hh_l0_reverse"]).toMatchObject({ shape: [16, 4] });
    expect(tensors["2.weight_hh_l0_reverse"]!.data.at(-1)).toBe(hidden);
    expect(tensors["0.weight"]).toEqual(tensors["3.weight"]);
    expect(tensors["0.weight"]!.data[3]).toBe(shared);
    expect(tensors["3.bias"]!.data).toEqual(Float32Array.of(1, 3));

    const part = join(folder, "lstm.safetensors");
    const options = ["--key", "net", "--prefix", "2."];
    expect(record("weights", join(folder, "ck.pt"), part, ...options)).toMatchObject({ status: 0, stderr: "" });
    expect(readSafetensors(readFileSync(part), part).tensors.bias_ih_l0).toEqual(tensors["2.bias_ih_l0"]);
    expect(record("weights", join(folder, "ck.pt"), part).stderr).toContain(
      "with the state dicts net; choose one with",
    );
    expect(record("weights", join(folder, "whole.pt"), part).stderr).toMatch(/^from_pytorch: .*\(a whole model.*\n$/);
  });

  const known = existsSync(shared) ? readdirSync(shared).filter((name) => name.endsWith(".safetensors")) : [];
  test("recording the known cases again gives what they hold", (context) => {
    if (known.length === 0) context.skip("there is no ../shared/cases");
    const out = join(folder, "again");
    expect(record("again", ...known.map((name) => join(shared, name)), "--out", out).stderr).toBe("");
    for (const name of known) {
      const old = read(join(shared, name));
      const again = read(join(out, basename(name)));
      expect(again.shapes).toEqual(old.shapes);
      expect({ ...again.fields, source: "" }).toEqual({ ...old.fields, source: "" });
      for (const [key, { data }] of Object.entries(old.tensors)) {
        const recordedAgain = again.tensors[key]?.data ?? [];
        let worst = 0;
        for (const [i, x] of data.entries()) worst = Math.max(worst, Math.abs(x - (recordedAgain[i] as number)));
        expect(worst, `${name}: ${key}`).toBeLessThan(1e-10);
      }
    }
  });
});
