import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FileFormatError, ShapeError } from "../../src/errors.ts";
import { readJson } from "../../src/io/read-json.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import type { StateDict } from "../../src/tensor-data.ts";

/** A file with this header, as text or as data, and these bytes after it. */
function file(header: unknown, bytes: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const all = new Uint8Array(8 + json.length + bytes.length);
  new DataView(all.buffer).setBigUint64(0, BigInt(json.length), true);
  all.set(json, 8);
  all.set(bytes, 8 + json.length);
  return all;
}
const zeros = (n: number) => new Uint8Array(n);
const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const tensor = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("reading", () => {
  test("every dtype", () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0x3555);
    const brain = Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x7fc0, 0x8000, 0x0001, 0x4049);
    const parts: [string, ArrayBufferView, number][] = [
      ["F64", Float64Array.of(0.1, -2), 2],
      ["F32", Float32Array.of(0.5, Number.NaN, -0), 3],
      ["I64", BigInt64Array.of(-1n, 2147483647n, -2147483648n), 3],
      ["I32", Int32Array.of(-7), 1],
      ["F16", half, half.length],
      ["BF16", brain, brain.length],
    ];
    const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
    const bytes: number[] = [];
    for (const [dtype, data, n] of parts) {
      header[dtype] = tensor(dtype, [n], bytes.length, bytes.length + data.byteLength);
      bytes.push(...bytesOf(data));
    }
    const { tensors, metadata } = readSafetensors(file(header, bytes));
    expect(metadata).toEqual({ format: "pt" });
    const data = (name: string) => tensors[name]?.data;
    expect(data("F64")).toEqual(Float64Array.of(0.1, -2));
    expect(data("F32")).toEqual(Float32Array.of(0.5, Number.NaN, -0));
    expect(data("I64")).toEqual(Int32Array.of(-1, 2147483647, -2147483648));
    expect(data("I32")).toEqual(Int32Array.of(-7));
    expect(data("F16")).toEqual(
      Float32Array.of(1, -2, 65504, 2 ** -24, 2 ** -14, -0, 1 / 0, -1 / 0, Number.NaN, 0.333251953125),
    );
    expect(data("BF16")).toEqual(Float32Array.of(1, -2, 1 / 0, Number.NaN, -0, 2 ** -133, 3.140625));
  });

  test("scalars, empty tensors, an empty file, spaces after the header", () => {
    expect(readSafetensors(file("{}")).tensors).toEqual({});
    const { tensors } = readSafetensors(
      file(
        '{"scalar": {"dtype":"F32","shape":[],"data_offsets":[0,4]}, "empty": {"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}}   ',
        zeros(4),
      ),
    );
    expect(tensors).toEqual({
      scalar: { shape: [], data: new Float32Array(1) },
      empty: { shape: [3, 0], data: new Float32Array(0) },
    });
  });

  test("takes an ArrayBuffer, a view into a larger one and a Node Buffer, and copies", () => {
    const bytes = file({ a: tensor("I32", [2], 0, 8) }, bytesOf(Int32Array.of(3, 4)));
    const padded = new Uint8Array(bytes.length + 11);
    padded.set(bytes, 5);
    for (const input of [bytes.buffer as ArrayBuffer, padded.subarray(5, 5 + bytes.length), Buffer.from(bytes)]) {
      const { tensors } = readSafetensors(input);
      expect(tensors.a?.data).toEqual(Int32Array.of(3, 4));
      new Uint8Array(input instanceof Uint8Array ? input.buffer : input).fill(0);
      expect(tensors.a?.data).toEqual(Int32Array.of(3, 4));
    }
    expect(() => readSafetensors("text" as never)).toThrow(FileFormatError);
  });
});

