/** ONNX files with the inputs and outputs of models for sound that are published, which compute next to nothing. */
import { elementTypes, encode, type NewMessage } from "../../src/onnx/proto.ts";

const value = (name: string, ...lengths: (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes.FLOAT,
      shape: { dim: lengths.map((n) => (typeof n === "number" ? { dimValue: n } : { dimParam: n })) },
    },
  },
});
const scalar = (name: string, x: number) => ({ name, dims: [], dataType: elementTypes.FLOAT, floatData: [x] });
const node = (opType: string, input: string[], output: string) => ({ opType, name: output, input, output: [output] });

const file = (graph: NewMessage<"GraphProto">): Uint8Array =>
  encode("ModelProto", { irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph: { name: "main", ...graph } });

const state = [1, 2, 4, 2];

/** Stages of a denoiser that leave sound as it is: a mask of ones, and a quarter of each frame, of which four overlap. */
export const stagesThatKeep = () => ({
  model1: file({
    input: [value("magnitudes", 1, 1, 257), value("before", ...state)],
    output: [value("mask", 1, 1, 257), value("after", ...state)],
    initializer: [scalar("zero", 0), scalar("one", 1)],
    node: [
      node("Mul", ["magnitudes", "zero"], "nothing"),
      node("Add", ["nothing", "one"], "mask"),
      node("Identity", ["before"], "after"),
    ],
  }),
  model2: file({
    input: [value("frame", 1, 1, 512), value("before", ...state)],
    output: [value("clean", "N", 1, 512), value("after", "N", 2, 4, 2)],
    initializer: [scalar("quarter", 0.25)],
    node: [node("Mul", ["frame", "quarter"], "clean"), node("Identity", ["before"], "after")],
  }),
});

/** A second stage whose frames become louder: the k-th one is k quarters of what came in. */
export const stageThatCounts = (): Uint8Array =>
  file({
    input: [value("frame", 1, 1, 512), value("before", ...state)],
    output: [value("clean", 1, 1, 512), value("after", ...state)],
    initializer: [
      scalar("quarter", 0.25),
      { name: "axes", dims: [2], dataType: elementTypes.INT64, int64Data: [1, 3] },
      { name: "shape", dims: [3], dataType: elementTypes.INT64, int64Data: [1, 1, 1] },
    ],
    node: [
      node("Add", ["before", "quarter"], "after"),
      { ...node("ReduceMean", ["after"], "mean"), attribute: [{ name: "keepdims", type: 2, i: 0 }] },
      node("Reshape", ["mean", "shape"], "share"),
      node("Mul", ["frame", "share"], "clean"),
    ],
  });

/** A voice activity detector: the mean of the samples that it sees, the first 64 of which it saw before. */
export const detectorOfMeans = (): Uint8Array =>
  file({
    input: [
      value("input", "batch", "samples"),
      value("state", 2, "batch", 128),
      { name: "sr", type: { tensorType: { elemType: elementTypes.INT64, shape: { dim: [] } } } },
    ],
    output: [value("output", "batch", 1), value("stateN", 2, "batch", 128)],
    node: [
      {
        ...node("ReduceMean", ["input"], "output"),
        attribute: [
          { name: "axes", type: 7, ints: [1] },
          { name: "keepdims", type: 2, i: 1 },
        ],
      },
      node("Identity", ["state"], "stateN"),
    ],
  });
