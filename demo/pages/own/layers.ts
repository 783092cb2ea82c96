/** Layers by the names and shapes of their weights, as PyTorch has them, and a model of them. */
import { Embedding, GRU, LayerNorm, Linear, LSTM, Module, RNN, type StateDict, Tensor } from "webgpu-rnn";

export interface Layer {
  /** Before the names of its weights, such as `encoder.rnn`; empty for a layer alone. */
  readonly path: string;
  readonly type: "Embedding" | "LSTM" | "GRU" | "RNN" | "LayerNorm" | "Linear";
  /** What it reads: numbers in a step, or different tokens. */
  readonly reads: number;
  readonly gives: number;
  readonly numLayers?: number;
  readonly bidirectional?: boolean;
  /** Of its weights in the file. */
  readonly names: readonly string[];
  make(): Module;
}

type Found = Layer | undefined;

/** In this order they usually stand in a model. */
const order: readonly Layer["type"][] = ["Embedding", "LSTM", "GRU", "RNN", "LayerNorm", "Linear"];
const recurrentName = /^(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?$/;

/** LSTM has four gates and GRU three, each as high as R is wide; what RNN and GRU have beside that is not in a file: the usual. */
function recurrentLayer(path: string, own: StateDict, names: readonly string[]): Found {
  const [W, R, projection] = [own.weight_ih_l0, own.weight_hh_l0, own.weight_hr_l0];
  if (W?.shape.length !== 2 || R?.shape.length !== 2) return undefined;
  const numLayers = Object.keys(own).filter((name) => /^weight_ih_l\d+$/.test(name)).length;
  const hiddenSize = Array.from({ length: numLayers }, (_, layer) => {
    const { shape } = own[`weight_hr_l${layer}`] ?? own[`weight_hh_l${layer}`] ?? R;
    return shape[1]!;
  });
  const type = ({ 1: "RNN", 3: "GRU", 4: "LSTM" } as const)[W.shape[0]! / hiddenSize[0]!];
  if (!type) return undefined;
  const bidirectional = own.weight_ih_l0_reverse !== undefined;
  const inputSize = W.shape[1]!;
  const options = { inputSize, hiddenSize, numLayers, bidirectional, bias: own.bias_ih_l0 !== undefined };
  const make = () => {
    if (type === "LSTM") return new LSTM({ ...options, ...(projection && { projSize: projection.shape[0]! }) });
    return type === "GRU" ? new GRU(options) : new RNN(options);
  };
  const last = projection ? projection.shape[0]! : hiddenSize.at(-1)!;
  const gives = last * (bidirectional ? 2 : 1);
  return { path, type, reads: inputSize, gives, numLayers, bidirectional, names, make };
}

function plainLayer(path: string, own: StateDict, names: readonly string[]): Found {
  const { weight, bias } = own;
  const [rows, columns] = weight?.shape ?? [];
  // What has more than these is another layer, such as a batch normalisation with its running means.
  if (!weight || rows === undefined || Object.keys(own).some((name) => name !== "weight" && name !== "bias"))
    return undefined;
  if (weight.shape.length === 1) {
    const make = () => new LayerNorm({ normalizedShape: rows, bias: bias !== undefined });
    return { path, type: "LayerNorm", reads: rows, gives: rows, names, make };
  }
  if (weight.shape.length !== 2 || columns === undefined) return undefined;
  // Both are one matrix: an embedding is known by its name.
  if (!bias && /emb|token|lookup|wte/i.test(path)) {
    const make = () => new Embedding({ numEmbeddings: rows, embeddingDim: columns });
    return { path, type: "Embedding", reads: rows, gives: columns, names, make };
  }
  const make = () => new Linear({ inFeatures: columns, outFeatures: rows, bias: bias !== undefined });
  return { path, type: "Linear", reads: columns, gives: rows, names, make };
}

/** The layers that a state dict has the weights of, and the names that belong to none. */
export function layersOf(tensors: StateDict): {
  readonly layers: readonly Layer[];
  readonly others: readonly string[];
} {
  const groups = new Map<string, { own: StateDict; names: string[] }>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const end = name.lastIndexOf(".");
    const path = name.slice(0, Math.max(0, end));
    const group = groups.get(path) ?? { own: {}, names: [] };
    group.own = { ...group.own, [name.slice(end + 1)]: tensor };
    group.names.push(name);
    groups.set(path, group);
  }
  const found = [...groups].map(([path, { own, names }]) => {
    const known = names.filter((name) => recurrentName.test(name.slice(name.lastIndexOf(".") + 1)));
    return known.length > 0 ? recurrentLayer(path, own, known) : plainLayer(path, own, names);
  });
  const layers = found.filter((layer) => layer !== undefined);
  layers.sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  const taken = new Set(layers.flatMap(({ names }) => names));
  return { layers, others: Object.keys(tensors).filter((name) => !taken.has(name)) };
}

export interface Chained {
  readonly layer: Layer;
  /** Its name in the model. */
  readonly name: string;
  /** The input that it reads, where it does not read what the layer before gives. */
  readonly input?: string;
}

/** Layers one behind the other where their sizes fit; a file does not say how they were joined. */
export function chainOf(layers: readonly Layer[]): Chained[] {
  const left = [...layers];
  const chained: Chained[] = [];
  let gives: number | undefined;
  for (let inputs = 0; left.length > 0; ) {
    const next = left.findIndex(({ type, reads }) => type !== "Embedding" && reads === gives);
    const [layer] = left.splice(Math.max(0, next), 1);
    const name = layer!.path || layer!.type.toLowerCase();
    chained.push({ layer: layer!, name, ...(next < 0 && { input: inputs++ === 0 ? "x" : `x${inputs}` }) });
    gives = layer!.gives;
  }
  return chained;
}

/** The layers as one model: what the last of each chain gives. */
export class Chain extends Module {
  readonly layers: Readonly<Record<string, Module>>;
  readonly #chain: readonly Chained[];

  constructor(chain: readonly Chained[]) {
    super();
    this.layers = Object.fromEntries(chain.map(({ name, layer }) => [name, layer.make()]));
    this.#chain = chain;
  }

  /** The weights of a file under the names that they have here. */
  rename(tensors: StateDict): StateDict {
    return Object.fromEntries(
      this.#chain.flatMap(({ name, layer: { path, names } }) =>
        names.map((full) => {
          const { shape, data } = tensors[full]!;
          const own = path ? full.slice(path.length + 1) : full;
          return [`layers.${name}.${own}`, { shape, data: Float32Array.from(data) }] as const;
        }),
      ),
    );
  }

  forward(given: Tensor | Readonly<Record<string, Tensor>>) {
    const inputs = given instanceof Tensor ? { x: given } : given;
    const outputs: Record<string, Tensor> = {};
    let last: Tensor | undefined;
    for (const [i, { name, input }] of this.#chain.entries()) {
      const layer = this.layers[name] as Module & { forward(x: Tensor): Tensor | { readonly output: Tensor } };
      const said = layer.forward(input === undefined ? last! : inputs[input as "x"]!);
      last = "output" in said ? said.output : said;
      if (this.#chain[i + 1]?.input !== undefined || i + 1 === this.#chain.length) outputs[name] = last;
    }
    return outputs;
  }
}