describe("refusing", () => {
  const one = { a: tensor("F32", [1], 0, 4) };
  const cases: [string, Uint8Array, string][] = [
    ["a file of 7 bytes", zeros(7), "model: is 7 bytes long, and a safetensors file has at least 8"],
    ["an empty file", zeros(0), "is 0 bytes long"],
    ["zeros", zeros(64), "the header would be 0 bytes long, and the shortest is 2"],
    [
      "an absurd header length",
      new Uint8Array(64).fill(0xff),
      "18446744073709551615 bytes long, and can have at most 16777216",
    ],
    ["text", new TextEncoder().encode("This is not a safetensors file"), "is not a safetensors file"],
    [
      "what nothing is known of",
      new TextEncoder().encode("This is not a safetensors file"),
      "check the path; if it is a model in another format, load it",
    ],
    [
      "a zip",
      new TextEncoder().encode("PK\x03\x04 and more of it"),
      "it looks like a zip archive, as torch.save writes: load it",
    ],
    ["a pickle", Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9), "Python pickle"],
    ["HDF5", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0), "HDF5, as Keras writes"],
    ["a Git LFS pointer", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"), "run git lfs pull"],
    ["a header that is an array", file("[1, 2]"), "starts with byte 0x5b, expected 0x7b"],
    ["a header cut short", file(one, zeros(4)).slice(0, 20), "is truncated: the header is"],
    ["a header that is not JSON", file('{"a": }'), "the header is not JSON"],
    [
      "a header that is not UTF-8",
      (() => {
        const f = file('{"ab": 1}');
        f[10] = 0xff;
        return f;
      })(),
      "model: header: byte 0xff at position 2 is not UTF-8",
    ],
    [
      "data cut short",
      file({ a: tensor("F32", [2], 0, 8) }, zeros(7)),
      'model: tensor "a" has data_offsets [0, 8], but only 7 bytes follow the header: the file is truncated',
    ],
    [
      "data too long",
      file(one, zeros(6)),
      "2 bytes after the last tensor belong to none (the tensors end at 4, the file at 6)",
    ],
    ["data without tensors", file("{}", zeros(3)), "3 bytes after the last tensor"],
    [
      "overlap",
      file({ a: tensor("F32", [2], 0, 8), b: tensor("F32", [2], 4, 12) }, zeros(12)),
      'tensor "b" has data_offsets [4, 12] and overlaps tensor "a", which ends at 8',
    ],
    [
      "two tensors in one place",
      file({ a: tensor("F32", [1], 0, 4), b: tensor("F32", [1], 0, 4) }, zeros(4)),
      "overlaps",
    ],
    [
      "a hole",
      file({ a: tensor("F32", [1], 0, 4), b: tensor("F32", [1], 8, 12) }, zeros(12)),
      "bytes 4 to 8 belong to no tensor",
    ],
    ["a hole at the start", file({ a: tensor("F32", [1], 4, 8) }, zeros(8)), "bytes 0 to 4 belong to no tensor"],
    ["an empty tensor in a hole", file({ a: tensor("F32", [0], 3, 3) }, zeros(4)), "bytes 0 to 3"],
    [
      "a length that does not fit the shape",
      file({ a: tensor("F32", [2, 3], 0, 20) }, zeros(20)),
      'tensor "a" has shape [2,3] of F32, which is 24 bytes, but data_offsets [0, 20] hold 20',
    ],
    ["offsets the wrong way round", file({ a: tensor("F32", [1], 4, 0) }, zeros(4)), "hold -4"],
    [
      "sizes beyond all memory",
      file({ a: tensor("F32", [2 ** 52, 2 ** 52], 0, 4) }, zeros(4)),
      "but data_offsets [0, 4] hold 4",
    ],
    [
      "a duplicate tensor",
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        zeros(4),
      ),
      'the name "a" twice',
    ],
    [
      "a duplicate field",
      file('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', zeros(4)),
      'the name "dtype" twice',
    ],
    [
      "a dtype we cannot read",
      file({ a: tensor("U8", [4], 0, 4) }, zeros(4)),
      'tensor "a" has dtype "U8", and F64, F32, F16, BF16, I32, I64 can be read; convert it',
    ],
    ["a dtype from the prototype", file({ a: tensor("toString", [4], 0, 4) }, zeros(4)), 'has dtype "toString"'],
    ["no dtype", file({ a: { shape: [1], data_offsets: [0, 4] } }, zeros(4)), "has dtype undefined"],
    [
      "a negative length",
      file({ a: tensor("F32", [-1, -1], 0, 4) }, zeros(4)),
      "has shape [-1, -1], expected a list of whole numbers",
    ],
    ["a fraction as length", file({ a: tensor("F32", [1.5], 0, 6) }, zeros(6)), "has shape [1.5]"],
    ["a shape that is no list", file({ a: tensor("F32", "1", 0, 4) }, zeros(4)), 'has shape "1"'],
    [
      "no offsets",
      file({ a: { dtype: "F32", shape: [1] } }, zeros(4)),
      "has data_offsets undefined, expected [begin, end]",
    ],
    [
      "three offsets",
      file({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, zeros(4)),
      "has data_offsets [0, 4, 8]",
    ],
    ["an offset as text", file({ a: tensor("F32", [1], 0, "4") }, zeros(4)), 'has data_offsets [0, "4"]'],
    ["an unknown field", file({ a: { ...one.a, strides: [1] } }, zeros(4)), 'has the field "strides"'],
    ["a tensor that is a number", file({ a: 3 }), 'tensor "a" is 3, expected an object'],
    ["metadata that is not text", file({ __metadata__: { a: 1 } }), "__metadata__.a is 1, expected text"],
    ["metadata that is a list", file({ __metadata__: [] }), "__metadata__ is [], expected an object of texts"],
    [
      "a 64-bit integer beyond 32 bits",
      file({ n: tensor("I64", [2], 0, 16) }, bytesOf(BigInt64Array.of(1n, 2147483648n))),
      'tensor "n" has the I64 value 2147483648 at element 1, beyond 32 bits',
    ],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes, "model")).toThrow(FileFormatError);
    expect(() => readSafetensors(bytes, "model")).toThrow(message);
  });

  test("a duplicate in a long header, and none where texts only look like names", () => {
    const text = `"${'x\\\\\\"{\\u007d'.repeat(200_000)}"`;
    const read = (json: string) => readJson(json, "text");
    expect(() => read(`{"a": ${text}, "b": [{"a" : 1}, {"a": ":"}, "a", "a"]}`)).not.toThrow();
    expect(() => read(`{"a": ${text}, "b": [{"c": {}, "d": {}, "c" :{}}]}`)).toThrow('the name "c" twice');
    expect(() => read('{"": 1, "": 2}')).toThrow('text has the name "" twice');
  });
});

