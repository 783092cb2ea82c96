/**
 * Arm NN's tests of unidirectional sequence LSTM: coupled gates, peepholes, projection, layer normalisation.
 *
 * Every gate has matrices of its own that all differ, so this suite notices each wrong order, that of peepholes included.
 * Arm NN itself compares loosely (about 1e-2 relative); here 2e-5 absolute: one of its numbers is off by 1.2e-5 from float64, the
 * others by less than 1e-5.
 *
 * TensorFlow Lite's formats, which Arm NN reads: a matrix for each gate, row-major [units, columns]; coupled gates have no
 * input gate, i = 1 - f as ours; layer normalisation has the gate's bias added after the norm, as our norm_bias.
 */
import { expect } from "vitest";
import type { StateDict } from "../../src/index.ts";
import { absolute, expectClose } from "./close.ts";
import { runLayer, tensorOf } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";

type Numbers = readonly number[];

interface Case extends Readonly<Partial<Record<string, Numbers | number | string | boolean>>> {
  readonly test: string;
  readonly batch: number;
  readonly time: number;
  readonly inputSize: number;
  readonly outputSize: number;
  readonly numUnits: number;
  readonly timeMajor: boolean;
  readonly cifg: boolean;
  /** TensorFlow Lite's number: 4 is tanh. */
  readonly activation: number;
  readonly cellClip: number;
  readonly projClip: number;
  readonly x: Numbers;
  readonly y: Numbers;
}

/** Theirs by our gates. */
const letters = { i: "i", f: "f", g: "c", o: "o" } as const;

describeSuite<{ readonly cases: readonly Case[] }, Case>({
  file: "armnn_lstm",
  casesOf: ({ cases }) => cases,
  nameOf: ({ test }) => test,
  counts: { cases: 5, passed: 5, notApplicable: 0 },
  async run(given, runtime) {
    const { batch: B, time: T, inputSize: I, outputSize: P, numUnits: H, timeMajor, cifg, cellClip } = given;
    expect([given.activation, given.projClip], "tanh, and a projection that is not clipped").toEqual([4, 0]);
    const numbers = (name: string) => given[name] as Numbers;
    const gates = (cifg ? ["f", "g", "o"] : ["i", "f", "g", "o"]) as (keyof typeof letters)[];
    const stacked = (kind: string) => gates.flatMap((gate) => numbers(`${kind}_${letters[gate]}`));
    const rows = gates.length * H;
    const [peepholes, projSize, layerNorm] = ["P_o" in given, "projW" in given, "ln_o" in given];
    if (projSize)
      expect(Math.max(...numbers("projB").map(Math.abs)), "a projection's bias, which ours has not").toBe(0);
    const weights: StateDict = {
      weight_ih_l0: tensorOf([rows, I], stacked("W")),
      weight_hh_l0: tensorOf([rows, P], stacked("R")),
      bias_ih_l0: tensorOf([rows], layerNorm ? Array(rows).fill(0) : stacked("b")),
      bias_hh_l0: tensorOf([rows], Array(rows).fill(0)),
      ...(projSize && { weight_hr_l0: tensorOf([P, H], numbers("projW")) }),
    };
    for (const gate of gates) {
      const of = (kind: string) => tensorOf([H], numbers(`${kind}_${letters[gate]}`));
      if (peepholes && gate !== "g") weights[`peephole_${gate}_l0`] = of("P");
      if (!layerNorm) continue;
      weights[`norm_weight_${gate}_l0`] = of("ln");
      weights[`norm_bias_${gate}_l0`] = of("b");
    }
    const { y } = await runLayer(runtime, {
      cell: "lstm",
      options: {
        inputSize: I,
        hiddenSize: H,
        batchFirst: !timeMajor,
        coupledGates: cifg,
        peepholes,
        layerNorm,
        cellClip,
        ...(projSize && { projSize: P }),
      },
      weights,
      x: tensorOf(timeMajor ? [T, B, I] : [B, T, I], given.x),
    });
    expectClose("y", y!.data, given.y, absolute(2e-5));
  },
});
