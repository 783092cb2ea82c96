/** Tensors of a file, of every element type and in both forms, as numbers. */
import { expect, test } from "vitest";
import { FileFormatError } from "../../src/errors.ts";
import { importOnnx } from "../../src/onnx/index.ts";
import { decode, type ElementType, elementTypes, encode, type NewMessage } from "../../src/onnx/proto.ts";
import { readTensor } from "../../src/onnx/tensor-proto.ts";
import { runtimesForTests } from "../support/backends.ts";
import { node, onnxFile, tensor, valueInfo } from "../support/onnx-graphs.ts";

const read = (message: NewMessage<"TensorProto">) =>
  readTensor(decode("TensorProto", encode("TensorProto", message)), "t");
const raw = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** 1, -2, 0.5 and 0 as halves, and as the upper halves of float32. */
const halves = [0x3c00, 0xc000, 0x3800, 0];
const bfloats = [0x3f80, 0xc000, 0x3f00, 0];
const four = [1, -2, 0.5, 0];

const cases: readonly [
  type: ElementType,
  fields: NewMessage<"TensorProto">,
  bytes: ArrayBufferView,
  numbers: number[],
][] = [
  ["FLOAT", { floatData: four }, Float32Array.from(four), four],
  ["DOUBLE", { doubleData: [0.1, -1e300] }, Float64Array.of(0.1, -1e300), [0.1, -1e300]],
  ["FLOAT16", { int32Data: halves }, Uint16Array.from(halves), four],
  ["BFLOAT16", { int32Data: bfloats }, Uint16Array.from(bfloats), four],
  ["INT8", { int32Data: [-128, 127] }, Int8Array.of(-128, 127), [-128, 127]],
  ["UINT8", { int32Data: [0, 255] }, Uint8Array.of(0, 255), [0, 255]],
  ["INT16", { int32Data: [-32768, 5] }, Int16Array.of(-32768, 5), [-32768, 5]],
  ["UINT16", { int32Data: [65535] }, Uint16Array.of(65535), [65535]],
  ["INT32", { int32Data: [-(2 ** 31), 7] }, Int32Array.of(-(2 ** 31), 7), [-(2 ** 31), 7]],
  ["UINT32", { uint64Data: [2 ** 32 - 1] }, Uint32Array.of(2 ** 32 - 1), [2 ** 32 - 1]],
  ["INT64", { int64Data: [-(2 ** 40), 3] }, BigInt64Array.of(-(2n ** 40n), 3n), [-(2 ** 40), 3]],
  ["UINT64", { uint64Data: [2 ** 40] }, BigUint64Array.of(2n ** 40n), [2 ** 40]],
  ["BOOL", { int32Data: [1, 0] }, Uint8Array.of(1, 0), [1, 0]],
  ["INT4", { int32Data: [0x8f, 0x07] }, Uint8Array.of(0x8f, 0x07), [-1, -8, 7]],
  ["UINT4", { int32Data: [0x8f, 0x07] }, Uint8Array.of(0x8f, 0x07), [15, 8, 7]],
];

test.each(cases)("%s is read from its fields and from raw bytes", (type, fields, bytes, numbers) => {
  const base = { dims: [numbers.length], dataType: elementTypes[type] };
  expect([...read({ ...base, ...fields }).data]).toEqual(numbers);
  expect([...read({ ...base, rawData: raw(bytes) }).data]).toEqual(numbers);
  // One number more than there are.
  const longer = { ...base, dims: [numbers.length + 2] };
  expect(() => read({ ...longer, ...fields })).toThrow(FileFormatError);
  expect(() => read({ ...longer, rawData: raw(bytes) })).toThrow(FileFormatError);
});

test("what cannot be numbers is refused with its reason", () => {
  const base = { dims: [1], dataType: 1 };
  expect(() => read({ ...base, dataType: 8, stringData: [Uint8Array.of(1)] })).toThrow(
    "has elements of type STRING; known are FLOAT, FLOAT16",
  );
  expect(() => read({ ...base, dataType: 99 })).toThrow("of type 99");
  const external = { ...base, dataLocation: 1, externalData: [{ key: "location", value: "../../etc/passwd" }] };
  expect(() => read(external)).toThrow('in another file, "../../etc/passwd", which is not read');
  expect(() => read({ dims: [2 ** 20, 2 ** 20], dataType: 1, rawData: new Uint8Array(4) })).toThrow(
    "is FLOAT [1048576,1048576], which is 4398046511104 bytes, and has 4",
  );
  expect(() => read({ dims: [-1], dataType: 1 })).toThrow("expected at most 64 whole numbers of at least 0");
  expect(read({ dims: [0, 3], dataType: 1 }).data).toHaveLength(0);
});

const { runtimes } = await runtimesForTests();

test("halves and 8-bit weights are parameters in f32, under the names of their tensors", async () => {
  const file = encode("ModelProto", {
    irVersion: 8,
    opsetImport: [{ version: 17 }],
    graph: {
      input: [valueInfo("x", "FLOAT16", [2, 3])],
      output: [{ name: "y" }],
      initializer: [
        {
          name: "half",
          dims: [3, 2],
          dataType: elementTypes.FLOAT16,
          rawData: raw(Uint16Array.from([...halves, 0x3c00, 0x4000])),
        },
        { name: "quantized", dims: [2, 2], dataType: elementTypes.INT8, rawData: raw(Int8Array.of(10, -10, 20, 100)) },
        tensor("scale", { type: "FLOAT", shape: [2], values: [0.5, 0.25] }),
        tensor("zero", { type: "INT8", shape: [2], values: [0, 2] }),
      ],
      node: [
        node("MatMul", ["x", "half"], ["a"]),
        node("Cast", ["a"], ["b"], { to: elementTypes.FLOAT }),
        node("DequantizeLinear", ["quantized", "scale", "zero"], ["weight"], { axis: 1 }),
        node("MatMul", ["b", "weight"], ["y"]),
      ],
    },
  });
  const model = importOnnx(file);
  const dict = await runtimes.wasm.stateDict(model);
  expect(dict).toEqual({
    half: { shape: [3, 2], data: Float32Array.of(1, -2, 0.5, 0, 1, 2) },
    weight: { shape: [2, 2], data: Float32Array.of(5, -3, 10, 24.5) },
  });
  const { y } = await runtimes.wasm.predict(model, { shape: [2, 3], data: Float32Array.of(1, 2, 3, 0, 1, 0) });
  // x·half is [5,4] and [0.5,0].
  expect([...y!.data]).toEqual([65, 83, 2.5, -1.5]);
});

test("a model with its numbers in the fields of its tensors is the same", () => {
  const graph = { opset: 17, inputs: {}, nodes: [node("Neg", ["w"], ["y"])], outputs: ["y"] };
  const file = onnxFile({ ...graph, initializers: { w: { type: "INT32", shape: [2], values: [3, -4] } } });
  expect(importOnnx(file).forward({}).y!.source).toMatchObject({ values: [-3, 4] });
});
