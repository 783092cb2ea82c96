import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadModel, Runtime, readCheckpoint, saveModel } from "../../src/node.ts";
import { commandLine, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, title } = await adapterForTests();
const { at } = temporaryFolder();

let model: Buffer;
beforeAll(async () => {
  const home = await mkdtemp(join(tmpdir(), "webgpu-rnn-cli-"));
  await writeFile(join(home, "rhyme.txt"), rhyme);
  const out = join(home, "m.safetensors");
  const options = ["--backend", "cpu", "--steps", "100", "--sample-every", "0", "--out", out];
  await train(join(home, "rhyme.txt"), ...small, ...options);
  model = await readFile(out);
  await rm(home, { recursive: true });
});

async function generate(...args: string[]) {
  await writeFile(at("m.safetensors"), model);
  return commandLine("generate", at("m.safetensors"), "--length", "80", ...args);
}

describe.each(["cpu", "wasm", "gpu"])("generate", (backend) => {
  test.skipIf(backend === "gpu" && !device)(
    `${backend}: text like the model's, the same for the same seed`,
    async () => {
      const on = ["--backend", backend, "--temperature", "1.2", "--seed"];
      const [one, again, other] = [await generate(...on, "1"), await generate(...on, "1"), await generate(...on, "2")];
      expect(one.code).toBe(0);
      expect([...one.stdout.trimEnd()].length).toBeGreaterThan(60);
      expect(one.stdout).toContain("tock");
      expect(again.stdout).toBe(one.stdout);
      expect(other.stdout).not.toBe(one.stdout);
      expect(one.stderr).toMatch(backend === "gpu" ? /^running on the GPU: / : /^running on the CPU: /);
    },
  );
});

test.skipIf(!device)(`${title("GPU and CPU")}: the same likeliest text, whatever the chunks`, async () => {
  const on = ["--temperature", "0", "--prompt", "고양", "--backend"];
  const texts = [
    await generate(...on, "cpu"),
    await generate(...on, "gpu"),
    await generate(...on, "cpu", "--chunk", "7"),
    await generate(...on, "cpu", "--top-k", "1", "--temperature", "5"),
  ].map(({ stdout }) => stdout);
  expect(new Set(texts).size).toBe(1);
  expect(texts[0]).toMatch(/^고양이 .*\n}\n고양이 야옹\nif \(tick\) {\n {2}tock\(\);\n}\n고양/s);
  expect([...texts[0]!].length).toBe(2 + 80 + 1); // prompt, text and a line's end
});

test("a file with weights only writes the same text", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const whole = readCheckpoint(model);
  await writeFile(at("slim.safetensors"), await saveModel(runtime, loadModel(runtime, whole)));
  const on = ["--backend", "cpu", "--length", "80"];
  const slim = await commandLine("generate", at("slim.safetensors"), ...on);
  expect(slim.stdout).toBe((await generate("--backend", "cpu")).stdout);
  expect((await readFile(at("slim.safetensors"))).length).toBeLessThan(model.length / 2);
});

test("the weights may have fewer bits", async () => {
  const on = ["--backend", "cpu", "--weight-dtype"];
  const texts = [await generate(...on, "f32"), await generate(...on, "f16"), await generate(...on, "int8")];
  expect(texts.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(texts[0]!.stdout).toBe((await generate("--backend", "cpu")).stdout);
  for (const { stdout } of texts) expect([...stdout.trimEnd()].length).toBeGreaterThan(60);
});

test.each([
  [
    "a character that the model does not know",
    ["--prompt", "tick, Z"],
    1,
    /--prompt: "," \(U\+002C\) at position 4 .*is not among/,
  ],
  ["an empty prompt", ["--prompt", ""], 1, /the prompt is empty/],
  ["a negative length", ["--length", "-1"], 2, /'-1' is invalid/],
  ["an absurd temperature", ["--temperature", "hot"], 2, /'hot' is invalid/],
  ["a probability of 0", ["--top-p", "0"], 2, /'0' is invalid/],
  ["an option that does not exist", ["--topk", "3"], 2, /unknown option '--topk'/],
  ["a backend that does not exist", ["--backend", "tpu"], 2, /Allowed choices are auto, gpu, wasm, cpu/],
  ["no thread at all", ["--backend", "wasm", "--threads", "0"], 2, /'0' is invalid/],
  ["a format that does not exist", ["--weight-dtype", "f8"], 2, /Allowed choices are f32, f16, int8/],
  [
    "a format that WebAssembly has not",
    ["--backend", "wasm", "--weight-dtype", "f16"],
    2,
    /weightDtype is "f16", and WebAssembly computes with "f32" only/,
  ],
  ["threads without WebAssembly", ["--threads", "2"], 2, /threads is 2, but only WebAssembly shares work/],
])("%s is refused", async (_, args, code, message) => {
  const ran = await generate("--backend", "cpu", ...args);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toMatch(message);
  expect(ran.stdout).toBe("");
});

test("the number of threads changes no character", async () => {
  const on = (threads: string) => generate("--backend", "wasm", "--temperature", "1", "--threads", threads);
  const [one, two] = [await on("1"), await on("2")];
  expect(one.code).toBe(0);
  expect(two.stdout).toBe(one.stdout);
});

test("files that are no model are refused", async () => {
  await writeFile(at("cut.safetensors"), model.subarray(0, model.length - 4));
  await writeFile(at("long.safetensors"), Buffer.concat([model, Buffer.alloc(4)]));
  await writeFile(at("text.txt"), rhyme);
  for (const [name, message] of [
    ["cut.safetensors", /cut\.safetensors: .*truncated/],
    ["long.safetensors", /long\.safetensors: 4 bytes after the last tensor belong to none/],
    ["text.txt", /text\.txt: is not a safetensors file/],
    ["missing", /missing: cannot be read: there is no such file/],
  ] as const) {
    const { code, stderr, stdout } = await commandLine("generate", at(name));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  }
});
