/** Whether there is a quiet order of overlapping operations in which they give what they gave. */
import { expect } from "vitest";
import { BusyError, DisposedError, type Runtime, type StateDict } from "../../src/node.ts";
import type { Name, QuietRuntime, Report, Training } from "./quiet-runtime.ts";

export type Which = "text" | "streams";
export interface SessionWorld {
  readonly state: StateDict;
  readonly active: readonly number[];
}
/** All that operations depend on and change. */
export interface World {
  readonly weights: Readonly<Record<Which, StateDict>>;
  /** By trainer, those that are gone left out. */
  readonly trainings: ReadonlyMap<{ readonly which: Which }, Training>;
  /** By fit: what its steps report. */
  readonly reports: ReadonlyMap<object, readonly Report[]>;
  /** By drawing: the weights of each chunk so far. */
  readonly drawn: ReadonlyMap<object, readonly StateDict[]>;
  readonly sessions: ReadonlyMap<object, SessionWorld>;
}

/** What operations work on. */
export interface Scene {
  readonly runtime: Runtime;
  readonly quiet: QuietRuntime;
  readonly names: Readonly<Record<Which, Name>>;
  readonly events: Events;
  readonly untrained: Readonly<Record<Which, Training>>;
  /** Weights by seed. */
  readonly drawn: Readonly<Record<Which, readonly StateDict[]>>;
  isDisposed(): boolean;
  /** Tells whether a model was released, or the runtime disposed, since this was called. */
  goneWith(which: Which): () => boolean;
}

/** Something that takes effect at one moment between its start and its end. */
export interface Event {
  readonly what: string;
  readonly start: number;
  /** Infinity: it had no result, and may take effect until everything has settled. */
  end: number;
  /** Those of one thing take effect in the order in which they were started. */
  readonly of: object | undefined;
  /** The world after it; none where its result is not what a quiet order gives. */
  after: (world: World) => Promise<readonly World[]>;
}

export const set = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> => new Map(map).set(key, value);
export const isSame = (a: unknown, b: unknown): boolean => {
  try {
    expect(a).toEqual(b);
    return true;
  } catch {
    return false;
  }
};

/** It may also not have happened. */
export const orNothing =
  (after: Event["after"]): Event["after"] =>
  async (world) => [...(await after(world)), world];

/** What was started, and what came of it. */
export class Events {
  compared = 0;
  refused = 0;
  #now = 0;
  #all: Event[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  readonly #isDisposed: () => boolean;

  /** @param isDisposed whether the runtime was disposed */
  constructor(isDisposed: () => boolean) {
    this.#isDisposed = isDisposed;
  }

  get count(): number {
    return this.#all.length;
  }

  /** The next moment. */
  tick(): number {
    return ++this.#now;
  }

  /** Adds an event that begins at a moment. */
  event(what: string, start: number, of: object | undefined, after: Event["after"]): Event {
    const event: Event = { what, start, end: Number.POSITIVE_INFINITY, of, after };
    this.#all.push(event);
    return event;
  }

  /**
   * Starts an operation.
   * @param how.after the world after it, from the world before it and its result; undefined: the result is another one
   * @param how.gone whether what it works on was disposed meanwhile
   * @param how.busy whether it may be refused for what else is under way
   * @param how.isOpen it returns before it takes effect
   */
  do<R>(
    what: string,
    call: () => R | Promise<R>,
    how: {
      readonly after: (world: World, result: R) => World | undefined | Promise<World | undefined>;
      readonly of?: object | undefined;
      readonly gone?: () => boolean;
      readonly busy?: () => boolean;
      readonly isOpen?: boolean;
    },
  ): void {
    const event = this.event(what, this.tick(), how.of, async () => []);
    const { gone = this.#isDisposed, busy = () => false } = how;
    const done = (result: R) => {
      if (!how.isOpen) event.end = this.tick();
      event.after = async (world) => {
        const next = await how.after(world, result);
        return next ? [next] : [];
      };
      this.compared++;
    };
    const refused = (error: unknown) => {
      event.end = this.tick();
      event.after = async (world) => [world];
      this.refusal(what, error, gone, busy);
    };
    this.track(call, done, refused);
  }

  /** Calls, and tells what came of it. */
  track<R>(call: () => R | Promise<R>, done: (result: R) => void, refused: (error: unknown) => void): void {
    try {
      const result = call();
      if (!(result instanceof Promise)) done(result);
      else {
        const pending = result.then(done, refused).finally(() => this.#pending.delete(pending));
        this.#pending.add(pending);
      }
    } catch (error) {
      refused(error);
    }
  }

  /** Notes an error, which is to be a refusal for a reason. */
  refusal(what: string, error: unknown, gone: () => boolean, busy: () => boolean): void {
    this.refused++;
    if (error instanceof DisposedError && gone()) return;
    if (error instanceof BusyError && busy()) return;
    this.#failures.push(new Error(`${what} failed`, { cause: error }));
  }

  /** Waits for all that was started. @throws an error that is no refusal */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /**
   * Looks for a quiet order of all events so far, and forgets them.
   * @param isReal whether a world is what is there now
   * @returns the world after them
   */
  async quietOrder(world: World, isReal: (world: World) => boolean): Promise<World> {
    const events = this.#all;
    this.#all = [];
    const now = this.tick();
    for (const event of events) event.end = Math.min(event.end, now);
    const found = await search(world, events, isReal);
    if (found) return found;
    const log = events.map(({ what, start, end }) => `${start} to ${end}: ${what}`);
    throw new Error(`no quiet order gives these results:\n${log.join("\n")}`);
  }
}

/** The world after the events in some order that their times allow, which `isReal`. */
async function search(
  world: World,
  left: readonly Event[],
  isReal: (world: World) => boolean,
): Promise<World | undefined> {
  if (left.length === 0) return isReal(world) ? world : undefined;
  const first = left.filter(
    (event, i) =>
      !left.some((other, k) => other.end < event.start || (k < i && event.of !== undefined && other.of === event.of)),
  );
  for (const event of first.sort((a, b) => a.end - b.end)) {
    const rest = left.filter((other) => other !== event);
    for (const after of await event.after(world)) {
      const found = await search(after, rest, isReal);
      if (found) return found;
    }
  }
  return undefined;
}
