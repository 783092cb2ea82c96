import { checkCount, checkOptions, OptionError, ShapeError } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor-data.ts";

// Gates have one name each here, whatever a framework calls them: LSTM i f g o (g is ONNX's and Keras's c), GRU r z n
// (n is ONNX's and Keras's h), RNN h. All four frameworks update a GRU alike, h = (1 - z) * n + z * h, so z keeps its sign.

/** Frameworks whose weights can be converted. */
export const weightLayoutNames = ["onnx", "keras", "webnn", "pytorch"] as const;

/** How a framework packs the weights of a recurrent layer. */
export type WeightLayout = (typeof weightLayoutNames)[number];

/** Layers that other frameworks know too. */
export type WeightLayoutCell = "lstm" | "gru" | "rnn";

/** Which of our layers is meant, and what the tensors alone do not tell. */
export interface WeightLayoutOptions {
  /** Number of our layer, the n in `weight_ih_ln`; default 0. */
  readonly layer?: number;
  /** Where our module stands in its model, such as `encoder.rnn`; default "": it is the model. */
  readonly path?: string;
  /** WebNN's option `layout`: `iofg` (default) or `ifgo` for LSTM, `zrn` (default) or `rzn` for GRU. The others have one order. */
  readonly gateOrder?: string;
  /** ONNX's `input_forget: 1`, which is our LSTM's `coupledGates`; default false. */
  readonly coupledGates?: boolean;
  /**
   * Of a Keras GRU: its `reset_after`, which is our GRU's `resetAfter`. Its bias is `[2,3*H]` when true (default) and `[3*H]`
   * when false; one of the other form is refused. Tensors without a bias, and those of ONNX and WebNN, do not tell.
   */
  readonly resetAfter?: boolean;
}

export type Part = "weight_ih" | "weight_hh" | "bias_ih" | "bias_hh" | "peephole" | "weight_hr";

export interface Format {
  /** Gates in the order in which they are packed; the first order is the default. */
  readonly orders: Readonly<Record<WeightLayoutCell, readonly string[]>>;
  /** What the tensors are called. */
  readonly names: Readonly<Partial<Record<Part, string>>>;
  /** A tensor's name in one direction; undefined: both directions are one tensor with a first axis D. */
  readonly direction?: (name: string, direction: number, D: number) => string;
  /** Matrices are `[columns,G*H]`, else `[G*H,columns]`. */
  readonly transposed: boolean;
  /** Biases in one tensor, one behind the other: as a vector (ONNX), or as rows unless there is only one (Keras). */
  readonly biases: "separate" | "vector" | "rows";
}

const suffixes = ["", "_reverse"] as const;

const formats: Readonly<Record<WeightLayout, Format>> = {
  onnx: {
    orders: { lstm: ["iofg"], gru: ["zrn"], rnn: ["h"] },
    names: { weight_ih: "W", weight_hh: "R", bias_ih: "B", bias_hh: "B", peephole: "P" },
    transposed: false,
    biases: "vector",
  },
  keras: {
    orders: { lstm: ["ifgo"], gru: ["zrn"], rnn: ["h"] },
    names: { weight_ih: "kernel", weight_hh: "recurrent_kernel", bias_ih: "bias", bias_hh: "bias" },
    direction: (name, direction, D) =>
      D === 1 ? name : `${direction === 0 ? "forward_layer" : "backward_layer"}/${name}`,
    transposed: true,
    biases: "rows",
  },
  webnn: {
    orders: { lstm: ["iofg", "ifgo"], gru: ["zrn", "rzn"], rnn: [] },
    names: {
      weight_ih: "weight",
      weight_hh: "recurrentWeight",
      bias_ih: "bias",
      bias_hh: "recurrentBias",
      peephole: "peepholeWeight",
    },
    transposed: false,
    biases: "separate",
  },
  pytorch: {
    orders: { lstm: ["ifgo"], gru: ["rzn"], rnn: ["h"] },
    names: {
      weight_ih: "weight_ih_l0",
      weight_hh: "weight_hh_l0",
      bias_ih: "bias_ih_l0",
      bias_hh: "bias_hh_l0",
      weight_hr: "weight_hr_l0",
    },
    direction: (name, direction) => name + suffixes[direction],
    transposed: false,
    biases: "separate",
  },
};

/** Our own order. */
const ownOrders: Readonly<Record<WeightLayoutCell, string>> = { lstm: "ifgo", gru: "rzn", rnn: "h" };

/** A gate of ours, the gate of theirs that it is, and the factor between them. */
interface Gate {
  readonly gate: string;
  readonly of: string;
  readonly sign: 1 | -1;
}

/** For a matrix whose rows have one order everywhere. */
const noGate: readonly Gate[] = [{ gate: "", of: "", sign: 1 }];

/** What was asked for, checked. */
export interface Conversion {
  /** For messages. */
  readonly what: string;
  readonly format: Format;
  readonly cell: WeightLayoutCell;
  readonly order: string;
  readonly gates: readonly Gate[];
  readonly layer: number;
  readonly prefix: string;
}

export interface Sizes {
  readonly D: number;
  readonly H: number;
  readonly I: number;
  /** Length of the state that R is multiplied with: P with a projection, else H. */
  readonly R: number;
  /** Biases that they have. */
  readonly biases: 0 | 1 | 2;
  readonly peepholes: boolean;
  readonly projected: boolean;
}

