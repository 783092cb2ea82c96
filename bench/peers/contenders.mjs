// What is compared, and the processes that they run in.
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));
const node = (...settings) => [process.execPath, beside("contender.mjs"), ...settings];

/** This library, as others are compared with it. */
export const OURS = "webgpu-rnn wasm";
/** The same on two threads. */
export const OURS_ON_TWO = "webgpu-rnn wasm, 2 threads";
/** The same on WebGPU. */
export const OURS_ON_GPU = "webgpu-rnn gpu";

/** PyTorch on what it has, if this program has PyTorch. */
function pytorch(python, settings) {
  const has = (what) => spawnSync(python, ["-c", `import torch; assert ${what}`], { stdio: "ignore" }).status === 0;
  const start = (...given) => [python, beside("pytorch.py"), ...given];
  if (!has("True")) {
    console.error(`PyTorch is left out: ${python} has none (--python PROGRAM)`);
    return {};
  }
  return settings(start, has);
}

/**
 * Each comparison: who is compared with whom, by name, and how each is started.
 * Numbers of fewer bits have a tolerance of their own, `within`: f16 and TF32 have 11 bits of precision, and a step adds up hundreds.
 */
export const comparisons = {
  cpu: {
    command: "bench:cpu",
    description: "compare this library without a GPU with ONNX Runtime, TensorFlow.js and PyTorch, in turns",
    ours: OURS,
    contenders: (python) => ({
      [OURS]: node("webgpu-rnn", "wasm"),
      [OURS_ON_TWO]: node("webgpu-rnn", "wasm", "2"),
      [OURS_ON_GPU]: node("webgpu-rnn", "gpu"),
      "ONNX Runtime wasm, 1 thread": node("onnxruntime", "wasm", "1"),
      "ONNX Runtime wasm, 2 threads": node("onnxruntime", "wasm", "2"),
      "ONNX Runtime native, 1 thread": node("onnxruntime", "native", "1"),
      "ONNX Runtime native, 2 threads": node("onnxruntime", "native", "2"),
      "TensorFlow.js wasm, 1 thread": node("tensorflow", "wasm"),
      ...pytorch(python, (start) => ({ "PyTorch, 1 thread": start("cpu", "f32", "1") })),
    }),
  },
  webgpu: {
    command: "bench:peers",
    description:
      "compare this library on WebGPU with TensorFlow.js, ONNX Runtime and jax-js on the same adapter, in turns",
    ours: OURS_ON_GPU,
    contenders: () => ({
      [OURS_ON_GPU]: node("webgpu-rnn", "gpu"),
      "TensorFlow.js webgpu": node("tensorflow", "webgpu"),
      "ONNX Runtime node webgpu": node("onnxruntime", "node webgpu"),
      "ONNX Runtime web webgpu": node("onnxruntime", "web webgpu"),
      "jax-js webgpu": node("jax"),
    }),
  },
  pytorch: {
    command: "bench/gpu/run.sh",
    description:
      "compare this library on WebGPU with PyTorch, on CUDA where there is CUDA and else on the CPU, in turns",
    ours: OURS_ON_GPU,
    contenders: (python) => ({
      [OURS_ON_GPU]: node("webgpu-rnn", "gpu"),
      ...pytorch(python, (start, has) =>
        has("torch.cuda.is_available()")
          ? {
              "PyTorch CUDA f32": start("cuda", "f32"),
              "PyTorch CUDA TF32": start("cuda", "tf32"),
              "PyTorch CUDA f16": start("cuda", "f16"),
            }
          : { "PyTorch CPU f32": start("cpu", "f32") },
      ),
    }),
    within: { "PyTorch CUDA TF32": 1e-2, "PyTorch CUDA f16": 2e-2 },
  },
};

const running = new Set();
// A process that is stopped would outlive this one.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A contender in its process, which answers one line to each. While it has nothing to answer it is stopped, with all its threads. */
export class Contender {
  #child;
  #answers;
  #errors = "";
  name;
  /** What it says of itself. */
  about;
  /** What it runs on, where it says so. */
  adapter;
  /** How it was started. */
  command;

  /** @param environment variables that this one has beside those of this process */
  static async start(name, command, environment = {}) {
    const contender = Object.assign(new Contender(), { name, command });
    const [program, ...args] = command;
    contender.#child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment },
    });
    running.add(contender.#child);
    contender.#child.stdin.on("error", () => {});
    contender.#child.stderr.on("data", (text) => {
      contender.#errors = `${contender.#errors}${text}`.slice(-4000);
    });
    contender.#answers = createInterface({ input: contender.#child.stdout })[Symbol.asyncIterator]();
    const { about, adapter } = await contender.#next();
    Object.assign(contender, { about, adapter });
    contender.#signal("SIGSTOP");
    return contender;
  }

  /** Its process has come to an end, which nobody asked for. */
  get ended() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #signal(name) {
    // Windows has no such signals.
    if (process.platform !== "win32") this.#child.kill(name);
  }

  async #next() {
    const { done, value } = await this.#answers.next();
    if (done) throw new Error(`${this.name} ended: ${this.#errors.trim()}`);
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(`${this.name}: ${answer.error}`);
    return answer;
  }

  async ask(asked) {
    this.#signal("SIGCONT");
    this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    try {
      return await this.#next();
    } finally {
      this.#signal("SIGSTOP");
    }
  }

  end() {
    running.delete(this.#child);
    this.#child.kill("SIGKILL");
  }
}
