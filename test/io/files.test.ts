import { spawn, spawnSync } from "node:child_process";
import * as fsp from "node:fs/promises";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DataError, WebGpuRnnError } from "../../src/errors.ts";
import { findFiles, joinTexts, readBytes, readTexts, writeFileAtomic } from "../../src/io/files.ts";
import { decodeUtf8, invalidUtf8At } from "../../src/io/utf8.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fsp>()) }));

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "webgpu-rnn-files-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** Makes files under the folder; a Uint8Array is written as it is. */
async function make(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
const at = (name: string) => join(folder, name);
const names = (texts: { path: string }[]) => texts.map(({ path }) => path.slice(folder.length + 1));

describe("readTexts", () => {
  test("a folder in a fixed order, without hidden and empty files and node_modules; what is no text is listed", async () => {
    await make({
      "b.txt": "two",
      "B.txt": "one",
      "a/z.txt": "three",
      "a/가.txt": "한글",
      "a.txt": "zero",
      ".hidden": "no",
      ".git/config": "no",
      "node_modules/x/index.js": "no",
      "image.png": Uint8Array.of(0x89, 0x50, 0, 1, 2, 0xff),
      "a/photo.jpg": Uint8Array.of(0xff, 0xd8, 0xff, 0xe0),
      "latin1.txt": Uint8Array.of(0x63, 0x61, 0x66, 0xe9),
      "empty.txt": "",
    });
    await symlink(at("a"), at("loop"));
    await symlink(at("b.txt"), at("c-link.txt"));
    await symlink(at("missing"), at("d-broken.txt"));
    const { texts, skipped } = await readTexts([folder]);
    expect(skipped).toEqual([
      { path: at("a/photo.jpg"), why: "byte 0xff at position 0 is not UTF-8" },
      { path: at("image.png"), why: "holds a zero byte at position 2, so it is a binary file or UTF-16" },
      { path: at("latin1.txt"), why: "byte 0xe9 at position 3 is not UTF-8" },
    ]);
    expect(names(texts)).toEqual(["B.txt", "a/z.txt", "a/가.txt", "a.txt", "b.txt", "c-link.txt"]);
    expect(texts.map(({ text }) => text)).toEqual(["one", "three", "한글", "zero", "two", "two"]);
    expect(joinTexts(texts)).toBe("one\nthree\n한글\nzero\ntwo\ntwo");
  });

  test("named files, hidden ones too, in the order given; a byte order mark is dropped", async () => {
    await make({ ".notes": "hidden\n", "b.txt": Uint8Array.of(0xef, 0xbb, 0xbf, 0x62, 0x0d, 0x0a) });
    const { texts } = await readTexts([at("b.txt"), at(".notes")]);
    expect(texts.map(({ text }) => text)).toEqual(["b\r\n", "hidden\n"]);
    expect(joinTexts(texts)).toBe("b\r\nhidden\n");
    expect(joinTexts([{ path: "x", text: "as it is" }])).toBe("as it is");
  });

  test.each([
    [
      "a missing file",
      () => [at("missing.txt")],
      "missing.txt: cannot be read: there is no such file or folder (ENOENT); check the path",
    ],
    ["no path", () => [], "no path was given"],
    ["an empty file", () => [at("empty.txt")], "empty.txt: is empty"],
    ["a folder without text", () => [at("void")], "void: the folder holds no text (1 seen"],
    ["a binary file", () => [at("data.bin")], "data.bin: holds a zero byte at position 1"],
    [
      "Latin-1",
      () => [at("bad/latin1.txt")],
      "latin1.txt: byte 0xe9 at position 3 is not UTF-8; save the text as UTF-8",
    ],
    [
      "a folder with Latin-1 only",
      () => [at("bad")],
      /bad: the folder holds no text \(1 seen, .* such as .*latin1.txt: byte 0xe9 at position 3 is not UTF-8;/,
    ],
    ["a file taken for a folder", () => [at("empty.txt/x")], "a part of the path is a file, not a folder"],
  ])("refuses %s", async (_, paths, message) => {
    await make({
      "empty.txt": "",
      "void/.hidden": "no",
      "void/data.bin": Uint8Array.of(0, 1),
      "data.bin": Uint8Array.of(1, 0),
      "bad/latin1.txt": Uint8Array.of(0x63, 0x61, 0x66, 0xe9),
    });
    await expect(readTexts(paths())).rejects.toThrow(DataError);
    await expect(readTexts(paths())).rejects.toThrow(message);
  });
});

describe("standard input", () => {
  const given = (...chunks: Uint8Array[]) =>
    vi.spyOn(process, "stdin", "get").mockReturnValue(Readable.from(chunks) as unknown as typeof process.stdin);

  test("is the path -, as a whole and among files", async () => {
    await make({ "a.txt": "one" });
    given(Uint8Array.of(0x61, 0xed, 0x95), Uint8Array.of(0x9c)); // a character in two chunks
    const { texts, skipped } = await readTexts([at("a.txt"), "-"]);
    expect(texts).toEqual([
      { path: at("a.txt"), text: "one" },
      { path: "-", text: "a한" },
    ]);
    expect(skipped).toEqual([]);
  });

  test.each([
    ["nothing", [], "standard input: is empty"],
    ["bytes", [Uint8Array.of(0xff)], "standard input: byte 0xff at position 0 is not UTF-8"],
    ["zeros", [Uint8Array.of(0x61, 0)], "standard input: holds a zero byte at position 1"],
  ])("%s is refused", async (_, chunks, message) => {
    given(...chunks);
    await expect(readTexts(["-"])).rejects.toThrow(DataError);
    given(...chunks);
    await expect(readTexts(["-"])).rejects.toThrow(message);
  });

  test("what cannot be read is an error that says so", async () => {
    const broken = new Readable({ read: () => broken.destroy(new Error("EIO: i/o error")) });
    vi.spyOn(process, "stdin", "get").mockReturnValue(broken as unknown as typeof process.stdin);
    await expect(readTexts(["-"])).rejects.toThrow("standard input: cannot be read: EIO: i/o error");
  });
});

describe("findFiles and readBytes", () => {
  test("list files by extension, named ones whatever theirs is", async () => {
    await make({ "b.safetensors": "", "a/c.safetensors": "", "a/note.txt": "", "x.bin": "" });
    expect(await findFiles([at("x.bin"), folder], ".safetensors")).toEqual([
      at("x.bin"),
      at("a/c.safetensors"),
      at("b.safetensors"),
    ]);
    await expect(findFiles([at("a")], ".json")).rejects.toThrow("the folder has no .json file");
    expect(await readBytes(at("x.bin"))).toHaveLength(0);
    await expect(readBytes(folder)).rejects.toThrow("cannot be read: it is a folder; name a file (EISDIR)");
  });
});

test("files are found in one order, whatever the system's is", async () => {
  await make({ b: "", "a/z": "", "a/B": "", C: "" });
  const inOrder = fsp.readdir as unknown as (path: string, options: object) => Promise<{ readonly name: string }[]>;
  const turned = async (path: string, options: object) => {
    const found = await inOrder(path, options);
    return found.sort((x, y) => (x.name < y.name ? 1 : -1));
  };
  vi.spyOn(fsp, "readdir").mockImplementation(turned as never);
  expect(await findFiles([folder], "")).toEqual(["C", "a/B", "a/z", "b"].map((name) => at(name)));
});

describe("strict UTF-8", () => {
  test.each([
    [[0x61, 0x80], 1],
    [[0xc0, 0xaf], 0],
    [[0xe0, 0x9f, 0xbf], 0],
    [[0x61, 0xed, 0xa0, 0x80], 1],
    [[0xf4, 0x90, 0x80, 0x80], 0],
    [[0xf5, 0x80, 0x80, 0x80], 0],
    [[0xf8, 0x88, 0x80, 0x80, 0x80], 0],
    [[0xea, 0xb0, 0x80, 0xea, 0xb0], 3],
  ])("%j is ill-formed at %d", (bytes, position) => {
    expect(invalidUtf8At(Uint8Array.from(bytes))).toBe(position);
    expect(() => decodeUtf8(Uint8Array.from(bytes), "text")).toThrow(
      `text: byte 0x${bytes[position]?.toString(16)} at position ${position} is not UTF-8`,
    );
  });

  test("agrees with TextDecoder on any bytes, and on any text", () => {
    const strict = new TextDecoder("utf-8", { fatal: true });
    const byte = fc.oneof(
      fc.nat(255),
      fc.constantFrom(0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (list) => {
        const bytes = Uint8Array.from(list);
        const position = invalidUtf8At(bytes);
        if (position === undefined) strict.decode(bytes);
        else {
          expect(() => strict.decode(bytes)).toThrow();
          strict.decode(bytes.subarray(0, position));
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(decodeUtf8(new TextEncoder().encode(text), "t")).toBe(text);
      }),
    );
  });
});

describe("writeFileAtomic", () => {
  test("writes bytes and text, replaces, and leaves nothing else", async () => {
    await writeFileAtomic(at("a.bin"), Uint8Array.of(1, 2, 0));
    expect([...(await readFile(at("a.bin")))]).toEqual([1, 2, 0]);
    await writeFileAtomic(at("a.bin"), "한글 😀");
    expect(await readFile(at("a.bin"), "utf8")).toBe("한글 😀");
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  test("a link stays a link, the mode stays, and a second name keeps the old content", async () => {
    await make({ "real/model": "old" });
    await chmod(at("real/model"), 0o640);
    await link(at("real/model"), at("other-name"));
    await symlink(at("real/model"), at("latest"));
    await writeFileAtomic(at("latest"), "new");
    expect(await readFile(at("real/model"), "utf8")).toBe("new");
    expect(await readFile(at("other-name"), "utf8")).toBe("old");
    expect((await stat(at("real/model"))).mode & 0o777).toBe(0o640);
    expect(await readdir(at("real"))).toEqual(["model"]);
  });

  test.each([
    [
      "no folder",
      () => at("missing/model"),
      "there is no such file or folder; check the path, or make the folder first (ENOENT)",
    ],
    ["a folder", () => folder, "it is a folder; name a file (EISDIR)"],
    ["a file as folder", () => at("old/model"), "a part of the path is a file, not a folder; check the path (ENOTDIR)"],
  ])("refuses %s", async (_, path, message) => {
    await make({ old: "old" });
    const failure = await writeFileAtomic(path(), "new").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WebGpuRnnError);
    expect(failure).toMatchObject({ code: "WRITE", message: expect.stringContaining(message) });
    expect(await readdir(folder)).toEqual(["old"]);
  });

  test.each(["writeFile", "sync"] as const)(
    "the disk is full at %s: the old file is whole, the temporary one gone",
    async (where) => {
      await make({ model: "old" });
      const open = fsp.open;
      vi.spyOn(fsp, "open").mockImplementation(async (...given) => {
        const file = await open(...given);
        file[where] = () =>
          Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
        return file;
      });
      await expect(writeFileAtomic(at("model"), "new")).rejects.toThrow(
        `${at("model")}: 3 bytes could not be written: the disk is full; make room or choose another disk (ENOSPC); what was there before is untouched`,
      );
      expect(await readFile(at("model"), "utf8")).toBe("old");
      expect(await readdir(folder)).toEqual(["model"]);
    },
  );

  test("the folder is synced behind the new file, so that its name lasts", async () => {
    const synced: string[] = [];
    const open = fsp.open;
    vi.spyOn(fsp, "open").mockImplementation(async (path, ...more) => {
      const file = await open(path, ...more);
      const sync = file.sync.bind(file);
      file.sync = () => {
        synced.push(basename(String(path)));
        return sync();
      };
      return file;
    });
    await writeFileAtomic(at("model"), "new");
    expect(synced).toEqual([expect.stringMatching(/^\.model\..*\.tmp$/), basename(folder)]);
  });

  test("a failure that has no explanation here is told as the system tells it", async () => {
    vi.spyOn(fsp, "open").mockRejectedValue(
      Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" }),
    );
    await expect(writeFileAtomic(at("model"), "new")).rejects.toThrow(
      `${at("model")}: 3 bytes could not be written: EMFILE: too many open files; what was there before is untouched`,
    );
  });

  describe("temporary files that were left behind", () => {
    /** The name of the temporary file of a save of this process. */
    async function temporaryName(target: string): Promise<string> {
      const rename = vi.spyOn(fsp, "rename");
      await writeFileAtomic(target, "old");
      const from = rename.mock.calls[0]![0] as string;
      rename.mockRestore();
      return from;
    }
    function ofProcess(name: string, pid: number): string {
      const other = name.replace(`-${process.pid}-`, `-${pid}-`);
      expect(other).not.toBe(name);
      return other;
    }
    const deadProcess = () => spawnSync(process.execPath, ["--version"]).pid;

    test("by a killed process are removed by the next save of the same file, and no others", async () => {
      const dead = deadProcess();
      const left = ofProcess(await temporaryName(at("model")), dead);
      const ofAnother = ofProcess(await temporaryName(at("model.old")), dead);
      const ofAnotherMachine = left.replace(/[0-9a-f]{8}(?=-\d+-)/, "00000000");
      const similar = `${left}.keep`;
      for (const name of [left, ofAnother, ofAnotherMachine, similar]) await writeFile(name, "half");
      await writeFileAtomic(at("model"), "new");
      expect((await readdir(folder)).sort()).toEqual(
        [ofAnother, ofAnotherMachine, similar, at("model"), at("model.old")].map((name) => basename(name)).sort(),
      );
    });

    test("by a living process stay, whoever it is", async () => {
      const own = await temporaryName(at("model"));
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
      try {
        const others = [own, ofProcess(own, child.pid!), ofProcess(own, process.ppid)];
        for (const name of others) await writeFile(name, "half");
        await writeFileAtomic(at("model"), "new");
        expect((await readdir(folder)).sort()).toEqual([...others.map((name) => basename(name)), "model"].sort());
      } finally {
        child.kill();
      }
    });

    test("by an earlier process with this one's number are removed, as in containers, where it is always the same", async () => {
      const own = await temporaryName(at("model"));
      await writeFile(own, "half");
      await utimes(own, 1, 1);
      await writeFileAtomic(at("model"), "new");
      expect(await readdir(folder)).toEqual(["model"]);
    });

    test("make no save fail", async () => {
      const left = ofProcess(await temporaryName(at("model")), deadProcess());
      await mkdir(left); // what cannot be removed as a file
      await writeFileAtomic(at("model"), "new");
      expect(await readFile(at("model"), "utf8")).toBe("new");
    });

    test("of two saves at once in one process do not disturb each other", async () => {
      await Promise.all(Array.from({ length: 8 }, (_, i) => writeFileAtomic(at("model"), `${i}`)));
      expect(await readdir(folder)).toEqual(["model"]);
      expect(await readFile(at("model"), "utf8")).toMatch(/^[0-7]$/);
    });
  });

  test("a device is written to, never replaced", async (context) => {
    if (process.platform !== "linux") context.skip("/dev/full is Linux's");
    await writeFileAtomic("/dev/null", "gone");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    await expect(writeFileAtomic("/dev/full", "x")).rejects.toThrow("the disk is full");
    expect((await stat("/dev/full")).isCharacterDevice()).toBe(true);
  });

  test("a file that may not be replaced", async (context) => {
    if (process.getuid?.() === 0) context.skip("root may write anywhere");
    await make({ "locked/model": "old" });
    await chmod(at("locked"), 0o500);
    await expect(writeFileAtomic(at("locked/model"), "new")).rejects.toThrow("permission denied");
    await chmod(at("locked"), 0o700);
    expect(await readFile(at("locked/model"), "utf8")).toBe("old");
  });
});
