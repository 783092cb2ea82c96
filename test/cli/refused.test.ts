/** What `train` refuses before it trains. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownText } from "../../src/cli/default-text.ts";
import { checkMemory, countParameters } from "../../src/cli/memory.ts";
import { CharModel, LimitError, parameterCount } from "../../src/node.ts";
import { rhyme, small, temporaryFolder, train } from "../support/command-line.ts";
import { adapterForTests } from "../support/environment.ts";

const { device, title } = await adapterForTests();
const { at, folder } = temporaryFolder();

describe("what is refused before training", () => {
  const cpu = ["--backend", "cpu", "--steps", "2", "--json"];
  const cases: [what: string, args: () => string[], code: number, message: RegExp][] = [
    ["an empty text", () => [at("empty.txt")], 1, /empty\.txt: is empty/],
    [
      "a short text",
      () => [at("short.txt")],
      1,
      /short\.txt.* is 10 tokens long.*at least 513.*smaller batch or window/,
    ],
    ["invalid UTF-8", () => [at("latin1.txt")], 1, /latin1\.txt: byte 0xe9 at position 3 is not UTF-8/],
    ["a folder without text", () => [at("nothing")], 1, /nothing: the folder holds no text/],
    ["a path that does not exist", () => [at("missing.txt")], 1, /missing\.txt: .* no such file.*; check the path/],
    [
      "a checkpoint that does not exist",
      () => [at("ok.txt"), "--resume", at("missing")],
      1,
      /missing: .*no such file.*; check the path, or leave --resume out/,
    ],
    [
      "a file that would be replaced",
      () => [at("ok.txt"), "--out", at("short.txt")],
      2,
      /short\.txt: is there already.*--resume .*short\.txt.*--out.*--force/,
    ],
    [
      "a file that would be replaced by another one that goes on",
      () => [at("ok.txt"), "--resume", at("latin1.txt"), "--out", at("short.txt")],
      2,
      /short\.txt: is there already/,
    ],
    [
      "a file that would be replaced, before texts are looked at",
      () => [at("missing.txt"), "--out", at("short.txt")],
      2,
      /short\.txt: is there already/,
    ],
    ["an option that does not exist", () => ["--hiden-size", "3"], 2, /unknown option '--hiden-size'/],
    ["a cell that does not exist", () => ["--cell", "mamba"], 2, /Allowed choices are lstm/],
    ["size 0", () => ["--hidden-size", "0"], 2, /'0' is invalid. Expected a whole number of at least 1/],
    ["a negative size", () => ["--batch", "-3"], 2, /'-3' is invalid/],
    ["a size of NaN", () => ["--window", "NaN"], 2, /'NaN' is invalid/],
    ["a size of nothing", () => ["--embedding-dim", ""], 2, /'' is invalid/],
    ["half a layer", () => ["--num-layers", "1.5"], 2, /'1.5' is invalid/],
    ["an infinite rate", () => ["--lr", "1e999"], 2, /'1e999' is invalid/],
    ["a fraction of 1", () => ["--validation-fraction", "1"], 2, /at least 0 and below 1/],
    ["sizes beyond any memory", () => ["--hidden-size", "9000000"], 1, /needs .* TiB.* this machine has .* would fit/],
    ["another optimizer's option", () => ["--momentum", "0.9"], 2, /adam: unknown option "momentum"/],
    ["another schedule's option", () => ["--gamma", "0.5"], 2, /--gamma has no meaning with --schedule constant/],
    ["a schedule without its option", () => ["--schedule", "step"], 2, /--schedule step needs --step-size/],
    ["steps and epochs", () => ["--epochs", "2"], 2, /give one of them/],
    ["a folder that does not exist", () => [at("ok.txt"), "--out", at("no/such/m")], 1, /the folder .* does not exist/],
    ["a folder as the file", () => [at("ok.txt"), "--out", folder()], 1, /it is a folder/],
    ["a file as the folder", () => [at("ok.txt"), "--out", at("ok.txt/m")], 1, /is not a folder/],
    ["weights only", () => [at("ok.txt"), "--resume", at("ok.txt")], 1, /not a safetensors file/],
  ];
  test.each(cases)("%s", async (_, args, expected, message) => {
    await mkdir(at("nothing"));
    await writeFile(at("empty.txt"), "");
    await writeFile(at("short.txt"), "0123456789");
    await writeFile(at("latin1.txt"), Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
    await writeFile(at("ok.txt"), rhyme);
    const { code, stderr, records } = await train(...cpu, ...args());
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m); // no stack
    expect(records.filter(({ type }) => type !== "error")).toEqual([]);
    expect((await readdir(folder())).sort()).toEqual(["empty.txt", "latin1.txt", "nothing", "ok.txt", "short.txt"]);
  });

  test("memory: numbers are counted without building the model", () => {
    for (const cell of ["lstm", "gru", "rnn_tanh", "rnn_relu"] as const)
      for (const numLayers of [1, 3]) {
        const config = { vocabSize: 11, cell, embeddingDim: 5, hiddenSize: 7, numLayers };
        const count = countParameters(config);
        expect(count).toBe(parameterCount(new CharModel(config)));
        expect(() => checkMemory(config, 4, count * 16)).not.toThrow();
        expect(() => checkMemory(config, 4, count * 16 - 1)).toThrow(LimitError);
        expect(() => checkMemory(config, 4, count * 16 - 1)).toThrow(/a hidden size of 6 would fit/);
      }
  });

  test.skipIf(!device)(`${title("more than the adapter allows")}: says how much is needed and what fits`, async () => {
    await writeFile(at("ok.txt"), rhyme);
    const { code, stderr } = await train(
      at("ok.txt"),
      ...small,
      "--hidden-size",
      "12000",
      "--backend",
      "gpu",
      "--out",
      at("m"),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*[GM]iB.*[GM]iB/);
  });
});

describe("the package's own text", () => {
  test("of the repository and of the published package", async () => {
    const own = await ownText();
    expect(own.text).toContain("class Trainer");
    expect(own.text).toContain("@compute");
    expect(own.text).not.toContain("Made by scripts/shaders.mjs from"); // the generated copy of the shaders
    for (const [name, text] of Object.entries({
      "docs/cases.md": "docs",
      "docs/api/index.md": "no",
      "shaders/a.wgsl": "shader",
      "shaders/lib/b.wgsl": "fragment",
      "dist/index.js": "code",
      "dist/index.d.ts": "no",
      "dist/index.js.map": "no",
      "dist/webgpu-rnn.js": "no",
      "dist/shaders/a.generated.js": "no",
      "dist/cli/main.js": "main",
    })) {
      await mkdir(join(folder(), name, ".."), { recursive: true });
      await writeFile(at(name), text);
    }
    expect(await ownText(folder())).toMatchObject({ text: "docs\nshader\nfragment\nmain\ncode", files: 5 });
  });
});
