/** The messages of ONNX: what is written is read again, and what is no ONNX file is refused. */
import { describe, expect, test } from "vitest";
import { FileFormatError } from "../../src/errors.ts";
import { inspectOnnx } from "../../src/onnx/inspect.ts";
import { attributeTypes, decode, elementTypes, encode, type NewMessage } from "../../src/onnx/proto.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const dims = (...lengths: (number | string)[]) => ({
  dim: lengths.map((n) => (typeof n === "number" ? { dimValue: n } : { dimParam: n })),
});
const value = (name: string, ...lengths: (number | string)[]) => ({
  name,
  type: { tensorType: { elemType: elementTypes.FLOAT, shape: dims(...lengths) } },
});
const inner: NewMessage<"GraphProto"> = {
  name: "then",
  node: [{ opType: "Identity", input: ["x"], output: ["y"] }],
  output: [value("y", "B", 2)],
};
const model: NewMessage<"ModelProto"> = {
  irVersion: 8,
  producerName: "a test",
  producerVersion: "1",
  opsetImport: [
    { domain: "", version: 17 },
    { domain: "com.example", version: 1 },
  ],
  metadataProps: [{ key: "k", value: "한글" }],
  graph: {
    name: "main",
    input: [value("x", "B", 2), value("w", 2, 2)],
    output: [value("y", "B", 2)],
    initializer: [
      { name: "w", dims: [2, 2], dataType: elementTypes.FLOAT, floatData: [1, -0.5, 0.25, 3] },
      { name: "raw", dims: [3], dataType: elementTypes.UINT8, rawData: bytes(0, 127, 255) },
      { name: "whole", dims: [4], dataType: elementTypes.INT64, int64Data: [0, -1, 2 ** 40, -(2 ** 53 - 1)] },
      { name: "double", dims: [1], dataType: elementTypes.DOUBLE, doubleData: [0.1] },
    ],
    node: [
      {
        name: "choice",
        opType: "If",
        input: ["c"],
        output: ["y"],
        attribute: [
          { name: "then_branch", type: attributeTypes.GRAPH, g: inner },
          { name: "alpha", type: attributeTypes.FLOAT, f: 0.5 },
          { name: "axis", type: attributeTypes.INT, i: -1 },
          { name: "mode", type: attributeTypes.STRING, s: bytes(97, 98) },
          { name: "axes", type: attributeTypes.INTS, ints: [0, -3, 7] },
          { name: "floats", type: attributeTypes.FLOATS, floats: [1.5, -2] },
          { name: "strings", type: attributeTypes.STRINGS, strings: [bytes(1), bytes()] },
        ],
      },
      { opType: "Own", domain: "com.example", input: ["y"], output: ["z"] },
    ],
  },
};

/** What was written is among what was read: lists that are absent are read as empty ones. */
function sameAs(read: unknown, written: unknown): void {
  if (written instanceof Uint8Array || typeof written !== "object" || written === null) {
    expect(read).toEqual(written);
    return;
  }
  for (const [key, part] of Object.entries(written)) sameAs((read as Record<string, unknown>)[key], part);
  if (Array.isArray(written)) expect(read).toHaveLength(written.length);
}