/** A tensor of ours and where its elements are in theirs. */
export interface Link {
  readonly ours: string;
  readonly shape: Shape;
  readonly theirs: string;
  readonly theirShape: Shape;
  /** They have one bias for the sum of ours: this one is 0 when it comes, and added when it goes. */
  readonly added: boolean;
  /** The element of theirs by the row and column of ours (a vector has one column), and the factor between them. */
  at(row: number, column: number): readonly [element: number, sign: number];
}

interface Place {
  readonly offset: number;
  readonly row: number;
  readonly column: number;
  readonly own: readonly Gate[];
  readonly packed: string;
}

export function checkConversion(
  layout: WeightLayout,
  cell: WeightLayoutCell,
  options: WeightLayoutOptions,
): Conversion {
  if (!Object.hasOwn(formats, layout))
    throw new OptionError(`weights: layout is "${layout}", expected one of ${weightLayoutNames.join(", ")}`);
  const what = `${layout} ${cell} weights`;
  if (!Object.hasOwn(ownOrders, cell))
    throw new OptionError(`${layout} weights: cell is "${cell}", expected one of ${Object.keys(ownOrders).join(", ")}`);
  checkOptions(what, options, ["layer", "path", "gateOrder", "coupledGates", "resetAfter"]);
  const { layer = 0, path = "", gateOrder, coupledGates = false, resetAfter } = options;
  const format = formats[layout];
  const orders = format.orders[cell];
  if (orders.length === 0) throw new OptionError(`${what}: ${layout} has no ${cell}, only lstm and gru`);
  if (gateOrder !== undefined && !orders.includes(gateOrder))
    throw new OptionError(`${what}: gateOrder is "${gateOrder}", expected ${orders.join(" or ")}`);
  if (coupledGates && !(layout === "onnx" && cell === "lstm"))
    throw new OptionError(`${what}: coupledGates is for layout "onnx" and cell "lstm"; leave it out`);
  if (resetAfter !== undefined && !(layout === "keras" && cell === "gru"))
    throw new OptionError(`${what}: resetAfter is for layout "keras" and cell "gru"; leave it out`);
  // ONNX couples by f = 1 - i, our cell by i = 1 - f. With sigmoids 1 - σ(a) = σ(-a): f is i with its sign changed.
  const gates = [...(coupledGates ? "fgo" : ownOrders[cell])].map(
    (gate): Gate => (coupledGates && gate === "f" ? { gate, of: "i", sign: -1 } : { gate, of: gate, sign: 1 }),
  );
  const prefix = path === "" ? "" : `${path}.`;
  return {
    what,
    format,
    cell,
    order: gateOrder ?? orders[0]!,
    gates,
    layer: checkCount(what, "layer", layer, 0),
    prefix,
  };
}

/** What they call a part; "" when they have none. */
export function theirName({ names, direction }: Format, part: Part, d: number, D: number): string {
  const name = names[part] ?? "";
  return direction ? direction(name, d, D) : name;
}

/** Every tensor of a layer of ours. @throws ShapeError when a projection would widen */
export function linksOf({ format, order, gates, layer, prefix, what }: Conversion, sizes: Sizes): Link[] {
  const { D, H, I, R, biases, peepholes, projected } = sizes;
  if (R > H)
    throw new ShapeError(`${what}: weight_hr is [${R},${H}]; a projection has at most as many rows as columns`);
  const [rows, theirRows] = [gates.length * H, order.length * H];
  const bias =
    biases === 1
      ? [theirRows]
      : { separate: [theirRows], vector: [2 * theirRows], rows: [2, theirRows] }[format.biases];
  const second = biases === 1 || format.biases === "separate" ? 0 : theirRows;
  const links: Link[] = [];
  for (let d = 0; d < D; d++) {
    /** `shape` is theirs without D; unit u of the gate at place k of `packed` begins at `offset + row * (k * H + u)`. */
    const link = (ours: string, ownShape: Shape, part: Part, shape: Shape, place: Partial<Place> = {}) => {
      const { offset = 0, row = 1, column = 0, own = gates, packed = order } = place;
      const start = offset + (format.direction ? 0 : d * sizeOf(shape));
      links.push({
        ours: `${prefix}${ours}_l${layer}${suffixes[d]}`,
        shape: ownShape,
        theirs: theirName(format, part, d, D),
        theirShape: format.direction ? shape : [D, ...shape],
        added: part === "bias_hh" && biases === 1,
        at: (r, c) => {
          const { of, sign } = own[Math.floor(r / H)]!;
          return [start + (packed.indexOf(of) * H + (r % H)) * row + c * column, sign];
        },
      });
    };
    const matrix = (part: "weight_ih" | "weight_hh", columns: number) =>
      format.transposed
        ? link(part, [rows, columns], part, [columns, theirRows], { column: theirRows })
        : link(part, [rows, columns], part, [theirRows, columns], { row: columns, column: 1 });
    matrix("weight_ih", I);
    matrix("weight_hh", R);
    if (biases > 0) {
      link("bias_ih", [rows], "bias_ih", bias);
      link("bias_hh", [rows], "bias_hh", bias, { offset: second });
    }
    if (projected) link("weight_hr", [R, H], "weight_hr", [R, H], { row: H, column: 1, own: noGate });
    for (const gate of gates) {
      if (peepholes && gate.gate !== "g")
        link(`peephole_${gate.gate}`, [H], "peephole", [3 * H], { own: [gate], packed: "iof" });
    }
  }
  return links;
}
