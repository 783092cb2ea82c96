/** What WebNN's lstm, gru and their cells mean in our terms. */
import { importWeights, type StateDict, type TensorData } from "../../src/index.ts";
import { directionsFirst, type Layer, tensorOf } from "./run-layer.ts";

export interface WebnnTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface WebnnOptions {
  readonly returnSequence?: boolean;
  readonly direction?: "forward" | "backward" | "both";
  readonly layout?: string;
  readonly activations?: readonly string[];
  readonly resetAfter?: boolean;
}

export interface WebnnCall {
  readonly op: "lstm" | "lstmCell" | "gru" | "gruCell";
  readonly hiddenSize: number;
  readonly options: WebnnOptions;
  /** By the names of WebNN's arguments and options. */
  readonly tensors: Readonly<Record<string, WebnnTensor>>;
}

const roles = { lstm: ["gate", "cell", "hidden"], gru: ["gate", "candidate"] } as const;
const weightNames = ["weight", "recurrentWeight", "bias", "recurrentBias", "peepholeWeight"];

const capital = (name: string) => name[0]!.toUpperCase() + name.slice(1);

/** A cell is a layer of one step: its tensors have no axes of time and direction. */
export function webnnLayer({ op, hiddenSize, options, tensors }: WebnnCall): Layer {
  const cell = op.startsWith("lstm") ? "lstm" : "gru";
  const isCell = op.endsWith("Cell");
  const { direction = "forward", layout, activations, resetAfter = true } = options;
  const tensor = (name: string): TensorData | undefined => {
    const given = tensors[name];
    return given && tensorOf(isCell ? [1, ...given.shape] : given.shape, given.data);
  };
  const weights: StateDict = Object.fromEntries(
    weightNames.flatMap((name) => {
      const given = tensor(name);
      return given ? [[name, given] as const] : [];
    }),
  );
  const h = tensor(isCell ? "hiddenState" : "initialHiddenState");
  const c = tensor(isCell ? "cellState" : "initialCellState");
  const zero = (h ?? c) && tensorOf((h ?? c)!.shape, new Float32Array((h ?? c)!.data.length));
  return {
    cell,
    options: {
      inputSize: tensors.weight!.shape.at(-1),
      hiddenSize,
      bias: "bias" in weights || "recurrentBias" in weights,
      bidirectional: direction === "both",
      ...(direction === "backward" && { goBackwards: true }),
      ...("peepholeWeight" in weights && { peepholes: true }),
      ...(cell === "gru" && { resetAfter }),
      ...(activations && {
        activations: Object.fromEntries(roles[cell].map((role, i) => [role, capital(activations[i]!)])),
      }),
    },
    weights: importWeights("webnn", cell, weights, layout === undefined ? {} : { gateOrder: layout }),
    x: tensor("input")!,
    ...(zero && { state: { h: h ?? zero, ...(cell === "lstm" && { c: c ?? zero }) } }),
  };
}

/** WebNN's outputs in order: the final states `[D,B,H]`, and with returnSequence all outputs `[T,D,B,H]`; of a cell `[B,H]`. */
export function webnnOutputs({ op, options }: WebnnCall, { y, hn, cn }: StateDict): TensorData[] {
  const states = [hn!, ...(cn ? [cn] : [])];
  if (op.endsWith("Cell")) return states.map(({ shape, data }) => ({ shape: shape.slice(1), data }));
  return [...states, ...(options.returnSequence ? [directionsFirst(y!, options.direction === "both" ? 2 : 1)] : [])];
}
