import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, type TestContext, test } from "vitest";
import { register, verifyFile } from "../../src/cli/verify.ts";
import { type Aspect, bounds, compare } from "../../src/cli/verify-case.ts";
import { DataError, NoAdapterError } from "../../src/errors.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import type { StateDict } from "../../src/tensor-data.ts";
import { runtimesForTests } from "../support/backends.ts";
import { runCommand } from "../support/command.ts";

const recorded = fileURLToPath(new URL("../recorded/cases", import.meta.url));
const shared = fileURLToPath(new URL("../../../shared/cases", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { found, onEach, runtimes } = await runtimesForTests();
const { cpu, gpu } = runtimes;
const skipWithoutGpu = (context: TestContext) => {
  if (!gpu) context.skip(found.reason);
};

const casesIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".safetensors")) : [];

onEach(({ kind: backend }) => {
  const runtime = runtimes[backend];
  describe.each([
    ["recorded", recorded],
    ["shared", shared],
  ])("%s cases", (kind, path) => {
    const files = casesIn(path);
    if (files.length === 0) test("each case", (context) => context.skip(`there are no ${kind} cases at ${path}`));
    test.each(files)("%s", async (file) => {
      const { status, reason, backends } = await verifyFile(join(path, file), [runtime]);
      const results = Object.values(backends).flatMap(({ tensors }) => tensors);
      const failures = results.filter(({ ok }) => !ok);
      expect({ status, reason, failures }).toEqual({ status: "pass", reason: undefined, failures: [] });
      expect(results.length).toBeGreaterThan(3);
    });
  });
});

/** A recorded case with something changed, as a file. */
function changed(
  name: string,
  change: (parts: { tensors: StateDict; fields: Record<string, unknown> }) => void,
  to = `changed-${name}`,
): string {
  const { tensors, metadata } = readSafetensors(readFileSync(join(recorded, `${name}.safetensors`)));
  const parts = { tensors: { ...tensors }, fields: JSON.parse(metadata.case as string) as Record<string, unknown> };
  change(parts);
  const path = join(folder, `${to}.safetensors`);
  writeFileSync(path, writeSafetensors(parts.tensors, { case: JSON.stringify(parts.fields) }));
  return path;
}

const shift = (tensors: StateDict, name: string, by: number) => {
  tensors[name]!.data[0]! += by;
};

describe("compare", () => {
  const tensor = (...values: number[]) => ({ shape: [values.length], data: Float64Array.from(values) });
  const worst = (aspect: Aspect, backend: "gpu" | "cpu", actual: number[], expected: number[]) => {
    const { ok, element, bound } = compare(
      { name: "t", aspect, actual: tensor(...actual), expected: tensor(...expected) },
      bounds[backend][aspect],
    );
    return { ok, element, bound };
  };

  test.each<[Aspect, "gpu" | "cpu", number, number]>([
    ["forward", "gpu", 3, 4e-5],
    ["forward", "gpu", 0, 1e-5],
    ["gradient", "gpu", 3, 5e-4], // of the largest entry, which is 5
    ["history", "gpu", 3, 3e-3],
    ["final", "gpu", 3, 1e-3],
    ["forward", "cpu", 3, 1e-9],
    ["gradient", "cpu", 3, 1e-9],
    ["history", "cpu", 3, 1e-9],
    ["final", "cpu", 3, 1e-9],
  ])("%s on %s: around %d the bound is %d", (aspect, backend, value, bound) => {
    expect(worst(aspect, backend, [5, value + bound * 0.99], [5, value])).toMatchObject({ ok: true, element: 1 });
    const beyond = worst(aspect, backend, [5, value - bound * 1.01], [5, value]);
    expect(beyond).toMatchObject({ ok: false, element: 1 });
    expect(beyond.bound).toBeCloseTo(bound, 12);
  });

  test("the worst is what is furthest beyond its own bound, not the largest error", () => {
    expect(worst("forward", "gpu", [1000.005, 2e-5], [1000, 0])).toMatchObject({ ok: false, element: 1 });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%d fails, even where the bound is 0", (value) => {
    expect(worst("gradient", "gpu", [0, value], [0, 0])).toMatchObject({ ok: false, element: 1 });
    expect(worst("forward", "cpu", [1e9, value, 0], [0, 0, 0]).ok).toBe(false);
  });

  test("a gradient that is zero throughout must be zero", () => {
    expect(worst("gradient", "gpu", [0, 0], [0, 0]).ok).toBe(true);
    expect(worst("gradient", "gpu", [0, 1e-30], [0, 0]).ok).toBe(false);
  });
});

