/** PyTorch files that were damaged, or made to harm their reader: a FileFormatError, and nothing is run. */
import { readFileSync } from "node:fs";
import { strToU8, type Zippable, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { readPyTorch } from "../../src/pytorch/index.ts";
import { readDamaged, refusalOf } from "../support/damage.ts";

const folder = new URL("../recorded/pytorch/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

/** A pickle of protocol 2: text stands for itself, one byte each. */
const pickle = (...parts: (string | readonly number[])[]): Uint8Array =>
  Uint8Array.from(
    ["\x80\x02", ...parts, "."].flatMap((part) =>
      typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part,
    ),
  );
const word = (text: string) => [0x58, text.length, 0, 0, 0, ...strToU8(text)];
const long = (value: bigint) => [
  0x8a,
  8,
  ...Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n)),
];
const archive = (program: Uint8Array, others: Zippable = {}) =>
  zipSync({ "a/data.pkl": program, ...others }, { level: 0 });
const tuple = (...parts: (readonly number[] | string)[]) => ["(", ...parts, "t"];
const byte = (n: number) => [0x4b, n];

/** A tensor of storage "0". */
const tensor = (shape: readonly bigint[], strides: readonly bigint[], offset = 0n, length = 4n) => [
  "ctorch._utils\n_rebuild_tensor_v2\n",
  "(",
  ...tuple(word("storage"), "ctorch\nFloatStorage\n", word("0"), word("cpu"), long(length)),
  "Q",
  long(offset),
  ...tuple(...shape.map(long)),
  ...tuple(...strides.map(long)),
  "\x89",
  "N",
  "tR",
];
const read =
  (...parts: (string | readonly number[])[]) =>
  () =>
    readPyTorch(archive(pickle(...parts), { "a/data/0": new Uint8Array(16) }));
const dictOf = (...parts: (string | readonly number[])[]) => read("}", word("w"), ...parts, "s");

