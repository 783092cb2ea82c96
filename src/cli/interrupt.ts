import { constants } from "node:os";

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
  const handlers = signals.map((name) => {
    const code = 128 + constants.signals[name];
    const handle = () => {
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
