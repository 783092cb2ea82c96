/**
 * Stage 1 of DTLN (Westhausen and Meyer 2020), built of our modules with the weights of its Keras file: what ONNX Runtime gives for
 * dtln_1.onnx, which others converted from it. The file lies in `shared/models` beside the repository; where it is not, the tests are
 * skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  exportWeights,
  functional as F,
  importWeights,
  Linear,
  LSTM,
  type LSTMState,
  Module,
  type Tensor,
} from "../../src/index.ts";
import { readKerasWeights } from "../../src/keras/index.ts";
import { backendsForTests } from "../support/backends.ts";

const path = new URL("../../../shared/models/dtln_model.h5", import.meta.url);
const recorded: { frames: number; kept: { frame: number; mask: number[] }[] } = JSON.parse(
  readFileSync(new URL("../recorded/keras/dtln-1.json", import.meta.url), "utf8"),
);
const BINS = 257;

class Stage1 extends Module {
  rnn = new LSTM({ inputSize: BINS, hiddenSize: 128, numLayers: 2 });
  head = new Linear({ inFeatures: 128, outFeatures: BINS });
  forward(x: Tensor, before?: LSTMState) {
    const { output, state } = this.rnn.forward(x, before);
    return { mask: F.sigmoid(this.head.forward(output)), state };
  }
}

const { onFloat32 } = await backendsForTests();

describe.skipIf(!existsSync(path))(
  `DTLN${existsSync(path) ? "" : " (skipped: there is no ../shared/models/dtln_model.h5)"}`,
  () => {
    const weights = existsSync(path) ? readKerasWeights(new Uint8Array(readFileSync(path))) : {};

    test("all of its layers are read", () => {
      const count = (layer: string) => Object.values(weights[layer]!).reduce((sum, { data }) => sum + data.length, 0);
      const total = Object.keys(weights).reduce((sum, layer) => sum + count(layer), 0);
      expect(total).toBe(986_753);
      expect(Object.keys(weights.layer_normalization!)).toEqual(["gamma", "beta"]);
      expect(weights.conv1d!.kernel!.shape).toEqual([1, 512, 256]);
    });

    test("our weights go back to Keras's, bit for bit", () => {
      const ours = importWeights("keras", "lstm", weights.lstm_1!, { path: "rnn", layer: 1 });
      const back = exportWeights("keras", "lstm", ours, { path: "rnn", layer: 1 });
      for (const [name, { shape, data }] of Object.entries(weights.lstm_1!))
        expect(back[name]).toEqual({ shape, data });
    });

    onFloat32(({ open }) => {
      test("300 frames with states are those of ONNX Runtime within 1e-4", async () => {
        const runtime = await open();
        const model = new Stage1();
        const { kernel, bias } = weights.dense!;
        const columns = Float32Array.from(
          kernel!.data,
          (_, i) => kernel!.data[(i % 128) * BINS + Math.floor(i / 128)]!,
        );
        runtime.loadStateDict(model, {
          ...importWeights("keras", "lstm", weights.lstm!, { path: "rnn" }),
          ...importWeights("keras", "lstm", weights.lstm_1!, { path: "rnn", layer: 1 }),
          "head.weight": { shape: [BINS, 128], data: columns },
          "head.bias": bias!,
        });
        const session = await runtime.session(model, { inputs: { x: [1, 1, BINS] }, streams: 1 });
        let state = 1;
        const next = () => {
          state = (Math.imul(state, 1103515245) + 12345) >>> 0;
          return state / 2 ** 32;
        };
        const expected = new Map(recorded.kept.map(({ frame, mask }) => [frame, mask]));
        let most = 0;
        for (let frame = 0; frame < recorded.frames; frame++) {
          const x = { shape: [1, 1, BINS], data: Float32Array.from({ length: BINS }, () => 4 * next() ** 3) };
          const mask = expected.get(frame);
          if (!mask) {
            session.push({ x });
            continue;
          }
          const { mask: got } = await session.run({ x });
          most = Math.max(most, ...mask.map((value, i) => Math.abs(value - got!.data[i]!)));
        }
        expect(most).toBeLessThan(1e-4);
        runtime.dispose();
      });
    });
  },
);