describe("a wrong number fails", () => {
  test.each<[string, string, number]>([
    ["gru_2layer", "expected.y", 2e-9],
    ["gru_2layer", "expected.hn", -2e-9],
    ["lstm_2layer_bidirectional", "expected.cn", 2e-9],
    ["gru_2layer", "expected.grad.h0", 2e-9],
    ["rnn_tanh", "expected.grad.weight_hh_l0", 2e-9],
    ["rnn_tanh", "gradout.hn", 1e-5],
    ["train_rnn_adagrad", "expected.losses", 2e-9],
    ["train_rnn_adagrad", "expected.gradNorms", 2e-9],
    ["train_rnn_adagrad", "expected.final.head.bias", 2e-9],
  ])("%s with %s off by %d, on the CPU", async (name, tensor, by) => {
    const path = changed(name, ({ tensors }) => shift(tensors, tensor, by));
    const { status, backends: results } = await verifyFile(path, [cpu]);
    expect(status).toBe("fail");
    const failing = results.cpu?.tensors.filter(({ ok }) => !ok).map((result) => `expected.${result.name}`);
    if (tensor.startsWith("expected.")) expect(failing).toEqual([tensor]);
    else expect(failing?.length).toBeGreaterThan(0);
  });

  test("on the GPU within float32's bounds, and beyond them", async (context) => {
    skipWithoutGpu(context);
    const near = changed("gru_2layer", ({ tensors }) => shift(tensors, "expected.y", 2e-6));
    expect((await verifyFile(near, [gpu])).status).toBe("pass");
    const far = changed("gru_2layer", ({ tensors }) => shift(tensors, "expected.grad.x", 1e-2));
    const { status, backends: results } = await verifyFile(far, [gpu, cpu]);
    expect(status).toBe("fail");
    expect(results.gpu?.tensors.filter(({ ok }) => !ok)).toMatchObject([{ name: "grad.x", element: 0 }]);
    expect(results.cpu?.status).toBe("fail");
  });

  test("a token beyond the vocabulary", async () => {
    const path = changed("train_rnn_adagrad", ({ tensors }) => shift(tensors, "input.tokens", 1000));
    const { status, backends: results } = await verifyFile(path, [cpu]);
    expect([status, results.cpu?.reason]).toEqual(["fail", expect.stringContaining("10")]);
  });
});

