import type { Backend } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { MARKER, repeated, type TuningMemory } from "./plan-part.ts";

/** Microseconds of one replay, over several rounds. */
export interface Times {
  readonly median: number;
  /** Between these lies the middle half of the rounds: what is within is noise. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

export interface Clock {
  /** Milliseconds. */
  now(): number;
  /** Throws when the work is to end at once. */
  check(): void;
  /** Whether the time that there is has run out: what was measured by then counts. */
  isOver(): boolean;
}

/** Milliseconds that one plan works before the next one has its turn: well above what a clock of a page can tell apart. */
const TURN = 12;
const ROUNDS = 11;
/** What fewer rounds say is chance. */
const LEAST_ROUNDS = 5;
/** A plan whose best of three rounds takes so many times as long as that of the fastest one is not timed any more. */
const HOPELESS = 1.5;
/** Commands in one submit at most. */
const MOST_COMMANDS = 4096;

export function timesOf(microseconds: readonly number[]): Times {
  const sorted = [...microseconds].sort((a, b) => a - b);
  const quarter = sorted.length >> 2;
  return {
    median: sorted[sorted.length >> 1]!,
    low: sorted[quarter]!,
    high: sorted[sorted.length - 1 - quarter]!,
    rounds: sorted.length,
  };
}

/** Whether something is faster by clearly more than noise: by a twentieth, and the middle halves of both do not touch. */
export const isFaster = (one: Times, other: Times): boolean => one.median < 0.95 * other.median && one.high < other.low;

/**
 * Times plans in turns, so that whatever else the machine does meets all of them alike. Each turn is one submit of as many replays
 * as take some milliseconds.
 * @param plans the first one is timed in every round: the others are compared with it
 * @returns undefined where the time ran out before there were enough rounds
 */
export async function timeInTurns(
  backend: Backend,
  memory: TuningMemory,
  plans: readonly Plan[],
  clock: Clock,
): Promise<(Times | undefined)[]> {
  const loaded: { dispose(): void }[] = [];
  const load = async (plan: Plan) => {
    const one = await backend.load(plan, { part: "tuning" }, memory);
    loaded.push(one);
    return async () => {
      clock.check();
      const start = clock.now();
      await one.runAndRead([MARKER.name]);
      return clock.now() - start;
    };
  };
  try {
    const contenders = [];
    for (const plan of plans) {
      const most = Math.max(1, Math.floor(MOST_COMMANDS / plan.commands.length));
      let replays = 1;
      let run = await load(plan);
      await run(); // the first replay pays for what happens once
      // Again where it was too few: something else may have had the machine when they were counted.
      for (let took = await run(); took < TURN / 2 && replays < most; took = await run()) {
        replays = Math.min(most, Math.ceil(replays * Math.min(32, TURN / Math.max(took, 0.01))));
        loaded.pop()!.dispose();
        run = await load(repeated(plan, replays));
      }
      contenders.push({ run, replays, times: [] as number[] });
    }
    for (let round = 0; round < ROUNDS && !clock.isOver(); round++) {
      const fastest = Math.min(...contenders.map(({ times }) => Math.min(...times)));
      for (const [i, { run, replays, times }] of contenders.entries()) {
        if (i > 0 && round >= 3 && Math.min(...times) > HOPELESS * fastest) continue;
        times.push((1000 * (await run())) / replays);
      }
    }
    const isEnough = (contenders[0]?.times.length ?? 0) >= LEAST_ROUNDS;
    return contenders.map(({ times }) => (isEnough ? timesOf(times) : undefined));
  } finally {
    for (const one of loaded) one.dispose();
  }
}
