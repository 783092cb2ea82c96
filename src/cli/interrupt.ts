import { constants } from "node:os";
import { PASSED_ON } from "./filtered-process.ts";

const signals = ["SIGINT", "SIGTERM"] as const;

/** Ctrl-C (or `kill`) asks for an end: the first time politely, the second time the process quits at once. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** 130 after Ctrl-C, 143 after SIGTERM, undefined when nobody asked. */
  readonly exitCode: number | undefined;
  /** Gives the signals back to the system. */
  release(): void;
}

/** @param onFirst called when the end is asked for the first time */
export function interruptible(onFirst: () => void = () => {}): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  // A signal may come by both ways at once, and is then one question.
  const came = { directly: 0, passedOn: 0 };
  let asked = 0;
  const handlers = signals.map((name) => {
    const code = 128 + constants.signals[name];
    const handle = (_: unknown, how?: unknown) => {
      came[how === PASSED_ON ? "passedOn" : "directly"]++;
      const times = Math.max(came.directly, came.passedOn);
      if (times === asked) return;
      asked = times;
      if (exitCode !== undefined) process.exit(code);
      exitCode = code;
      onFirst();
      controller.abort();
    };
    process.on(name, handle);
    return () => void process.off(name, handle);
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    release: () => {
      for (const remove of handlers) remove();
    },
  };
}
