/** ONNX: a graph of operators with its weights. */
import { Runtime, type TensorData } from "webgpu-rnn";
import { importOnnx, inspectOnnx } from "webgpu-rnn/onnx";
import { MadeUp, type Reader } from "../file.ts";
import { layersOf } from "../layers.ts";

const read: Reader = async (bytes, { name, seed, steps }) => {
  // The import first: what it refuses a file for has the name of the file.
  const model = importOnnx(bytes, { name });
  const { producer, opset, operators } = inspectOnnx(bytes);
  const runtime = await Runtime.open({ backend: "cpu" });
  try {
    const weights = await runtime.stateDict(model);
    const madeUp = new MadeUp(seed);
    const inputs = Object.fromEntries(
      model.inputs.map(({ name, type, shape = [] }): [string, TensorData] => {
        // An axis without a length is a batch of one, or as long as there are steps.
        const lengths = shape.map((length) =>
          typeof length === "number" && length > 0 ? length : /batch|^[bn]$/i.test(String(length)) ? 1 : steps,
        );
        const isFloat = type === undefined || /FLOAT|DOUBLE/.test(type);
        return [name, isFloat ? madeUp.numbers(...lengths) : madeUp.tokens(2, ...lengths)];
      }),
    );
    const tensors = Object.entries(weights).map(([path, { shape, data }]) => ({
      name: path,
      type: "F32",
      shape,
      bytes: data.byteLength,
    }));
    return {
      facts: {
        ...{ name, bytes: bytes.length, kind: "onnx" as const, tensors, operators, isWhole: true },
        detail: [producer, `opset ${opset}`].filter(Boolean).join(", "),
        layers: layersOf(weights)
          .layers.filter(({ path }) => path.startsWith("layers."))
          .map(({ make: _, ...rest }) => rest),
        others: [],
      },
      model: { inputs, open: async () => importOnnx(bytes, { name }) },
    };
  } finally {
    runtime.dispose();
  }
};

export default read;
