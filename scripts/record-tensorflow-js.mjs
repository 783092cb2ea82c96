// Writes the TensorFlow.js models of test/recorded/tensorflow-js, and beside each what TensorFlow.js computes with it.
//   npm install --prefix /tmp/tfjs @tensorflow/tfjs@4.22.0
//   node scripts/record-tensorflow-js.mjs /tmp/tfjs    # the files are committed
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("name the folder in whose node_modules @tensorflow/tfjs is");
const tf = createRequire(join(folder, "package.json"))("@tensorflow/tfjs");
await tf.setBackend("cpu");
const out = fileURLToPath(new URL("../test/recorded/tensorflow-js/", import.meta.url));
mkdirSync(out, { recursive: true });

let state = 1;
/** Numbers from -1 to 1 in steps of 0.001, the same ones at every run. */
const number = () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return Math.round((state / 2 ** 31 - 1) * 1000) / 1000;
};
const numbers = (shape) => tf.tensor(Array.from({ length: shape.reduce((a, b) => a * b, 1) }, number), shape);

/** One model, its weights in two files, with the numbers of one call. */
async function record(name, model, inputs) {
  model.setWeights(
    model.weights.map(({ name, shape }) =>
      name.includes("variance") ? numbers(shape).abs().add(0.5) : numbers(shape),
    ),
  );
  const outputs = [model.predict(inputs)].flat();
  const described = (x) => ({
    dtype: x.dtype === "int32" ? "i32" : "f32",
    shape: x.shape,
    data: Array.from(x.dataSync(), (value) => Number(value.toFixed(7))),
  });
  const call = { inputs: [inputs].flat().map(described), outputs: outputs.map(described) };
  await model.save({
    async save({ modelTopology, weightSpecs, weightData, format, generatedBy }) {
      const bytes = new Uint8Array(weightData);
      const half = Math.floor(bytes.length / 2) - 1;
      const paths = [1, 2].map((n) => `${name}-shard${n}of2.bin`);
      writeFileSync(join(out, paths[0]), bytes.slice(0, half));
      writeFileSync(join(out, paths[1]), bytes.slice(half));
      const json = { modelTopology, format, generatedBy, weightsManifest: [{ paths, weights: weightSpecs }] };
      writeFileSync(join(out, `${name}.json`), `${JSON.stringify(json)}\n`);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  writeFileSync(join(out, `${name}.outputs.json`), `${JSON.stringify([call])}\n`);
}

const { layers } = tf;
const words = tf.tensor([1, 2, 3, 0, 4, 5, 6, 2], [2, 4], "int32");
await record(
  "sequential",
  tf.sequential({
    layers: [
      layers.embedding({ inputDim: 7, outputDim: 3, inputLength: 4, name: "embedding" }),
      layers.bidirectional({
        layer: layers.lstm({ units: 2, returnSequences: true, recurrentActivation: "hardSigmoid" }),
        mergeMode: "concat",
        name: "both",
      }),
      layers.gru({ units: 3, returnSequences: true, resetAfter: false, name: "gru" }),
      layers.batchNormalization({ name: "norm" }),
      layers.timeDistributed({ layer: layers.dense({ units: 2, activation: "elu" }), name: "steps" }),
      layers.globalAveragePooling1d({ name: "mean" }),
      layers.dense({ units: 2, activation: "softmax", name: "classes" }),
    ],
  }),
  words,
);

const source = tf.input({ shape: [4, 2], name: "source" });
const target = tf.input({ shape: [3, 2], name: "target" });
const [, h, c] = layers.lstm({ units: 2, returnState: true, name: "encoder" }).apply(source);
const decoded = layers.lstm({ units: 2, returnSequences: true, name: "decoder" }).apply([target, h, c]);
const convolved = layers
  .conv1d({ filters: 2, kernelSize: 2, padding: "same", activation: "relu", name: "conv" })
  .apply(decoded);
const joined = layers.concatenate({ name: "joined" }).apply([decoded, convolved]);
const simple = layers.simpleRNN({ units: 2, goBackwards: true, name: "simple" }).apply(joined);
await record("functional", tf.model({ inputs: [source, target], outputs: [joined, simple], name: "pair" }), [
  numbers([2, 4, 2]),
  numbers([2, 3, 2]),
]);
