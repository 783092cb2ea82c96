import type { Exports } from "./module.generated.ts";
import type { Native } from "./native.ts";

/**
 * The native of a kernel whose function takes what the kernel takes, in the same order: the addresses of its bindings, its
 * params, then these of its constants, as 0 and 1.
 */
export const direct =
  (name: keyof Exports, constants: readonly string[] = []): Native =>
  (at, numbers, context) => {
    const call = context.wasm[name] as (...numbers: number[]) => void;
    const chosen = constants.map((constant) => Number(context.constants[constant]));
    const all = [...Object.values(at), ...Object.values(numbers), ...chosen];
    return () => call(...all);
  };