const values = fc.oneof(
  fc.float32Array({ maxLength: 12 }),
  fc.float64Array({ maxLength: 12 }),
  fc.int32Array({ maxLength: 12 }),
);
const name = fc.string({ unit: "binary" }).filter((key) => key !== "__metadata__");
const stateDict: fc.Arbitrary<StateDict> = fc
  .array(fc.tuple(name, values, fc.boolean()), { maxLength: 6 })
  .map((list) =>
    Object.fromEntries(list.map(([key, data, row]) => [key, { shape: row ? [1, data.length] : [data.length], data }])),
  );
const texts = fc.dictionary(name, fc.string({ unit: "binary" }), { maxKeys: 4 });

describe("writing", () => {
  test("what is written is read again, for any names, values and metadata", () => {
    fc.assert(
      fc.property(stateDict, texts, (tensors, metadata) => {
        const bytes = writeSafetensors(tensors, metadata);
        // The header is filled up with spaces to whole words of eight bytes, and not further.
        const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
        expect(header % 8).toBe(0);
        expect(Math.max(...bytes.subarray(header, 8 + header))).toBeGreaterThan(0x20);
        const read = readSafetensors(bytes);
        expect(Object.keys(read.tensors)).toEqual(Object.keys(tensors));
        for (const [key, { shape, data }] of Object.entries(tensors)) {
          expect(read.tensors[key]?.shape).toEqual(shape);
          expect(read.tensors[key]?.data.constructor).toBe(data.constructor);
          // Bit for bit, so that the payload of a NaN and the sign of 0 count.
          expect(bytesOf(read.tensors[key]?.data as Float32Array)).toEqual(bytesOf(data));
        }
        expect(Object.entries(read.metadata)).toEqual(Object.entries(metadata));
        expect(writeSafetensors(read.tensors, read.metadata)).toEqual(bytes);
      }),
    );
  });

  test("a stretch of a larger array is written as it is, and so is the sign of zero", () => {
    const large = {
      f32: Float32Array.of(9, 9, -0, 1, 0, 9),
      f64: Float64Array.of(9, 9, -0, 1, 0, 9),
      i32: Int32Array.of(9, 9, -1, 1, 0, 9),
    };
    const stretches = Object.fromEntries(
      Object.entries(large).map(([key, data]) => [key, { shape: [3], data: data.subarray(2, 5) }]),
    );
    const written = writeSafetensors(stretches);
    const { tensors } = readSafetensors(written);
    // toEqual tells 0 from -0.
    expect(tensors.f32?.data).toEqual(Float32Array.of(-0, 1, 0));
    expect(tensors.f64?.data).toEqual(Float64Array.of(-0, 1, 0));
    expect(tensors.i32?.data).toEqual(Int32Array.of(-1, 1, 0));
    const copies = Object.fromEntries(
      Object.entries(stretches).map(([key, { shape, data }]) => [key, { shape, data: data.slice() }]),
    );
    expect(written).toEqual(writeSafetensors(copies));
    // What is read lies in memory of its own, and takes no bytes of its neighbours.
    expect(tensors.f32?.data.buffer.byteLength).toBe(12);
  });

  test("a file that is a stretch of a larger one, at any offset", () => {
    const bytes = writeSafetensors({ a: { shape: [2], data: Float64Array.of(-0, 5) } }, { k: "v" });
    for (let offset = 0; offset < 9; offset++) {
      const larger = new Uint8Array(bytes.length + 20).fill(0x7b);
      larger.set(bytes, offset);
      const { tensors, metadata } = readSafetensors(larger.subarray(offset, offset + bytes.length));
      expect(tensors.a?.data).toEqual(Float64Array.of(-0, 5));
      expect(metadata).toEqual({ k: "v" });
    }
  });

  test("a zero with a sign is no length and no offset", () => {
    const entry = (shape: string, offsets: string) =>
      file(`{"a":{"dtype":"F32","shape":[${shape}],"data_offsets":[${offsets}]}}`);
    expect(readSafetensors(entry("0", "0,0")).tensors.a?.shape).toEqual([0]);
    expect(() => readSafetensors(entry("-0", "0,0"))).toThrow(FileFormatError);
    expect(() => readSafetensors(entry("0", "-0,0"))).toThrow(FileFormatError);
    expect(() => writeSafetensors({ a: { shape: [-0], data: new Float32Array(0) } })).toThrow(ShapeError);
  });

  test("the layout is the published one, aligned", () => {
    const bytes = writeSafetensors(
      { a: { shape: [1], data: Float32Array.of(1) }, b: { shape: [], data: Float64Array.of(2) } },
      { k: "v" },
    );
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)))).toEqual({
      __metadata__: { k: "v" },
      a: { dtype: "F32", shape: [1], data_offsets: [8, 12] },
      b: { dtype: "F64", shape: [], data_offsets: [0, 8] },
    });
    expect(bytes.subarray(8 + headerBytes)).toEqual(
      Uint8Array.of(...bytesOf(Float64Array.of(2)), ...bytesOf(Float32Array.of(1))),
    );
  });

  test("refuses what cannot be read again", () => {
    const data = new Float32Array(3);
    expect(() => writeSafetensors({ w: { shape: [2], data } })).toThrow(ShapeError);
    expect(() => writeSafetensors({ w: { shape: [2], data } })).toThrow(
      'tensor "w" has 3 values, and shape [2] does not fit that',
    );
    expect(() => writeSafetensors({ w: { shape: [3], data: new Uint8Array(3) as never } })).toThrow(ShapeError);
    expect(() => writeSafetensors({ __metadata__: { shape: [3], data } })).toThrow(FileFormatError);
    expect(() => writeSafetensors({}, { step: 3 as never })).toThrow("__metadata__.step is 3, expected text");
  });
});

