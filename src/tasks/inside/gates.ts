import type { BatchPart, Module, Runtime, TensorData } from "../../index.ts";
import { lookInto } from "./layer-steps.ts";

/** The gates and states of one layer over a sequence. */
export interface LayerGates {
  /** Where the layer stands in the model: `encoder.rnn`, `rnn.l1` for the second of several. */
  readonly name: string;
  /** The cell: `lstm`, `gru`, `rnn(Tanh)`. */
  readonly cell: string;
  /**
   * By name, each `[T,B,H]`: LSTM i, f, g, o, c, h; GRU r, z, n, h; RNN h. Of other cells, of layers with heads, and of activations
   * other than the usual ones, the states only.
   */
  readonly values: Readonly<Record<string, TensorData>>;
}

/**
 * Every gate's activation over a sequence, by name, as the equations of {@link LSTM}, {@link GRU} and {@link RNN} have them.
 * @param model a layer, or any model of recurrent layers that run forwards: its `forward` is called once, as by a trainer
 * @param x what `forward` takes: one tensor `[T,B,I]` or tokens `[T,B]`, or several by name
 * @returns the layers in the order in which the model calls them; one that is called twice stands there twice
 * @throws OptionError for a model without recurrent layers, or with one that runs from the end; ShapeError for what is no input
 */
export async function gates(runtime: Runtime, model: Module, x: BatchPart): Promise<LayerGates[]> {
  const { layers } = await lookInto("gates", runtime, model, x);
  return layers.map(({ name, module, gates, states }) => {
    const { h, ...others } = states;
    // The one gate of an RNN is its h.
    const { a: _, ...own } = gates;
    const activations = Object.entries(own).map(([gate, { activation }]) => [gate, activation] as const);
    return { name, cell: module.cell, values: { ...Object.fromEntries(activations), ...others, h: h! } };
  });
}
