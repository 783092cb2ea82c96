import type { Command } from "commander";
import { readBytes, readText, STANDARD_INPUT } from "../io/files.ts";
import {
  DataError,
  loadModel,
  Runtime,
  type RuntimeInfo,
  readCheckpoint,
  type Vocabulary,
  type WeightDType,
} from "../node.ts";
import { real, whole } from "./arguments.ts";
import {
  type BackendFlags,
  backendOption,
  runningOn,
  runtimeOptions,
  threadsOption,
  tunedOption,
  weightDtypeOption,
} from "./backend.ts";
import { interruptible } from "./interrupt.ts";
import { printable, terminalOf, wrap } from "./terminal.ts";

interface GenerateFlags extends BackendFlags {
  prompt?: string;
  length: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  chunk: number;
  weightDtype: WeightDType;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("generate")
    .summary("write text with a trained model")
    .description("Writes text with a model that webgpu-rnn train made, as it comes. Ctrl-C ends it.")
    .argument("<model>", "a .safetensors file")
    .option("--prompt <text>", "text to go on from; - reads it from standard input (default: the beginning of a line)")
    .option("--length <n>", "characters to write", whole(0), 500)
    .option("--temperature <x>", "above 1 wilder, below 1 tamer, 0 always the likeliest character", real(0), 0.7)
    .option("--top-k <n>", "draw from the n likeliest characters only; 0: from all", whole(0), 0)
    .option("--top-p <x>", "draw from the likeliest characters that make up this probability", real(2 ** -24, 1), 1)
    .option("--seed <n>", "the same seed writes the same text", whole(0), 0)
    .option("--chunk <n>", "characters between two read-backs", whole(1, 4096), 32)
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(tunedOption())
    .addOption(weightDtypeOption())
    .option("--json", "print one JSON record per line, for scripts")
    .action(async (path: string, flags: GenerateFlags) => {
      process.exitCode = await generateCommand(path, flags);
    });
}

/** @throws DataError for a prompt that the model cannot read, and whatever reading the model throws */
async function generateCommand(
  path: string,
  { prompt: given, backend, threads, tuned, json, ...options }: GenerateFlags,
): Promise<number> {
  const bytes = await readBytes(path, "check the path, or train a model (webgpu-rnn train TEXT --out MODEL)");
  const checkpoint = readCheckpoint(bytes, path);
  const prompt = given === STANDARD_INPUT ? await readText(given) : given;
  const start = prompt ?? lineStart(checkpoint.vocabulary);
  if (start === "") throw new DataError("the prompt is empty; give at least one character, or leave --prompt out");
  const tokens = encodePrompt(checkpoint.vocabulary, start);
  const interrupt = interruptible();
  const runtime = await Runtime.open(runtimeOptions({ backend, threads, tuned }));
  try {
    const { model, vocabulary } = loadModel(runtime, checkpoint);
    const { start: begin, text, end } = json ? recordWriter(path) : textWriter(prompt);
    begin(runtime.info(), start);
    const { signal } = interrupt;
    for await (const { tokens: drawn } of runtime.generate(model, { prompt: tokens, ...options, signal }))
      text(vocabulary.decode(drawn));
    end(interrupt.exitCode !== undefined);
    return interrupt.exitCode ?? 0;
  } finally {
    interrupt.release();
    runtime.dispose();
  }
}

/** How a generation is told. */
interface Writer {
  start(info: RuntimeInfo, prompt: string): void;
  /** What was drawn since the last call. */
  text(drawn: string): void;
  end(interrupted: boolean): void;
}

/** For people: the prompt, where they gave one, and the text behind it. */
function textWriter(prompt: string | undefined): Writer {
  const [out, err] = [terminalOf(process.stdout), terminalOf(process.stderr)];
  return {
    start(info) {
      err.line(err.colors.dim(wrap(runningOn(info), err.columns)));
      if (prompt !== undefined) out.write(out.colors.dim(printable(prompt, out)));
    },
    text: (drawn) => out.write(printable(drawn, out)),
    end: () => out.line(),
  };
}

/** For scripts: a record of the start, one of each chunk, and one of the end with the whole text. */
function recordWriter(path: string): Writer {
  const { line } = terminalOf(process.stdout);
  const write = (record: object) => line(JSON.stringify(record));
  let whole = "";
  return {
    start({ backend, adapter, tuned, reason }, prompt) {
      write({
        type: "start",
        model: path,
        backend,
        ...(adapter && { adapter }),
        ...(tuned && { tuned }),
        reason,
        prompt,
      });
    },
    text(drawn) {
      whole += drawn;
      write({ type: "text", text: drawn });
    },
    end: (interrupted) => write({ type: "end", interrupted, characters: [...whole].length, text: whole }),
  };
}

const lineStart = ({ symbols }: Vocabulary): string => (symbols.includes("\n") ? "\n" : symbols[0]!);

function encodePrompt(vocabulary: Vocabulary, prompt: string): Int32Array {
  try {
    return vocabulary.encode(prompt);
  } catch (cause) {
    throw new DataError(`--prompt: ${(cause as Error).message}`, { cause });
  }
}
