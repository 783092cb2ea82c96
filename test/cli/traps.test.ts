/** What surprised people: a command line that trains unasked, replaces files, stops at a picture, or mixes its records. */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { afterEach, describe, expect, test, vi } from "vitest";
import { commandLine, of, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";

const { at } = temporaryFolder();
afterEach(() => {
  vi.restoreAllMocks();
});

const quick = ["--backend", "cpu", "--steps", "2", "--sample-every", "0"];
const given = (text: string) =>
  vi
    .spyOn(process, "stdin", "get")
    .mockReturnValue(Readable.from([Buffer.from(text)]) as unknown as typeof process.stdin);

/** The records that a command wrote, and nothing else. */
const recordsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("without a command", () => {
  test("the help is shown, as after a wrong call, and nothing is trained", async () => {
    const { code, stdout, stderr } = await commandLine();
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Usage: webgpu-rnn .*\[command\]/);
    for (const command of ["train", "generate", "info", "explain", "verify"]) expect(stderr).toContain(`  ${command} `);
  });

  test("train's options belong to train", async () => {
    const { code, stdout, stderr } = await commandLine("--steps", "1");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/unknown option '--steps'/);
  });

  test("npm start names the command", async () => {
    const { scripts } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    expect(scripts.start).toBe("node dist/cli/main.js train --check");
  });
});

test("every command takes --json and --verbose", async () => {
  for (const command of ["train", "generate", "info", "explain", "verify"]) {
    const { code, stdout } = await commandLine(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}--json +print one JSON record/m);
    expect(stdout).toMatch(/^ {2}--verbose +show what Dawn itself says/m);
  }
});

describe("a file that is there already", () => {
  test("is replaced with --force, and by the run that resumes it under whatever name", async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    await writeFile(at("m.safetensors"), "old");
    const out = ["--out", at("m.safetensors")];
    expect((await train(at("rhyme.txt"), ...small, ...quick, ...out)).code).toBe(2);
    expect(await readFile(at("m.safetensors"), "utf8")).toBe("old");
    expect((await train(at("rhyme.txt"), ...small, ...quick, ...out, "--force")).code).toBe(0);
    await symlink(at("m.safetensors"), at("link"));
    const resume = ["--json", "--backend", "cpu", "--sample-every", "0", "--resume", at("link")];
    const { code, records } = await train(at("rhyme.txt"), ...resume, ...out, "--steps", "3");
    expect([code, records.at(-1)]).toMatchObject([0, { type: "end", step: 3, checkpoint: at("m.safetensors") }]);
  });
});

describe("a folder with a picture in it", () => {
  test("is trained on without it, and says so", async () => {
    await mkdir(at("texts"));
    await writeFile(at("texts/rhyme.txt"), rhyme);
    await writeFile(at("texts/photo.jpg"), Uint8Array.of(0xff, 0xd8, 0xff, 0xe0));
    await writeFile(at("texts/icon.png"), Uint8Array.of(0x89, 0x50, 0));
    const { code, stderr, records } = await train(at("texts"), ...small, ...quick, "--out", at("m"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(of(records, "start")[0]!.text).toMatchObject({ files: 1, characters: [...rhyme].length });
    const [warning, ...others] = of(records, "warning");
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ code: "SKIPPED", step: 0 });
    expect(warning!.files!.map(({ path }) => path)).toEqual([at("texts/icon.png"), at("texts/photo.jpg")]);
    expect(warning!.message).toMatch(
      /^2 files were skipped, because they are no text: .*icon\.png \(holds a zero byte .*\), .*photo\.jpg \(byte 0xff at position 0 is not UTF-8\)$/,
    );

    for (const name of ["a", "b", "c", "d"]) await writeFile(at(`texts/${name}.bin`), Uint8Array.of(0));
    const text = [...small.filter((option) => option !== "--json"), ...quick];
    const { stdout } = await train(at("texts"), ...text, "--out", at("n"));
    expect(stdout).toMatch(/^warning: 6 files were skipped, because they are no text: .*a\.bin.*icon\.png \(.*\), …$/m);
  });
});

