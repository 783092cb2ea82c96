/** `train --check`: a training step on WebGPU beside the same one on WebAssembly, before the training. */
import { writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CheckRecord, checkStep } from "../../src/cli/check-step.ts";
import { Runtime, Vocabulary } from "../../src/node.ts";
import { of, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, title } = await adapterForTests();
const { at } = temporaryFolder();
const adapter = process.env.WEBGPU_RNN_ADAPTER;
beforeEach(() => writeFile(at("rhyme.txt"), rhyme));
afterEach(() => {
  vi.restoreAllMocks();
  if (adapter === undefined) delete process.env.WEBGPU_RNN_ADAPTER;
  else process.env.WEBGPU_RNN_ADAPTER = adapter;
});

const quick = ["--check", "--steps", "2", "--sample-every", "0", "--out"];
const text = small.filter((option) => option !== "--json");

describe.skipIf(!device)(title("a check"), () => {
  const config = { cell: "gru", embeddingDim: 8, hiddenSize: 24, numLayers: 2 } as const;
  const check = () => checkStep(config, Vocabulary.fromText(rhyme), rhyme);

  test("loss and gradients agree, and the adapter is named", async () => {
    const { adapter: on, loss, gradients, reason } = await check();
    expect(reason).toBeUndefined();
    expect(on?.description).toBe(device!.adapterInfo.description);
    expect(loss!.gpu).toBeCloseTo(loss!.wasm, 5);
    expect(loss!.wasm).toBeCloseTo(Math.log(Vocabulary.fromText(rhyme).size), 0);
    expect(gradients!.largest).toBeGreaterThan(0.01);
    expect(gradients!.difference).toBeLessThan(1e-5);
  });

  test.each([
    ["a number that is wrong on one of them", 0.25],
    ["a number that is none", Number.NaN],
  ])("%s is told", async (_, wrong) => {
    const { stateDict } = Runtime.prototype;
    let calls = 0;
    vi.spyOn(Runtime.prototype, "stateDict").mockImplementation(async function (this: Runtime, model) {
      const dict = await stateDict.call(this, model);
      // Before and after the step on the GPU come first.
      if (++calls === 2) dict["head.bias"]!.data[3]! += wrong;
      return dict;
    });
    const { gradients } = await check();
    if (Number.isNaN(wrong)) expect(gradients!.difference).toBeNaN();
    else expect(gradients!.difference).toBeCloseTo(wrong, 5);
  });

  test("train tells it in one line, and trains where it was told to", async () => {
    const { code, stdout } = await train(at("rhyme.txt"), ...text, "--backend", "wasm", ...quick, at("m.safetensors"));
    expect(code).toBe(0);
    expect(stdout.replace(/\n {2}/g, " ")).toMatch(
      /^checked a training step on \S.* against WebAssembly: loss (\d\.\d{5}) and \d\.\d{5}, gradients differ by \d\.\de-\d+ at most, where the largest is 0\.\d+\nrunning on the CPU: WebAssembly was asked for/,
    );
    expect(stdout).toMatch(/finished 2 steps/);
  });
});

test("without an adapter it says so, and training goes on", async () => {
  process.env.WEBGPU_RNN_ADAPTER = "none";
  const { code, stdout, stderr } = await train(at("rhyme.txt"), ...text, ...quick, at("m.safetensors"));
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^no training step was checked on WebGPU: no adapter was looked for, because the choice is "none"\nrunning on the CPU: WebAssembly, because no adapter was looked for/,
  );
  expect(stdout).toMatch(/finished 2 steps/);
  const { records } = await train(at("rhyme.txt"), ...small, ...quick, at("n.safetensors"));
  expect(records.map(({ type }) => type).slice(0, 2)).toEqual(["check", "start"]);
  expect(of(records, "check")).toEqual<CheckRecord[]>([
    { type: "check", reason: 'no adapter was looked for, because the choice is "none"' },
  ]);
});

test("a text that is too short for a step to check is the training's to refuse", async () => {
  await writeFile(at("short.txt"), "short");
  const { code, stdout, stderr } = await train(at("short.txt"), ...text, ...quick, at("m.safetensors"));
  expect(code).toBe(1);
  expect(stdout).toMatch(/^no training step was checked on WebGPU: /);
  expect(stderr).toMatch(/^error: /);
});

test("a mistake of this program is no reason to go on", async () => {
  process.env.WEBGPU_RNN_ADAPTER = "none";
  vi.spyOn(Runtime, "open").mockRejectedValue(new TypeError("a mistake"));
  await expect(
    checkStep({ cell: "gru", embeddingDim: 2, hiddenSize: 3, numLayers: 1 }, Vocabulary.fromText(rhyme), rhyme),
  ).rejects.toThrow(TypeError);
});