describe("code", () => {
  test.each([
    [
      "a call of os.system",
      ["cos\nsystem\n", word("true"), "\x85R"],
      /objects of os\.system, and no code of a file is ever run/,
    ],
    ["the same as protocol 4 writes it", [word("os"), word("system"), [0x93], word("true"), "\x85R"], /os\.system/],
    ["builtins.eval", ["cbuiltins\neval\n", word("1"), "\x85R"], /builtins\.eval/],
    ["a name that is on the list in another module", ["cos\nOrderedDict\n", ")R"], /os\.OrderedDict/],
    [
      "a class that is made without a call",
      ["c__main__\nNet\n", ")\x81", "}b"],
      /__main__\.Net.*model\.state_dict\(\)/,
    ],
    ["INST, which only protocol 0 has", ["(ios\nsystem\n"], /opcode 0x69/],
    ["an extension's code", [[0x82, 1]], /opcode 0x82/],
    ["a call of what is no function", [word("os"), ")R"], /calls what is no function/],
    ["a call of a storage's class", ["ctorch\nFloatStorage\n", ")R"], /calls what is no function/],
  ])("%s", (_, parts, message) => {
    expect(refusalOf(read(...(parts as (string | number[])[])))).toMatch(message);
  });

  test("all names that are refused are listed", () => {
    expect(refusalOf(read("(cos\nsystem\n", "csubprocess\nPopen\n", "cos\nsystem\n", "l"))).toMatch(
      /objects of os\.system, subprocess\.Popen,/,
    );
    expect(refusalOf(() => readPyTorch(bytesOf("whole-model.pt")))).toMatch(
      /__main__\.Tagger, torch\.nn\.modules\.batchnorm\.BatchNorm1d,.*is a whole model: in Python, torch\.save\(model\.state_dict\(\)/,
    );
    expect(refusalOf(() => readPyTorch(bytesOf("torch-script.pt")))).toMatch(/is TorchScript/);
  });
});

describe("tensors", () => {
  test.each([
    ["2^40 elements by strides of 0", dictOf(...tensor([2n ** 40n], [0n])), /would make 1099511627776 numbers/],
    ["axes whose product overflows", dictOf(...tensor(Array(8).fill(2n ** 40n), Array(8).fill(0n))), /would make/],
    ["a view beyond its storage", dictOf(...tensor([3n], [2n])), /reaches element 4 of a storage of 4/],
    ["a negative stride", dictOf(...tensor([2n], [-1n], 1n)), /which do not fit it/],
    ["more axes than strides", dictOf(...tensor([2n, 2n], [1n])), /which do not fit it/],
    [
      "a storage that is longer than its file",
      dictOf(...tensor([1n], [1n], 0n, 2n ** 40n)),
      /has 16 bytes, and 1099511627776 elements/,
    ],
    [
      "a storage that is not there",
      () => readPyTorch(archive(pickle("}", word("w"), ...tensor([1n], [1n]), "s"))),
      /storage "0" is not in the archive/,
    ],
  ])("%s", (_, call, message) => {
    expect(refusalOf(call)).toMatch(message);
  });

  test("many views of one storage have a limit together", () => {
    const many = Array.from({ length: 400 }, (_, i) => [
      word(`w${i}`),
      ...tensor([1000n, BigInt(i + 1)], [0n, 0n]),
    ]).flat();
    expect(refusalOf(read("}(", ...many, "u"))).toMatch(/is the most that are made of it/);
  });
});

describe("pickles", () => {
  test.each([
    ["lists in each other", read("]".repeat(5000) + "a".repeat(4999)), /nested more than 64 deep/],
    ["a list that contains itself", read("]q\x00h\x00a"), /contains itself/],
    ["a text that is longer than the file", read([0x58, 255, 255, 255, 127]), /needs 2147483647 more bytes/],
    ["a text of 2^63 bytes", read([0x8d, 0, 0, 0, 0, 0, 0, 0, 128]), /needs \d+ more bytes/],
    ["a number of 2^31 bytes", read([0x8b, 255, 255, 255, 127]), /whole number of 2147483647 bytes/],
    ["an end before anything", read(), /takes from an empty stack/],
    ["a mark that is not there", read("t"), /mark that is not there/],
    ["a memory that is not there", read("h\x05"), /recalls 5/],
    ["more than one value", read("NN"), /1 values more/],
    ["no end", () => readPyTorch(archive(Uint8Array.from([0x80, 2, 0x4e]))), /needs 1 more bytes/],
    ["protocol 0", () => readPyTorch(archive(strToU8("(dp0\n."))), /protocol 0 or 1/],
    ["protocol 6", () => readPyTorch(archive(Uint8Array.from([0x80, 6, 0x4e, 0x2e]))), /protocol 6/],
    ["a dict as a name", read("}", "}", "N", "s"), /as a name/],
    ["text that is no UTF-8", read([0x58, 1, 0, 0, 0, 0xff]), /not UTF-8/],
  ])("%s", (_, call, message) => {
    expect(refusalOf(call)).toMatch(message);
  });

  test("a value that is shared 2^60 times is one value", () => {
    const recall = (n: number) => [0x68, n];
    const twice = Array.from({ length: 60 }, (_, i) => ["]", [0x71, i + 1], "(", recall(i), recall(i), "e"]).flat();
    const { value } = readPyTorch(archive(pickle("(", "]", [0x71, 0], ...twice, "l")));
    const lists = value as unknown[][];
    expect(lists).toHaveLength(61);
    expect(lists[60]![0]).toBe(lists[60]![1]);
    expect(lists[60]![0]).toBe(lists[59]);
  });

  test("__proto__ is a name as any other", () => {
    const { value } = readPyTorch(archive(pickle("}", word("__proto__"), byte(1), "s")));
    expect(Object.entries(value as object)).toEqual([["__proto__", 1]]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("files", () => {
  test.each([
    ["nothing", new Uint8Array(0), /does not begin as a file of torch.save/],
    ["another pickle", pickle("}"), /is another pickle/],
    ["a zip archive of something else", zipSync({ "a.txt": strToU8("a") }), /without data\.pkl/],
    ["big-endian numbers", archive(pickle("}"), { "a/byteorder": strToU8("big") }), /big-endian/],
  ])("%s", (_, bytes, message) => {
    expect(refusalOf(() => readPyTorch(bytes))).toMatch(message);
  });

  test("cut off anywhere, it is refused", () => {
    for (const name of ["state-dict.pt", "state-dict.legacy.pt"]) {
      const file = bytesOf(name);
      for (let length = 0; length < file.length; length += 101) refusalOf(() => readPyTorch(file.slice(0, length)));
    }
  });

  test.each(["checkpoint.pt", "views.legacy.pt", "views.pt", "types.pt"])("damaged %s", (name) => {
    expect(readDamaged(bytesOf(name), readPyTorch, 1500, 12)).toBeGreaterThan(100);
  });
});
