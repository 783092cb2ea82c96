/** Files that PyTorch wrote, against what PyTorch reads in them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LSTM, Module, Runtime, type Tensor } from "../../src/index.ts";
import { type PyTorchTensor, type PyTorchValue, readPyTorch } from "../../src/pytorch/index.ts";

const folder = new URL("../recorded/pytorch/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

/** A value as scripts/record_pytorch_files.py writes it. */
type Described =
  | { dtype: string; shape: number[]; data: (number | boolean)[] }
  | { dict: Record<string, Described> }
  | { list: Described[] }
  | { bytes: number[] }
  | { plain: unknown };
const recorded = (name: string): Described => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));

function check(value: PyTorchValue | undefined, expected: Described): void {
  if ("dict" in expected) {
    expect(Object.keys(value as object)).toEqual(Object.keys(expected.dict));
    for (const [name, one] of Object.entries(expected.dict)) check((value as Record<string, PyTorchValue>)[name], one);
  } else if ("list" in expected) {
    expect(value).toHaveLength(expected.list.length);
    for (const [i, one] of expected.list.entries()) check((value as PyTorchValue[])[i], one);
  } else if ("bytes" in expected) expect(value).toEqual(Uint8Array.from(expected.bytes));
  else if ("plain" in expected) expect(value).toEqual(expected.plain);
  else {
    const { dtype, shape, data } = value as PyTorchTensor;
    expect({ dtype, shape, data: [...Array.from(data)] }).toEqual({ ...expected, data: expected.data.map(Number) });
  }
}

describe("files of torch.save", () => {
  test.each([
    ["state-dict.pt", "state-dict"],
    ["state-dict.legacy.pt", "state-dict"],
    ["state-dict.protocol-3.pt", "state-dict"],
    ["state-dict.protocol-4.pt", "state-dict"],
    ["state-dict.protocol-5.pt", "state-dict"],
    ["types.pt", "types"],
    ["views.pt", "views"],
    ["views.legacy.pt", "views"],
    ["checkpoint.pt", "checkpoint"],
  ])("%s", (file, name) => {
    check(readPyTorch(bytesOf(file)).value, recorded(name));
  });

  test("arrays are those of the element types", () => {
    const types = readPyTorch(bytesOf("types.pt")).stateDict();
    const arrays = Object.fromEntries(Object.entries(types).map(([name, { data }]) => [name, data.constructor.name]));
    expect(arrays).toEqual({
      float32: "Float32Array",
      float64: "Float64Array",
      float16: "Float32Array",
      bfloat16: "Float32Array",
      int64: "Int32Array",
      int32: "Int32Array",
      int16: "Int32Array",
      int8: "Int32Array",
      uint8: "Int32Array",
      bool: "Int32Array",
      uint16: "Int32Array",
      uint32: "Float64Array",
    });
  });

  test("tied weights are one tensor", () => {
    const { base, tied, row } = readPyTorch(bytesOf("views.pt")).stateDict();
    expect(tied).toBe(base);
    expect(row).not.toBe(base);
  });
});

describe("state dicts in a checkpoint", () => {
  test("are found by their paths; an optimizer's moments are none", () => {
    const file = readPyTorch(bytesOf("checkpoint.pt"), "run.pt");
    expect(Object.keys(file.stateDicts)).toEqual(["model", "ema.shadow"]);
    expect(Object.keys(file.stateDict("ema.shadow"))).toEqual(["head.weight"]);
    expect(() => file.stateDict()).toThrow('run.pt: holds 2 state dicts, "model", "ema.shadow"; say which one');
    expect(() => file.stateDict("mode")).toThrow('there is no state dict "mode"; there are "model", "ema.shadow"');
    expect(file.value).toMatchObject({ epoch: 3, optimizer: { param_groups: [{ lr: 0.01 }] } });
  });

  test("of a file that is one has no path", () => {
    const file = readPyTorch(bytesOf("state-dict.pt"));
    expect(Object.keys(file.stateDicts)).toEqual([""]);
    expect(file.stateDict("")).toEqual(file.stateDict());
    expect(() => file.stateDict("model")).toThrow('there are "" (the whole file)');
  });

  test("load into a model of ours", async () => {
    class Model extends Module {
      rnn = new LSTM({ inputSize: 4, hiddenSize: 3, bidirectional: true });
      forward(x: Tensor) {
        return { y: this.rnn.forward(x).output };
      }
    }
    const runtime = await Runtime.open({ backend: "cpu" });
    const model = new Model();
    const all = readPyTorch(bytesOf("state-dict.pt")).stateDict();
    const own = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith("rnn.")));
    runtime.loadStateDict(model, own);
    const after = await runtime.stateDict(model);
    for (const [name, { data }] of Object.entries(own)) expect([...after[name]!.data]).toEqual([...data]);
    runtime.dispose();
  });
});
