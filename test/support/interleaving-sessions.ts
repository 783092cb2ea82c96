/** Sessions, among other operations of a runtime. */
import type { Session, StateDict, TensorData } from "../../src/node.ts";
import { isSame, type Scene, type SessionWorld, set, type World } from "./quiet-order.ts";
import { openSession, sessionInput } from "./quiet-runtime.ts";

export type SessionOp =
  | ({ kind: "call" | "push"; input: number } & { number: number })
  | ({ kind: "reset"; streams: number[] | undefined } & { number: number })
  | ({ kind: "active"; streams: number[] } & { number: number })
  | ({ kind: "state" | "set state" | "dispose session" } & { number: number });
interface OpenSession {
  readonly session: Session<"x">;
  readonly T: number;
  saved: StateDict | undefined;
  isDisposed: boolean;
  readonly gone: () => boolean;
}

export class Sessions {
  readonly #scene: Scene;
  readonly #sessions: OpenSession[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  open(T: number): void {
    const { runtime, names, quiet, events, goneWith } = this.#scene;
    const name = names.streams;
    const gone = goneWith("streams");
    const open = async () => {
      const session = await openSession(runtime, name, T);
      const opened: OpenSession = { session, T, saved: undefined, isDisposed: false, gone };
      this.#sessions.push(opened);
      return opened;
    };
    events.do("session", open, {
      gone,
      after: async (world, opened) => {
        const state = await quiet.start(name, world.weights.streams);
        return { ...world, sessions: set(world.sessions, opened, { state, active: [0, 1] }) };
      },
    });
  }

  start(op: SessionOp): void {
    const { names, quiet, events } = this.#scene;
    const open = this.#sessions.at(-1 - op.number);
    if (!open) return;
    const { session, T } = open;
    const gone = () => open.isDisposed || open.gone();
    const name = names.streams;
    const change = async (world: World, how: (now: SessionWorld) => SessionWorld | Promise<SessionWorld>) => {
      const now = world.sessions.get(open);
      return now && { ...world, sessions: set(world.sessions, open, await how(now)) };
    };
    const call = (world: World, input: number, isSound: (outputs: StateDict, active: readonly number[]) => boolean) =>
      change(world, async ({ state, active }) => {
        const after = await quiet.call(name, T, world.weights.streams, state, active, input);
        return { active, state: isSound(after.outputs, active) ? after.state : WRONG };
      }).then((next) => (next?.sessions.get(open)?.state === WRONG ? undefined : next));
    const later = { of: open, gone, isOpen: true };
    switch (op.kind) {
      case "call":
        events.do(op.kind, () => session.run({ x: sessionInput(T, op.input) }), {
          of: open,
          gone,
          after: (world, { y }) =>
            call(world, op.input, (outputs, active) => isSame(rowsOf(y!, active), rowsOf(outputs.y!, active))),
        });
        return;
      case "push":
        events.do(op.kind, () => session.push({ x: sessionInput(T, op.input) }), {
          ...later,
          after: (world) => call(world, op.input, () => true),
        });
        return;
      case "reset": {
        const { streams = [0, 1] } = op;
        events.do(op.kind, () => session.reset(op.streams), {
          ...later,
          after: async (world) => {
            const start = await quiet.start(name, world.weights.streams);
            return change(world, ({ state, active }) => ({ active, state: withRows(state, start, streams) }));
          },
        });
        return;
      }
      case "active":
        events.do(
          op.kind,
          () => {
            session.active = op.streams;
          },
          { ...later, after: (world) => change(world, ({ state }) => ({ state, active: op.streams })) },
        );
        return;
      case "state":
        events.do(op.kind, () => session.state(), {
          of: open,
          gone,
          after: (world, state) => {
            open.saved = state;
            return isSame(state, world.sessions.get(open)?.state) ? world : undefined;
          },
        });
        return;
      case "set state": {
        const { saved } = open;
        if (!saved) return;
        events.do(op.kind, () => session.setState(saved), {
          ...later,
          after: (world) => change(world, ({ active }) => ({ active, state: saved })),
        });
        return;
      }
      case "dispose session":
        events.do(op.kind, () => session.dispose(), {
          after: (world) => {
            const sessions = new Map(world.sessions);
            sessions.delete(open);
            return { ...world, sessions };
          },
        });
        open.isDisposed = true;
    }
  }

  /** What the sessions hold, as tests of worlds. */
  async observed(): Promise<((world: World) => boolean)[]> {
    const looks: ((world: World) => boolean)[] = [];
    for (const open of this.#sessions) {
      if (open.gone() || open.isDisposed) continue;
      const state = await open.session.state();
      looks.push((world) => isSame(state, world.sessions.get(open)?.state));
    }
    return looks;
  }
}

/** States that no session has. */
const WRONG: StateDict = {};

/** The rows of some streams of `[T,B,C]`. */
function rowsOf({ shape, data }: TensorData, streams: readonly number[]): number[] {
  const [T, B, C] = shape as [number, number, number];
  const row = (t: number, b: number) => [...data.slice((t * B + b) * C, (t * B + b + 1) * C)];
  return Array.from({ length: T }, (_, t) => streams.flatMap((b) => row(t, b))).flat();
}

/** States `[1,B,H]` with the rows of some streams from other ones. */
const withRows = (states: StateDict, others: StateDict, streams: readonly number[]): StateDict =>
  Object.fromEntries(
    Object.entries(states).map(([name, { shape, data }]) => {
      const size = shape[2]!;
      const changed = data.slice();
      for (const b of streams) changed.set(others[name]!.data.subarray(b * size, (b + 1) * size), b * size);
      return [name, { shape, data: changed }];
    }),
  );