describe("a case that is not understood is refused", () => {
  type Change = Parameters<typeof changed>[1];
  const field =
    (name: string, value: unknown): Change =>
    ({ fields }) => {
      fields[name] = value;
    };
  test.each<[string, string, Change, string]>([
    ["unknown field", "rnn_tanh", field("dropout", 0.5), 'unknown field "dropout"'],
    ["unknown kind", "rnn_tanh", field("kind", "stream"), 'field "kind" is "stream", expected one of sequence, train'],
    ["unknown cell", "rnn_tanh", field("cell", "indrnn"), "expected one of lstm, gru, rnn_tanh, rnn_relu"],
    ["a field of another kind", "rnn_tanh", field("steps", 3), 'unknown field "steps"'],
    ["a name of every object", "rnn_tanh", field("toString", 1), 'unknown field "toString"'],
    ["missing field", "rnn_tanh", ({ fields }) => delete fields.bias, 'missing field "bias"'],
    ["size of 0", "rnn_tanh", field("T", 0), "T is 0, expected a whole number of at least 1"],
    ["size as text", "rnn_tanh", field("B", "3"), 'B is "3", expected a whole number'],
    ["absurd size", "rnn_tanh", field("numLayers", 1e15), "there are only 14 tensors"],
    ["other words", "rnn_tanh", field("loss", "sum(y)"), 'field "loss" is "sum(y)"'],
    ["switch as number", "rnn_tanh", field("bias", 1), 'field "bias" is 1, expected true or false'],
    ["projection of gru", "gru_2layer", field("projSize", 2), "only lstm has projections"],
    ["lengths beyond T", "rnn_tanh", field("lengths", [6, 1, 1]), "null or 3 counts from 1 to 5"],
    ["too few lengths", "rnn_tanh", field("lengths", [5]), "null or 3 counts"],
    ["another shape", "rnn_tanh", field("T", 4), "tensor input.x is F32 [5,3,4], expected F32 [4,3,4]"],
    ["missing tensor", "rnn_tanh", ({ tensors }) => delete tensors["expected.hn"], "missing tensor expected.hn"],
    ["a state too many", "rnn_tanh", field("initialState", true), "missing tensor input.h0, expected.grad.h0"],
    [
      "unknown tensor",
      "rnn_tanh",
      ({ tensors }) => {
        tensors["weight.weight_ih_l1"] = tensors["weight.weight_ih_l0"]!;
      },
      "unknown tensor weight.weight_ih_l1",
    ],
    [
      "expected in float32",
      "rnn_tanh",
      ({ tensors }) => {
        const { shape, data } = tensors["expected.y"]!;
        tensors["expected.y"] = { shape, data: Float32Array.from(data) };
      },
      "tensor expected.y is F32 [5,3,8], expected F64 [5,3,8]",
    ],
    [
      "NaN",
      "rnn_tanh",
      ({ tensors }) => shift(tensors, "expected.y", Number.NaN),
      "expected.y holds a value that is not",
    ],
    ["unknown optimizer", "train_rnn_adagrad", field("optimizer", "lion"), "expected one of sgd, adam, adamw, rmsprop"],
    [
      "unknown option",
      "train_rnn_adagrad",
      field("optimizerOptions", { lr: 0.1, maximize: true }),
      'adagrad: unknown option "maximize"',
    ],
    [
      "an option that is not torch's",
      "train_rnn_adagrad",
      field("optimizerOptions", { lrDecay: 0.1 }),
      'unknown option "lrDecay"',
    ],
    [
      "an option as text",
      "train_rnn_adagrad",
      field("optimizerOptions", { lr: "0.1" }),
      'lr is "0.1", expected a finite number',
    ],
    ["norms without clipping", "train_rnn_adagrad", field("clipGradNorm", null), "unknown tensor expected.gradNorms"],
    ["clipping at 0", "train_rnn_adagrad", field("clipGradNorm", 0), "clipGradNorm is 0"],
  ])("%s", async (_, name, change, message) => {
    const { status, reason, backends: results } = await verifyFile(changed(name, change), [cpu]);
    expect([status, reason, results]).toEqual(["fail", expect.stringContaining(message), {}]);
  });

  test("what is no case at all", async () => {
    const write = (name: string, metadata: Record<string, string>) => {
      const path = join(folder, `${name}.safetensors`);
      writeFileSync(path, writeSafetensors({ a: { shape: [1], data: new Float32Array(1) } }, metadata));
      return path;
    };
    const truncated = join(folder, "truncated.safetensors");
    writeFileSync(truncated, readFileSync(join(recorded, "rnn_tanh.safetensors")).subarray(0, 3000));
    for (const [path, message] of [
      [write("plain", {}), "it is not a parity case"],
      [write("words", { case: "hello" }), "is not JSON"],
      [write("list", { case: "[]" }), "expected an object"],
      [write("twice", { case: '{"T": 1, "T": 2}' }), 'has the name "T" twice'],
      [truncated, "truncated"],
      [join(folder, "absent.safetensors"), "no such file"],
    ] as const) {
      expect(await verifyFile(path, [cpu])).toMatchObject({ status: "fail", reason: expect.stringContaining(message) });
    }
  });

  test("other lengths than those that the numbers were computed with fail", async () => {
    const path = changed("lstm_projection_lengths", ({ fields }) => {
      fields.lengths = (fields.lengths as number[]).map((length) => Math.max(1, length - 1));
    });
    expect(await verifyFile(path, [cpu])).toMatchObject({ status: "fail" });
  });
});

