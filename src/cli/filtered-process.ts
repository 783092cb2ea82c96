/**
 * Dawn says at every start that it lowers limits of Vulkan drivers. Its native code writes that straight to the standard error
 * output, and neither Dawn nor the npm package `webgpu` has an option against it; a process cannot exchange its own standard
 * error output in Node. So the command line runs as a child, whose standard error output is read here and passed on without
 * these lines.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { isatty, WriteStream } from "node:tty";

const noise = /^Warning: \w+ artificially reduced from \d+ to \d+ to fit .* limit\.$/;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Where a child finds the terminal: its own text goes there directly, with bars and colours. */
const TERMINAL = 4;

/** What a handler of a signal gets, in place of the signal's number, for one that came to the parent. */
export const PASSED_ON = "passed on";

/**
 * Runs a program with this process's standard input and output, passes signals on, and ends as it ends.
 * @param command the program and its arguments; it calls `asFilteredChild` first
 */
export function runFiltered([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  const terminal = process.stderr.isTTY ? [2] : [];
  const child = spawn(program, args, { stdio: ["inherit", "inherit", "pipe", "ipc", ...terminal] });
  // A reader that has seen enough is no error.
  process.stderr.on("error", () => {});
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (!noise.test(line)) process.stderr.write(`${line}\n`);
  });
  const handlers = signals.map((name) => {
    const passOn = () => void (child.connected && child.send(name));
    process.on(name, passOn);
    return () => void process.off(name, passOn);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const remove of handlers) remove();
      if (signal === null) process.exitCode = code ?? 1;
      else process.kill(process.pid, signal);
      resolve();
    });
  });
}

/** For a process that `runFiltered` has started: signals come from the parent too, and the terminal is where that says. */
export function asFilteredChild(): void {
  if (!process.channel) return;
  // Ctrl-C reaches the whole group, so that the same signal may come twice: handlers see which way it came.
  const take = (name: NodeJS.Signals) => {
    if (process.listenerCount(name) > 0) (process as NodeJS.EventEmitter).emit(name, name, PASSED_ON);
    else process.kill(process.pid, name);
  };
  process.on("message", take).on("disconnect", () => take("SIGTERM"));
  process.channel.unref();
  useTerminal();
  // A parent that was killed reads nothing any more, and a training must still be saved.
  process.stderr.on("error", () => {});
}

/** Where the parent has a terminal, the child's own text goes there; what native code writes goes to the parent. */
function useTerminal(): void {
  if (!isatty(TERMINAL)) return;
  const screen = new WriteStream(TERMINAL);
  screen.unref();
  process.on("SIGWINCH", () => {
    [screen.columns, screen.rows] = screen.getWindowSize();
  });
  Object.defineProperty(process, "stderr", { value: screen, configurable: true, enumerable: true });
}
