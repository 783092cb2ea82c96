/** The files that python/from_pytorch.py writes, on machines without PyTorch: with a stand-in of it. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { readSafetensors } from "../../src/io/safetensors.ts";
import { temporaryFolder } from "../support/command-line.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { at } = temporaryFolder();
const python = [process.env.PYTHON, "python3"].find((name) => name && spawnSync(name, ["-c", ""]).status === 0);
const environment = {
  ...process.env,
  PYTHONPATH: [`${root}python`, `${root}test/support/torch-stand-in`].join(delimiter),
};
const call = (...args: string[]) =>
  spawnSync(python as string, ["-B", ...args], { encoding: "utf8", env: environment, cwd: root });
const script = (...args: string[]) => call("python/from_pytorch.py", ...args);

/** Runs Python in which tensors can be made, and gives what it wrote. */
function saved(state: string) {
  const code = `import torch\nfrom torch import Tensor\nfrom from_pytorch import save_weights\nsave_weights(${JSON.stringify(at("w"))}, ${state})`;
  const { status, stderr } = call("-c", code);
  return { status, stderr, ...(status === 0 && readSafetensors(readFileSync(at("w")), "w")) };
}

describe("the package", () => {
  test("has the script, and docs/cases.md names it where it lies", () => {
    const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      shell: process.platform === "win32",
    });
    const paths = (JSON.parse(packed) as { files: { path: string }[] }[])[0]!.files.map(({ path }) => path);
    expect(paths).toContain("python/from_pytorch.py");
    const text = readFileSync(`${root}docs/cases.md`, "utf8");
    const named = [...text.matchAll(/node_modules\/webgpu-rnn\/([\w./-]+)/g)].map(([, path]) => path);
    expect(named).toContain("python/from_pytorch.py");
    for (const path of named) expect(paths).toContain(path);
    expect(text).not.toMatch(/\bscripts\//); // not in the package
  });
});

describe("from_pytorch.py without PyTorch", () => {
  beforeEach((context) => {
    if (python === undefined) context.skip("no Python was found; set PYTHON to one");
  });

  test("every kind of number, any shape, in a file that is read back", () => {
    const { stderr, tensors, metadata } = saved(`{
      "half": Tensor([0x3c00, 0xc000, 0x7bff], [3], torch.float16),
      "w": Tensor([1.5, -2, 3, 4, 5, 6], [2, 3], torch.float32),
      "exact": Tensor([0.1], [1, 1], torch.float64),
      "brain": Tensor([0x3f80], [1], torch.bfloat16),
      "steps": Tensor([7], [], torch.int64),
      "ids": Tensor([-1, 2], [2], torch.int32),
      "mask": Tensor([1, 0], [2], torch.bool),
      "bytes": Tensor([255], [1], torch.uint8),
      "signed": Tensor([-128], [1], torch.int8),
      "short": Tensor([-32768], [1], torch.int16),
      "none": Tensor([], [0, 4], torch.float32),
      "한글": Tensor([9], [1], torch.float32),
    }`);
    expect(stderr).toBe("");
    expect(metadata).toEqual({ format: "pt" });
    const read = Object.entries(tensors!).map(([name, { shape, data }]) => [
      name,
      shape,
      data.constructor.name,
      ...data,
    ]);
    expect(read.sort()).toEqual(
      [
        ["half", [3], "Float32Array", 1, -2, 65504],
        ["w", [2, 3], "Float32Array", 1.5, -2, 3, 4, 5, 6],
        ["exact", [1, 1], "Float64Array", 0.1],
        ["brain", [1], "Float32Array", 1],
        ["steps", [], "Int32Array", 7],
        ["ids", [2], "Int32Array", -1, 2],
        ["mask", [2], "Int32Array", 1, 0],
        ["bytes", [1], "Int32Array", 255],
        ["signed", [1], "Int32Array", -128],
        ["short", [1], "Int32Array", -32768],
        ["none", [0, 4], "Float32Array"],
        ["한글", [1], "Float32Array", 9],
      ].sort(),
    );
  });

  test.each([
    ['{"x": 3}', "x is a int, and only tensors can be written"],
    ['{"x": Tensor([1], [1], torch.complex64)}', "x is a tensor of torch.complex64"],
    ['{"x": Tensor([1], [1], torch.float32, torch.sparse_coo)}', "x is a tensor of torch.float32, torch.sparse_coo"],
    ['{"x": Tensor([1], [1], torch.float32, device="meta")}', "convert it, or leave it out"],
  ])("%s is refused, and nothing is written", (state, message) => {
    const { status, stderr } = saved(state);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(existsSync(at("w"))).toBe(false);
  });

  test("weights: a state dict, a checkpoint's, a part of one", () => {
    writeFileSync(at("m.pt"), '{"rnn.w": [1, 2], "head.b": [3]}');
    writeFileSync(at("ck.pt"), '{"epoch": 3, "model": {"module.w": [4]}, "ema": {"module.w": [5]}}');
    const { status, stdout } = script("weights", at("m.pt"), at("m.safetensors"));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^rnn\.w +F32 +\[2\]\nhead\.b +F32 +\[1\]\n$/);
    const read = (name: string) =>
      Object.fromEntries(
        Object.entries(readSafetensors(readFileSync(at(name)), name).tensors).map(([key, { data }]) => [
          key,
          [...data],
        ]),
      );
    expect(read("m.safetensors")).toEqual({ "rnn.w": [1, 2], "head.b": [3] });
    expect(script("weights", at("m.pt"), at("r.safetensors"), "--prefix", "rnn.").status).toBe(0);
    expect(read("r.safetensors")).toEqual({ w: [1, 2] });
    expect(script("weights", at("ck.pt"), at("e.safetensors"), "--key", "ema", "--prefix", "module.").status).toBe(0);
    expect(read("e.safetensors")).toEqual({ w: [5] });
  });

  test.each([
    [
      "a checkpoint",
      '{"epoch": 3, "model": {"w": [4]}}',
      [],
      "with the state dicts model; choose one with --key model",
    ],
    [
      "another key",
      '{"model": {"w": [4]}}',
      ["--key", "net"],
      "has no state dict under the key 'net'; there are model",
    ],
    ["a whole model", "pickle", [], "is not a state dict (a whole model"],
    ["an empty file of values", '{"epoch": 3}', [], "is not a state dict; save one with torch.save(model.state_dict()"],
    ["another prefix", '{"a.w": [1], "b.w": [2]}', ["--prefix", "c."], "starts with 'c.'; the names are a.w, b.w"],
  ])("weights: %s is refused in one line", (_, content, options, message) => {
    writeFileSync(at("m.pt"), content);
    const { status, stderr } = script("weights", at("m.pt"), at("out"), ...options);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^from_pytorch: .*\n$/);
    expect(stderr).toContain(message);
    expect(existsSync(at("out"))).toBe(false);
  });

  test("weights: a file that is missing, and one that would replace itself", () => {
    expect(script("weights", at("no.pt"), at("out")).stderr).toMatch(/^from_pytorch: .*No such file.*no\.pt/);
    writeFileSync(at("m.pt"), '{"w": [1]}');
    expect(script("weights", at("m.pt"), at("m.pt")).stderr).toContain("would be replaced");
    expect(readFileSync(at("m.pt"), "utf8")).toBe('{"w": [1]}');
  });
});
