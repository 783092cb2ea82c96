import type { Command } from "commander";
import { type BackendFlags, backendOption, threadsOption, tunedOption } from "./backend.ts";

export interface DenoiseFlags extends BackendFlags {
  readonly model1: string;
  readonly model2: string;
  readonly vad?: string;
  readonly force?: true;
  readonly json?: true;
}

/** Where the models are, for the help and for errors. */
export const WHERE = "the stages of DTLN are published as ONNX files with the paper (github.com/breizhn/DTLN)";

export function register(program: Command): void {
  program
    .command("denoise")
    .summary("take noise out of recorded speech")
    .description(
      "Takes noise out of a WAV file, frame by frame as live input would come, with the two stages of DTLN (Westhausen and Meyer 2020). " +
        `The models are your files; ${WHERE}.`,
    )
    .argument("<in>", "a .wav file")
    .argument("<out>", "the .wav file to write, of 16 kHz")
    .requiredOption("--model-1 <file>", "the first stage, ONNX")
    .requiredOption("--model-2 <file>", "the second stage, ONNX")
    .option("--vad <file>", "a voice activity detector, Silero VAD 5 as ONNX: says when somebody speaks")
    .option("--force", "replace the file that is there")
    .addOption(backendOption())
    .addOption(threadsOption())
    .addOption(tunedOption())
    .option("--json", "print one JSON record, for scripts")
    .action(async (from: string, to: string, flags: DenoiseFlags) => {
      const { denoise } = await import("./run-denoise.ts");
      process.exitCode = await denoise(from, to, flags);
    });
}