describe("webgpu-rnn verify", () => {
  const verify = (...args: string[]) => runCommand(register, ["verify", ...args]);
  const at = (name: string) => join(recorded, `${name}.safetensors`);
  const adapter = process.env.WEBGPU_RNN_ADAPTER;
  afterEach(() => {
    if (adapter === undefined) delete process.env.WEBGPU_RNN_ADAPTER;
    else process.env.WEBGPU_RNN_ADAPTER = adapter;
  });

  test("prints each tensor's worst error and its bound, at 80 columns and without colours", async () => {
    const { out, exitCode, error } = await verify(at("gru_2layer"), at("train_rnn_adagrad"), "--backend", "cpu");
    expect([error, exitCode]).toEqual([undefined, 0]);
    expect(out).toMatch(/^pass {2}\S+gru_2layer\.safetensors$/m);
    expect(out).toMatch(/^ {2}grad\.weight_hh_l1 +\d\.\de-1\d +1\.0e-9$/m);
    expect(out).toMatch(/^ {2}gradNorms +\S+ +1\.0e-9$/m);
    expect(out).toMatch(/^2 passed, 0 failed$/m);
    expect(out).not.toContain("\u001b");
    const wide = out.split("\n").filter((line) => line.length > 80 && !line.includes(recorded));
    expect(wide).toEqual([]);
  });

  test("exit code 1 when one of many fails, and the failure is named", async () => {
    const wrong = changed("rnn_tanh", ({ tensors }) => shift(tensors, "expected.hn", 1), "wrong");
    const { out, exitCode } = await verify(at("gru_2layer"), wrong, "--backend", "cpu");
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^ {2}hn +1\.0e\+0 +1\.0e-9 FAIL$/m);
    expect(out).toMatch(/^1 passed, 1 failed\n {2}FAIL {2}\S+wrong\.safetensors$/m);
  });

  test("--json: a record of the machine, one per file and a summary", async () => {
    const broken = changed("rnn_tanh", ({ fields }) => Object.assign(fields, { dropout: 1 }), "broken");
    const { out, exitCode } = await verify(at("rnn_tanh"), broken, "--backend", "cpu", "--json");
    const records = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(exitCode).toBe(1);
    expect(records).toMatchObject([
      { type: "machine", date: expect.stringMatching(/^\d{4}-/), versions: { node: process.versions.node } },
      {
        type: "case",
        file: at("rnn_tanh"),
        status: "pass",
        kind: "sequence",
        cell: "rnn_tanh",
        backends: { cpu: { status: "pass", tensors: { hn: { bound: 1e-9, ok: true, aspect: "forward" } } } },
      },
      { type: "case", file: broken, status: "fail", reason: expect.stringContaining("dropout"), backends: {} },
      { type: "summary", passed: 1, failed: 1 },
    ]);
  });

  test("a folder on both backends, side by side", async (context) => {
    skipWithoutGpu(context);
    const { out, exitCode, error } = await verify(recorded);
    expect([error, exitCode]).toEqual([undefined, 0]);
    expect(out).toMatch(/error of +gpu +bound +cpu +bound/);
    expect(out).toMatch(new RegExp(`^${casesIn(recorded).length} passed, 0 failed$`, "m"));
    expect(out.split("\n").filter((line) => line.length > 80 && !line.includes(basename(recorded)))).toEqual([]);
  });

  test("all backends fit 80 columns, side by side", async (context) => {
    skipWithoutGpu(context);
    const wrong = changed("lstm_2layer_bidirectional", ({ tensors }) => {
      shift(tensors, "expected.grad.weight_hh_l1_reverse", 1);
    });
    const { out, exitCode, error } = await verify(recorded, wrong, "--backend", "all");
    expect([error, exitCode]).toEqual([undefined, 1]);
    for (const backend of ["gpu", "wasm", "cpu"]) expect(out).toMatch(new RegExp(`^${backend}: `, "m"));
    expect(out).toMatch(/error of +gpu +bound +wasm +bound +cpu +bound$/m);
    expect(out).toMatch(/^ {2}grad\.weight_hh_l1_reverse +1\.0e\+0 +\S+ +1\.0e\+0 +\S+ +1\.0e\+0 +1\.0e-9 FAIL$/m);
    expect(out).toMatch(new RegExp(`^${casesIn(recorded).length} passed, 1 failed$`, "m"));
    const wide = out.split("\n").filter((line) => line.length > 80 && !/\.safetensors$/.test(line));
    expect(wide).toEqual([]);
  });

  test("all backends as records", async (context) => {
    skipWithoutGpu(context);
    const { out } = await verify(at("rnn_tanh"), "--backend", "all", "--json");
    const [machine, record] = out
      .split("\n")
      .slice(0, 2)
      .map((line) => JSON.parse(line));
    expect(machine.notChecked).toBeUndefined();
    expect(Object.keys(record.backends)).toEqual(["gpu", "wasm", "cpu"]);
    for (const [backend, { status, tensors }] of Object.entries<typeof record>(record.backends)) {
      expect([status, tensors.hn.ok]).toEqual(["pass", true]);
      // Around 1e-5, or exact.
      expect(tensors.hn.bound > 1e-6).toBe(backend !== "cpu");
    }
  });

  test("all backends without a GPU: WebAssembly and the CPU are checked, and it says so", async () => {
    process.env.WEBGPU_RNN_ADAPTER = "none";
    const { out, exitCode, error } = await verify(at("rnn_tanh"), "--backend", "all");
    expect([error, exitCode]).toEqual([undefined, 0]);
    expect(out).toMatch(/^gpu: not checked, no GPU: /m);
    expect(out).toMatch(/error of +wasm +bound +cpu +bound$/m);
    const [machine, record] = (await verify(at("rnn_tanh"), "--backend", "all", "--json")).out.split("\n");
    expect(JSON.parse(machine!).notChecked).toEqual({ gpu: expect.stringContaining("no GPU: ") });
    expect(Object.keys(JSON.parse(record!).backends)).toEqual(["wasm", "cpu"]);
  });

  test("WebAssembly alone, without a GPU", async () => {
    process.env.WEBGPU_RNN_ADAPTER = "none";
    const { out, exitCode } = await verify(at("gru_2layer"), "--backend", "wasm");
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/^wasm: [\s\S]*error of +wasm +bound\n/m)]);
    const wrong = changed("rnn_tanh", ({ tensors }) => shift(tensors, "expected.hn", 1e-3), "wrong on wasm");
    expect((await verify(wrong, "--backend", "wasm")).out).toMatch(/^ {2}hn +1\.0e-3 +\S+ FAIL$/m);
  });

  test("without a GPU it says so and does not check less", async () => {
    process.env.WEBGPU_RNN_ADAPTER = "none";
    const { error, out } = await verify(at("rnn_tanh"));
    expect(error).toBeInstanceOf(NoAdapterError);
    expect(error?.message).toMatch(/no GPU: .*--backend cpu/);
    expect(out).not.toContain("passed");
    expect((await verify(at("rnn_tanh"), "--backend", "cpu")).exitCode).toBe(0);
  });

  test("a path that is not there, a folder without cases, an unknown backend, no path", async () => {
    expect((await verify(join(folder, "nothing"), "--backend", "cpu")).error).toBeInstanceOf(DataError);
    expect((await verify(fileURLToPath(new URL("../../src", import.meta.url)))).error?.message).toMatch(
      /no \.safetensors/,
    );
    expect((await verify(recorded, "--backend", "tpu")).error?.message).toMatch(
      /Allowed choices are gpu, wasm, cpu, both, all/,
    );
    expect((await verify()).error?.message).toMatch(/missing required argument 'paths'/);
  });
});
