// What is compared, and the processes that they run in.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));
const node = (...settings) => [process.execPath, beside("contender.mjs"), ...settings];

/** What others are compared with. */
export const OURS = "webgpu-rnn wasm";
/** The same on two threads. */
export const OURS_ON_TWO = "webgpu-rnn wasm, 2 threads";

/**
 * How each is started, by its name.
 * @param python a program that may have PyTorch
 */
export function contenders(python) {
  const has = spawnSync(python, ["-c", "import torch"], { stdio: "ignore" }).status === 0;
  const all = {
    [OURS]: node("webgpu-rnn", "wasm"),
    [OURS_ON_TWO]: node("webgpu-rnn", "wasm", "2"),
    "webgpu-rnn gpu": node("webgpu-rnn", "gpu"),
    "ONNX Runtime wasm, 1 thread": node("onnxruntime", "wasm", "1"),
    "ONNX Runtime wasm, 2 threads": node("onnxruntime", "wasm", "2"),
    "ONNX Runtime native, 1 thread": node("onnxruntime", "native", "1"),
    "ONNX Runtime native, 2 threads": node("onnxruntime", "native", "2"),
    "TensorFlow.js wasm, 1 thread": node("tensorflow"),
  };
  if (has) all["PyTorch, 1 thread"] = [python, beside("pytorch.py")];
  else console.error(`PyTorch is left out: ${python} has none (--python PROGRAM)`);
  return all;
}

/** A contender in its process, which answers one line to each. */
export class Contender {
  #child;
  #answers;
  #errors = "";
  name;
  /** What it says of itself. */
  about;

  static async start(name, [program, ...args]) {
    const contender = new Contender();
    contender.name = name;
    contender.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    contender.#child.stderr.on("data", (text) => {
      contender.#errors = `${contender.#errors}${text}`.slice(-4000);
    });
    contender.#answers = createInterface({ input: contender.#child.stdout })[Symbol.asyncIterator]();
    contender.about = (await contender.#next()).about;
    return contender;
  }

  async #next() {
    const { done, value } = await this.#answers.next();
    if (done) throw new Error(`${this.name} ended: ${this.#errors.trim()}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`${this.name}: ${answer.error}`);
    return answer;
  }

  ask(asked) {
    this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    return this.#next();
  }

  end() {
    this.#child.kill();
  }
}