describe("fuzzing: every input is either read or refused with a FileFormatError", () => {
  const readOrRefuse = (bytes: Uint8Array) => {
    try {
      readSafetensors(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(FileFormatError);
    }
  };

  test("any bytes, any JSON", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readOrRefuse));
    fc.assert(fc.property(fc.json(), fc.uint8Array({ maxLength: 16 }), (json, data) => readOrRefuse(file(json, data))));
  });

  test("any header of nearly the right form", () => {
    const number = fc.oneof(fc.nat(16), fc.integer(), fc.double(), fc.constant(null), fc.constant("4"));
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom("F64", "F32", "F16", "BF16", "I32", "I64", "U8"), fc.string()),
        shape: fc.oneof(fc.array(number, { maxLength: 3 }), fc.string()),
        data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string({ maxLength: 2 }), entry, { maxKeys: 3 }), fc.nat(24), (header, n) =>
        readOrRefuse(file(header, zeros(n))),
      ),
    );
  });

  test("a good file with one byte changed, cut off or added", () => {
    fc.assert(
      fc.property(stateDict, fc.nat(), fc.nat(255), (tensors, where, byte) => {
        const good = writeSafetensors(tensors, { config: "{}" });
        const position = where % good.length;
        const changed = good.slice();
        changed[position] = byte;
        readOrRefuse(changed);
        expect(() => readSafetensors(good.subarray(0, position))).toThrow(FileFormatError);
        expect(() => readSafetensors(Uint8Array.of(...good, byte))).toThrow(FileFormatError);
      }),
    );
  });
});