describe("messages of ONNX", () => {
  test("are read as they were written", () => {
    const read = decode("ModelProto", encode("ModelProto", model));
    sameAs(read, model);
    expect(encode("ModelProto", read)).toEqual(encode("ModelProto", model));
    expect(read.graph?.node[0]?.domain).toBeUndefined();
    expect(read.functions).toEqual([]);
  });

  test("have the field numbers and wire types of the format", () => {
    // Bytes by hand: field 2 varint 300, and field 8, packed 7: 5.
    const tensor = encode("TensorProto", { dims: [300], dataType: 7, int64Data: [5, -1], name: "n" });
    const minusOne = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    expect([...tensor]).toEqual([8, 172, 2, 16, 7, 58, 11, 5, ...minusOne, 66, 1, 110]);
  });

  test("have integers to 2^53 exactly, and the ends of int64", () => {
    for (const i of [0, 1, -1, 127, 128, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 1 - 2 ** 53, -(2 ** 63)])
      expect(decode("AttributeProto", encode("AttributeProto", { i })).i).toBe(i);
    const largest = encode("AttributeProto", { i: 2 ** 63 });
    expect([...largest]).toEqual([24, ...Array(8).fill(255), 127]);
    expect(decode("AttributeProto", largest).i).toBe(2 ** 63);
  });

  test("take lists packed and one by one, and pass over fields that are not known", () => {
    expect(decode("TensorProto", bytes(8, 2, 8, 3)).dims).toEqual([2, 3]);
    expect(decode("TensorProto", bytes(10, 2, 2, 3, 8, 4)).dims).toEqual([2, 3, 4]);
    expect(decode("TensorProto", bytes(58, 1, 5, 56, 6)).int64Data).toEqual([5, 6]);
    // Field 100 of each wire type.
    const unknown = bytes(0xa0, 6, 1, 0xa2, 6, 1, 9, 0xa5, 6, 1, 2, 3, 4, 0xa1, 6, 1, 2, 3, 4, 5, 6, 7, 8, 16, 1);
    expect(decode("TensorProto", unknown).dataType).toBe(1);
  });

  test("are refused when they end too early or too late, are of another type, or lie too deep", () => {
    const whole = encode("ModelProto", model);
    // A cut between two fields of the outermost message is a shorter message.
    const cut = Array.from({ length: whole.length }, (_, n) => whole.subarray(0, n));
    const refused = cut.filter((part) => {
      try {
        decode("ModelProto", part);
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(FileFormatError);
        return true;
      }
    });
    expect(cut.length - refused.length).toBeLessThan(8);
    expect(() => decode("TensorProto", bytes(13, 0, 0, 0, 0))).toThrow("field dims of TensorProto has wire type 5");
    expect(() => decode("TensorProto", bytes(74, 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow("truncated");
    expect(() => decode("TensorProto", bytes(3, 0, 0))).toThrow(FileFormatError);
    expect(() => decode("TensorProto", bytes(0, 1))).toThrow("does not end where it should");
    expect(() => decode("NodeProto", bytes(10, 1, 0xff))).toThrow("not UTF-8");
    let graph: NewMessage<"GraphProto"> = {};
    for (let i = 0; i < 34; i++) graph = { node: [{ attribute: [{ g: graph }] }] };
    expect(() => decode("GraphProto", encode("GraphProto", graph))).toThrow("more than 100 messages in each other");
  });

  test("that are to be written are checked", () => {
    expect(() => encode("TensorProto", { name: 3 } as never)).toThrow("TensorProto.name is 3, expected text");
    expect(() => encode("TensorProto", { nmae: "x" } as never)).toThrow('TensorProto has no field "nmae"');
    expect(() => encode("TensorProto", { dims: 3 } as never)).toThrow("TensorProto.dims is 3, expected a list");
    expect(() => encode("TensorProto", { dims: [0.5] })).toThrow("expected an integer");
    expect(() => encode("TensorProto", { rawData: "x" } as never)).toThrow("expected a Uint8Array");
    expect(() => encode("ModelProto", { graph: 1 } as never)).toThrow("expected a message");
  });
});

test("a summary says what a file holds", () => {
  const file = encode("ModelProto", model);
  expect(inspectOnnx(file)).toEqual({
    producer: "a test 1",
    opset: 17,
    inputs: [{ name: "x", type: "FLOAT", shape: ["B", 2] }],
    outputs: [{ name: "y", type: "FLOAT", shape: ["B", 2] }],
    operators: { Identity: 1, If: 1, "com.example:Own": 1 },
    parameters: 12,
    bytes: file.length,
  });
  expect(inspectOnnx(new ArrayBuffer(0)).operators).toEqual({});
});