describe("standard input", () => {
  test("is a text to train on, and a prompt", async () => {
    given(rhyme);
    const { code, records } = await train("-", ...small, ...quick, "--out", at("m"));
    expect(code).toBe(0);
    const characters = [...rhyme].length;
    expect(of(records, "start")[0]!.text).toEqual({ name: "standard input", files: 1, characters });
    given("tick");
    const piped = await commandLine("generate", at("m"), "--backend", "cpu", "--length", "9", "--prompt", "-");
    const said = await commandLine("generate", at("m"), "--backend", "cpu", "--length", "9", "--prompt", "tick");
    expect([piped.code, piped.stdout]).toEqual([0, said.stdout]);
    expect(piped.stdout).toMatch(/^tick/);
  });
});

describe("a model that is not there", () => {
  test.each([
    [
      "generate",
      /missing: cannot be read: there is no such file.*; check the path, or train a model \(webgpu-rnn train/,
    ],
    ["explain", /missing: cannot be read: there is no such file.*; check the path, or leave it out/],
    ["verify", /missing: cannot be read: there is no such file.*; check the path; docs\/cases\.md says how to record/],
  ])("%s names it, and what to do", async (command, message) => {
    const { code, stdout, stderr } = await commandLine(command, at("missing"));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });
});

describe("--json", () => {
  test("generate: the start, each chunk, the whole text", async () => {
    await writeFile(at("rhyme.txt"), rhyme);
    await train(at("rhyme.txt"), ...small, ...quick, "--out", at("m"));
    const options = ["--backend", "cpu", "--length", "20", "--chunk", "8", "--prompt", "tick"];
    const { code, stdout, stderr } = await commandLine("generate", at("m"), ...options, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const records = recordsOf(stdout);
    expect(records.map(({ type }) => type)).toEqual(["start", "text", "text", "text", "end"]);
    expect(records[0]).toMatchObject({ model: at("m"), backend: "cpu", prompt: "tick", reason: expect.any(String) });
    const plain = await commandLine("generate", at("m"), ...options);
    const text = plain.stdout.slice("tick".length, -1);
    expect(records.at(-1)).toEqual({ type: "end", interrupted: false, characters: 20, text });
    expect(
      records
        .slice(1, -1)
        .map((record) => record.text)
        .join(""),
    ).toBe(text);
  });

  test("explain: the plan, its buffers and commands, the totals that are printed too", async () => {
    const sizes = ["--steps", "3", "--batch", "2", "--train", "--optimizer", "sgd"];
    const { code, stdout, stderr } = await commandLine("explain", ...sizes, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    const records = recordsOf(stdout);
    const [plan, totals] = [records[0]!, records.at(-1)!];
    expect(plan).toMatchObject({
      type: "plan",
      config: { cell: "lstm", hiddenSize: 128 },
      parameters: 117856,
      T: 3,
      B: 2,
      optimizer: { name: "sgd" },
      adapter: null,
      target: { maxWorkgroups: 65535 },
    });
    const ofType = (type: string) => records.filter((record) => record.type === type);
    expect(ofType("buffer").map(({ index }) => index)).toEqual(ofType("buffer").map((_, i) => i));
    const dispatches = ofType("dispatch").filter(({ when }) => when === "every replay");
    expect(dispatches).toHaveLength(totals.dispatches as number);
    expect(dispatches[0]).toMatchObject({ kernel: expect.any(String), grid: [expect.any(Number), 1, 1] });
    const printed = await commandLine("explain", ...sizes);
    expect(printed.stdout).toContain(
      `${totals.dispatches} dispatches, ${totals.copies} copies, ${totals.clears} clears`,
    );
    expect(totals.derivations).toBe(records.filter(({ when }) => when === "weights changed").length);
  });

  test.each(["generate", "explain", "verify"])("%s: an error is a record, and a line for people", async (command) => {
    const { code, stdout, stderr } = await commandLine(command, at("missing"), "--json");
    expect(code).toBe(1);
    const [error, ...others] = recordsOf(stdout);
    expect(others).toEqual([]);
    expect(error).toEqual({ type: "error", code: "DATA", message: expect.stringContaining("missing: cannot be read") });
    expect(stderr).toBe(`error: ${error!.message}\n`);
  });

  test("info: one record", async () => {
    const { code, stdout } = await commandLine("info", "--json");
    expect(code).toBe(0);
    expect(recordsOf(stdout)).toMatchObject([{ type: "info", versions: { node: process.versions.node } }]);
  });
});
