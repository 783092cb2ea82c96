// Writes test/recorded/keras/dtln-1.json: what stage 1 of DTLN (a model that others published, MIT) computes in ONNX Runtime, frame by
// frame with its states, for numbers that the test makes again. The model itself is not part of this project.
//   npm install --prefix /tmp/ort onnxruntime-node@1.30.0
//   node scripts/record-dtln.mjs /tmp/ort path/to/dtln_1.onnx
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, path] = process.argv.slice(2);
if (!folder || !path) throw new Error("name the folder in whose node_modules onnxruntime-node is, and dtln_1.onnx");
const { InferenceSession, Tensor } = createRequire(join(folder, "package.json"))("onnxruntime-node");
const FRAMES = 300;
const BINS = 257;
const KEPT = [0, 1, 2, 50, 150, 299];

let state = 1;
const next = () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
};

const session = await InferenceSession.create(path);
const [input, before] = session.inputNames;
const [output, after] = session.outputNames;
let states = new Tensor("float32", new Float32Array(2 * 128 * 2), [1, 2, 128, 2]);
const frames = [];
for (let frame = 0; frame < FRAMES; frame++) {
  const magnitude = Float32Array.from({ length: BINS }, () => 4 * next() ** 3);
  const result = await session.run({ [input]: new Tensor("float32", magnitude, [1, 1, BINS]), [before]: states });
  states = result[after];
  if (KEPT.includes(frame))
    frames.push({ frame, mask: Array.from(result[output].data, (value) => Number(value.toFixed(6))) });
}
const target = new URL("../test/recorded/keras/dtln-1.json", import.meta.url);
writeFileSync(target, `${JSON.stringify({ frames: FRAMES, kept: frames })}\n`);
