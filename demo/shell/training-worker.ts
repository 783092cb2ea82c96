/** A training in a worker: it can be paused, slowed down, begun again, and asked things between two steps. */
import { Runtime } from "../../src/index.ts";
import type { Failure, Message, Point, Report, Request } from "./messages.ts";

/**
 * What a page trains: reports after each step. `keep` says what questions are about from now on, such as the task; what was kept is
 * disposed when the training begins anew.
 */
export type Run<Settings, View, Subject> = (
  runtime: Runtime,
  settings: Settings,
  keep: (subject: Subject) => void,
) => AsyncIterable<Report<View>>;

/** What a page can ask, by name. */
export type Questions<Subject> = Readonly<
  // biome-ignore lint/suspicious/noExplicitAny: each question has an argument of its own type
  Record<string, (subject: Subject, argument: any, runtime: Runtime) => unknown>
>;

/** Milliseconds between two messages to the page while it trains. */
const REPORT_EVERY = 100;

const scope = globalThis as unknown as { postMessage(message: Message): void };

const failureOf = (error: unknown): Failure => {
  const { code = "", message = String(error) } = (error ?? {}) as Partial<Failure>;
  return { code, message };
};

/** Lets what the page sent arrive; a timer would take 4 ms. */
const nextTask = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });

/** Lets a page train and ask. @returns what takes the page's requests: the default export of its worker.ts */
export function serve<Settings, View, Subject>(
  run: Run<Settings, View, Subject>,
  questions: Questions<Subject> = {},
): (request: Request) => void {
  let runtime: Promise<Runtime> | undefined;
  let subject: Subject | undefined;
  let current: { readonly run: number } | undefined;
  let isPaused = false;
  /** Of those that a paused training is let do. */
  let isOneStep = false;
  let stepsPerSecond = Number.POSITIVE_INFINITY;
  /** Calls what waits for the pause to end, or for another speed. */
  let wake = () => {};
  /** What uses the runtime: one at a time, in turn. */
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };
  const waiting = (milliseconds?: number) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (milliseconds !== undefined) setTimeout(resolve, milliseconds);
    });
  const keep = (next: Subject) => {
    if (next === subject) return;
    dispose(subject);
    subject = next;
  };

  async function train(mine: { readonly run: number }, settings: Settings): Promise<void> {
    const opened = await runtime!;
    keep(undefined as Subject);
    let own: Subject | undefined;
    const reports = run(opened, settings, (next) => {
      own = next;
      if (current === mine) keep(next);
    })[Symbol.asyncIterator]();
    let points: Point[] = [];
    let last: Report<View> | undefined;
    let view: View | undefined;
    let [told, toldStep] = [performance.now(), 0];
    const tell = (pauses = false) => {
      if (!last) return;
      const now = performance.now();
      const pace = ((last.step - toldStep) / Math.max(1, now - told)) * 1000;
      const { step, steps } = last;
      const stepsPerSecond = pauses || isPaused ? 0 : pace;
      scope.postMessage({ type: "reports", run: mine.run, points, step, steps, view, stepsPerSecond, pauses });
      [points, view, told, toldStep, last] = [[], undefined, now, step, undefined];
    };
    try {
      for (;;) {
        const began = performance.now();
        // Questions that came during the step before are answered before the next one.
        const { done, value } = await inTurn(() => reports.next());
        if (current !== mine) break;
        if (done) {
          tell();
          scope.postMessage({ type: "done", run: mine.run });
          return;
        }
        last = value;
        if (value.values) points.push({ ...value.values, step: value.step });
        if (value.view !== undefined) view = value.view;
        isPaused ||= value.pause === true;
        isOneStep = false;
        const isSlow = stepsPerSecond <= 1000 / REPORT_EVERY;
        if (isSlow || isPaused || performance.now() - told >= REPORT_EVERY) tell(value.pause);
        while (current === mine && isPaused && !isOneStep) {
          await waiting();
          [told, toldStep] = [performance.now(), value.step];
        }
        const rest = 1000 / stepsPerSecond - (performance.now() - began);
        // Even at full speed, messages are let in.
        await (rest > 4 ? waiting(rest) : nextTask());
        if (current !== mine) break;
      }
    } finally {
      // Another training takes the place of this one, or it failed: what it had on the device goes.
      await inTurn(async () => {
        await reports.return?.();
        if (current !== mine) dispose(own);
      });
    }
  }

  async function start({ run: number, settings, ...speed }: Request & { type: "start" }): Promise<void> {
    const mine = { run: number };
    current = mine;
    isPaused = false;
    stepsPerSecond = speed.stepsPerSecond;
    wake();
    try {
      await train(mine, settings as Settings);
    } catch (error) {
      if (current === mine) scope.postMessage({ type: "failed", failure: failureOf(error) });
    }
  }

  async function answer({ id, question, argument }: Request & { type: "ask" }): Promise<void> {
    try {
      const opened = await runtime!;
      const found = await inTurn(async () =>
        subject === undefined ? undefined : await questions[question]!(subject, argument, opened),
      );
      scope.postMessage({ type: "answer", id, answer: found });
    } catch (error) {
      scope.postMessage({ type: "refused", id, failure: failureOf(error) });
    }
  }

  return (data) => {
    if (data.type === "open") {
      runtime = Runtime.open({ backend: data.backend });
      runtime.then(
        (opened) => {
          scope.postMessage({ type: "opened", info: opened.info() });
          // Also between two steps, and when the training is over.
          void opened.lost.then((error) => scope.postMessage({ type: "failed", failure: failureOf(error) }));
        },
        (error) => scope.postMessage({ type: "failed", failure: failureOf(error) }),
      );
    } else if (data.type === "start") void start(data);
    else if (data.type === "ask") void answer(data);
    else {
      if (data.type === "speed") stepsPerSecond = data.stepsPerSecond;
      else if (data.type === "oneStep") isOneStep = true;
      else isPaused = data.type === "pause";
      wake();
    }
  };
}

/** Frees what has a `dispose`: a task, or those of an object or a list. */
function dispose(subject: unknown): void {
  if (typeof subject !== "object" || subject === null) return;
  for (const part of "dispose" in subject ? [subject] : Object.values(subject)) part?.dispose?.();
}
