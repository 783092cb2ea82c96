import type { Commands, CommandTable } from "./commands.ts";
import { cumulativeCommands, gatherCommands, topKCommands } from "./ops/along-axis-commands.ts";
import { dropoutCommands } from "./ops/dropout-commands.ts";
import { linearRecurrenceCommands } from "./ops/linear-recurrence-commands.ts";
import { linearTokensCommands } from "./ops/linear-tokens-commands.ts";
import { holdRowsCommands, maskRowsCommands, sequenceMaskCommands } from "./ops/mask-commands.ts";
import { matmulCommands } from "./ops/matmul-commands.ts";
import { padCommands } from "./ops/pad-commands.ts";
import { pointwiseGroupCommands, scaleGradient } from "./ops/pointwise-commands.ts";
import { recurrentCommands } from "./ops/recurrent-commands.ts";
import { repeatCommands } from "./ops/repeat-commands.ts";
import { scanGatesCommands } from "./ops/scan-gates-commands.ts";
import { softmaxCommands } from "./ops/softmax-commands.ts";

/** What emits the commands of the functions of tensors and of what an option of a layer asks for, by the names of their ops. */
export const functionCommands: CommandTable = {
  scaleGradient,
  recurrent: recurrentCommands,
  ops: {
    pointwise: pointwiseGroupCommands,
    sum: pointwiseGroupCommands,
    softmax: softmaxCommands as Commands,
    "top-k": topKCommands as Commands,
    gather: gatherCommands as Commands,
    "cumulative-sum": cumulativeCommands as Commands,
    matmul: matmulCommands as Commands,
    pad: padCommands as Commands,
    "linear-tokens": linearTokensCommands as Commands,
    "sequence-mask": sequenceMaskCommands as Commands,
    "hold-rows": holdRowsCommands as Commands,
    "mask-rows": maskRowsCommands as Commands,
    dropout: dropoutCommands as Commands,
    repeat: repeatCommands as Commands,
    "linear-recurrence": linearRecurrenceCommands as Commands,
    "scan-gates": scanGatesCommands as Commands,
  },
};
