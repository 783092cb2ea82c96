import { type Command, Option } from "commander";
import { readBytes } from "../io/files.ts";
import { DataError, loadModel, Runtime, readCheckpoint, type Vocabulary } from "../node.ts";
import { real, whole } from "./arguments.ts";
import { interruptible } from "./interrupt.ts";
import { printable, terminalOf, wrap } from "./terminal.ts";

interface GenerateFlags {
  prompt?: string;
  length: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  chunk: number;
  backend: "auto" | "gpu" | "cpu";
}

export function register(program: Command): void {
  program
    .command("generate")
    .summary("write text with a trained model")
    .description("Writes text with a model that webgpu-rnn train made, as it comes. Ctrl-C ends it.")
    .argument("<model>", "a .safetensors file")
    .option("--prompt <text>", "text to go on from (default: the beginning of a line)")
    .option("--length <n>", "characters to write", whole(0), 500)
    .option("--temperature <x>", "above 1 wilder, below 1 tamer, 0 always the likeliest character", real(0), 0.7)
    .option("--top-k <n>", "draw from the n likeliest characters only; 0: from all", whole(0), 0)
    .option("--top-p <x>", "draw from the likeliest characters that make up this probability", real(2 ** -24, 1), 1)
    .option("--seed <n>", "the same seed writes the same text", whole(0), 0)
    .option("--chunk <n>", "characters between two read-backs", whole(1, 4096), 32)
    .addOption(new Option("--backend <name>", "where to compute").choices(["auto", "gpu", "cpu"]).default("auto"))
    .action(async (path: string, flags: GenerateFlags) => {
      process.exitCode = await generateCommand(path, flags);
    });
}

async function generateCommand(path: string, { prompt, backend, ...options }: GenerateFlags): Promise<number> {
  const [out, err] = [terminalOf(process.stdout), terminalOf(process.stderr)];
  const checkpoint = readCheckpoint(await readBytes(path), path);
  const start = prompt ?? lineStart(checkpoint.vocabulary);
  if (start === "") throw new DataError("the prompt is empty; give at least one character, or leave --prompt out");
  const tokens = encodePrompt(checkpoint.vocabulary, start);
  const interrupt = interruptible();
  const runtime = await Runtime.open({ backend });
  try {
    const { reason, backend: chosen } = runtime.info();
    err.line(err.colors.dim(wrap(`running on the ${chosen === "gpu" ? "GPU" : "CPU"}: ${reason}`, err.columns)));
    const { model, vocabulary } = loadModel(runtime, checkpoint);
    if (prompt !== undefined) out.write(out.colors.dim(printable(prompt, out)));
    const { signal } = interrupt;
    for await (const { tokens: drawn } of runtime.generate(model, { prompt: tokens, ...options, signal }))
      out.write(printable(vocabulary.decode(drawn), out));
    out.line();
    return interrupt.exitCode ?? 0;
  } finally {
    interrupt.release();
    runtime.dispose();
  }
}

const lineStart = ({ characters }: Vocabulary): string => (characters.includes("\n") ? "\n" : characters[0]!);

function encodePrompt(vocabulary: Vocabulary, prompt: string): Int32Array {
  try {
    return vocabulary.encode(prompt);
  } catch (cause) {
    throw new DataError(`--prompt: ${(cause as Error).message}`, { cause });
  }
}
