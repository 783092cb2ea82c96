// Control flow: which branch is taken and how many steps there are is known when the graph is traced, so it is written out.
import { ShapeError } from "../../errors.ts";
import { functional as F } from "../../index.ts";
import { axisOf, concatenated, sliced } from "../host-array.ts";
import type { Call, Operators } from "../operator.ts";
import { deviceOf, hostOf, isHost, reshaped, tensorOf, type Value } from "../values.ts";

/** Values of one shape beside each other along a new axis. */
function stacked(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (!first) throw new ShapeError("there are no steps, so what they return is not known");
  const at = axisOf(axis, first.shape.length + 1);
  const shape = [...first.shape.slice(0, at), 1, ...first.shape.slice(at)];
  if (values.every(isHost))
    return concatenated(
      values.map((value) => reshaped(value, shape)),
      at,
    );
  return deviceOf(first.type, F.stack(values.map(tensorOf), at));
}

/** One entry of an axis, which the result does not have. */
function entry(value: Value, index: number, axis: number): Value {
  if (!isHost(value)) return deviceOf(value.type, value.tensor.select(index, axis));
  const shape = value.shape.filter((_, at) => at !== axis);
  return reshaped(sliced(value, axis, index, 1, 1), shape);
}

/** The outputs of several steps, by output. */
const columns = (rows: readonly (readonly Value[])[], count: number): Value[][] =>
  Array.from({ length: count }, (_, i) => rows.map((row) => row[i]!));

function loop(call: Call): readonly Value[] {
  const body = call.graph("body");
  const most = call.single(0) ?? Number.POSITIVE_INFINITY;
  let goesOn = (call.single(1) ?? 1) !== 0;
  let carried = call.inputs.slice(2).map((_, i) => call.input(i + 2));
  const rows: Value[][] = [];
  for (let step = 0; step < most && goesOn; step++) {
    const inputs = [hostOf("INT64", [], [step]), hostOf("BOOL", [], [1]), ...carried];
    const [condition, ...results] = call.run(body, inputs);
    if (!condition || !isHost(condition))
      throw new ShapeError(
        "whether there is a next step is computed from the numbers that the model is given, and must be known from their shapes alone",
      );
    goesOn = condition.data[0] !== 0;
    rows.push(results.slice(carried.length));
    carried = results.slice(0, carried.length);
  }
  const scanned = body.outputs.length - 1 - carried.length;
  const wanted = Math.min(scanned, call.outputs - carried.length);
  return [...carried, ...columns(rows, Math.max(0, wanted)).map((values) => stacked(values, 0))];
}

function scan(call: Call): readonly Value[] {
  const body = call.graph("body");
  const count = call.number("num_scan_inputs", 0);
  const states = call.inputs.length - count;
  if (states < 0) throw new ShapeError(`num_scan_inputs is ${count}, and there are ${call.inputs.length} inputs`);
  const sequences = call.inputs.slice(states).map((_, i) => {
    const value = call.input(states + i);
    const axis = axisOf(call.numbers("scan_input_axes", [])[i] ?? 0, value.shape.length);
    return { value, axis, fromEnd: call.numbers("scan_input_directions", [])[i] === 1 };
  });
  const lengths = new Set(sequences.map(({ value, axis }) => value.shape[axis]!));
  const [T] = lengths;
  if (lengths.size !== 1)
    throw new ShapeError(`sequences have ${[...lengths].join(" and ")} steps, expected one number`);
  let carried = call.inputs.slice(0, states).map((_, i) => call.input(i));
  const rows: Value[][] = [];
  for (let t = 0; t < T!; t++) {
    const entries = sequences.map(({ value, axis, fromEnd }) => entry(value, fromEnd ? T! - 1 - t : t, axis));
    const results = call.run(body, [...carried, ...entries]);
    carried = results.slice(0, states);
    rows.push(results.slice(states));
  }
  const outputs = columns(rows, body.outputs.length - states).map((values, i) => {
    const ordered = call.numbers("scan_output_directions", [])[i] === 1 ? values.reverse() : values;
    return stacked(ordered, call.numbers("scan_output_axes", [])[i] ?? 0);
  });
  return [...carried, ...outputs];
}

export const control: Operators = {
  If: {
    inputs: 1,
    outputs: [1, Number.POSITIVE_INFINITY],
    attributes: { then_branch: "graph", else_branch: "graph" },
    device: (call) => call.run(call.graph(call.single(0) ? "then_branch" : "else_branch"), []),
  },
  Loop: {
    inputs: [0, Number.POSITIVE_INFINITY],
    outputs: [1, Number.POSITIVE_INFINITY],
    attributes: { body: "graph" },
    device: loop,
  },
  Scan: {
    inputs: [1, Number.POSITIVE_INFINITY],
    outputs: [1, Number.POSITIVE_INFINITY],
    attributes: {
      body: "graph",
      num_scan_inputs: "int",
      scan_input_axes: "ints",
      scan_input_directions: "ints",
      scan_output_axes: "ints",
      scan_output_directions: "ints",
    },
    since: 9,
    device: scan,
  },
};
