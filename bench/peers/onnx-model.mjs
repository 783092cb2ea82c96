// An ONNX model of one recurrent layer, written field by field: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const bytes = (...numbers) => Uint8Array.from(numbers);
const join = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

function varint(value) {
  const all = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return bytes(...all, rest);
    all.push((rest % 128) + 128);
  }
}

/** Fields of protobuf: a number, and bytes (a message, a text, packed numbers). */
const number = (field, value) => join([varint(field * 8), varint(value)]);
const block = (field, content) => {
  const head = join([varint(field * 8 + 2), varint(content.length)]);
  const all = new Uint8Array(head.length + content.length);
  all.set(head);
  all.set(content, head.length);
  return all;
};
const text = (field, value) => block(field, new TextEncoder().encode(value));
/** Parts of a message, some of which are large. */
function message(...parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const FLOAT = 1;

const attribute = {
  /** AttributeProto: name, i, type INT. */
  int: (name, value) => block(5, message(text(1, name), number(3, value), number(20, 2))),
};

/** TensorProto: dims, data_type, name, raw_data. */
const initializer = (name, { shape, data }) =>
  block(
    5,
    message(
      ...shape.map((size) => number(1, size)),
      number(2, FLOAT),
      text(8, name),
      block(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    ),
  );

/** ValueInfoProto of an f32 tensor: name, type.tensor_type with elem_type and shape. */
function valueInfo(field, name, shape) {
  const dimensions = shape.map((size) => block(1, number(1, size)));
  const tensorType = block(1, message(number(1, FLOAT), block(2, message(...dimensions))));
  return block(field, message(text(1, name), block(2, tensorType)));
}

/**
 * One LSTM or GRU. `W`, `R` and `B` are ONNX's own, as `exportWeights("onnx", …)` gives them.
 * @param {object} options
 * @param options.inputs shapes of `X` and, with a state, of `h0` (and `c0`)
 * @param options.outputs shapes of those of `Y`, `Y_h` and `Y_c` that are wanted
 */
export function recurrentModel({ cell, H, weights, inputs, outputs }) {
  const states = cell === "lstm" ? ["h0", "c0"] : ["h0"];
  // An optional input or output that is not there has an empty name.
  const from = ["X", "W", "R", "B", ...("h0" in inputs ? ["", ...states] : [])];
  const to = ["Y", "Y_h", ...(cell === "lstm" ? ["Y_c"] : [])].map((name) => (name in outputs ? name : ""));
  const node = message(
    ...from.map((name) => text(1, name)),
    ...to.map((name) => text(2, name)),
    text(4, cell.toUpperCase()),
    attribute.int("hidden_size", H),
    ...(cell === "gru" ? [attribute.int("linear_before_reset", 1)] : []),
  );
  const graph = message(
    block(1, node),
    text(2, cell),
    ...Object.entries(weights).map(([name, tensor]) => initializer(name, tensor)),
    ...Object.entries(inputs).map(([name, shape]) => valueInfo(11, name, shape)),
    ...Object.entries(outputs).map(([name, shape]) => valueInfo(12, name, shape)),
  );
  // ModelProto: ir_version, graph, opset_import of the default domain.
  return message(number(1, 8), block(7, graph), block(8, number(2, 14)));
}
