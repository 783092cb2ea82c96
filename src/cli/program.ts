import { Command } from "commander";
import { register as registerDenoise } from "./denoise.ts";
import { register as registerExplain } from "./explain.ts";
import { register as registerExport } from "./export.ts";
import { register as registerGenerate } from "./generate.ts";
import { register as registerImport } from "./import.ts";
import { register as registerInfo } from "./info.ts";
import { runCommands } from "./run-commands.ts";
import { register as registerPredict } from "./task/predict.ts";
import { register as registerTrain } from "./train.ts";
import { register as registerTune } from "./tune.ts";
import { register as registerVerify } from "./verify.ts";
import { ownVersion } from "./versions.ts";

/** The commands, in the order that the help lists them. */
const commands = [
  registerTrain,
  registerGenerate,
  registerPredict,
  registerDenoise,
  registerImport,
  registerExport,
  registerInfo,
  registerExplain,
  registerTune,
  registerVerify,
];

function programOf(): Command {
  const program = new Command("webgpu-rnn")
    .description("Recurrent networks trained and run on WebGPU.")
    .version(ownVersion())
    .exitOverride()
    .showHelpAfterError("(--help lists what there is)")
    .addHelpText(
      "after",
      `
Environment:
  WEBGPU_RNN_ADAPTER  auto, gpu, lavapipe, swiftshader or none insists on an adapter
  NO_COLOR            turns colours off
  DEBUG               shows where an error came from`,
    );
  for (const register of commands) register(program);
  // Read by main.ts, before there is a program.
  for (const command of program.commands)
    command.option("--verbose", "show what Dawn itself says about the GPU's driver, too");
  return program;
}

/** Runs a command line and sets the process's exit code: 0, 1 for what goes wrong, 2 for a wrong call. */
export const run = (args: readonly string[]): Promise<void> => runCommands(programOf(), args);
