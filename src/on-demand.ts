// What a runtime loads when a program first asks for it. One module, because every other one that is loaded on demand would cut
// what they share into more files.
import { provideCommands } from "./graph/commands.ts";
import { functionCommands } from "./graph/function-commands.ts";

// Whoever is here may have any model.
provideCommands(functionCommands);

export { CpuBackend } from "./cpu/cpu-backend.ts";
export { BeamSearcher } from "./infer/beam-search.ts";
export { Generator } from "./infer/generate.ts";
export { Predictor } from "./infer/predictor.ts";
export { Program } from "./infer/program.ts";
export { Evaluator } from "./train/evaluate.ts";
