/** What the page trains: a series that is made up, a reader's own, or a curve. */
import { effect, signal } from "@preact/signals";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { Series } from "./program.ts";
import type { questions, Settings } from "./worker.ts";

export const kinds = ["made", "own", "drawn"] as const;
export type Kind = (typeof kinds)[number];

export const { data, seed } = settings({ data: "made" as Kind, seed: 1 }, { data: kinds, seed: { min: 0, max: 9999 } });

/** The last series of each kind that could be read. */
export const given = { own: signal<Series | undefined>(undefined), drawn: signal<Series | undefined>(undefined) };

/** Rows before the forecast, as the reader chose; as many as can be until then. */
export const origin = signal<number | undefined>(undefined);
/** Events that the reader plans, by row. */
export const events = signal<Readonly<Record<number, boolean>>>({});

const seriesNow = () => (data.value === "made" ? undefined : given[data.value].value);

// Of another series, other rows.
effect(() => {
  void [seriesNow(), data.value, seed.value];
  origin.value = undefined;
  events.value = {};
});

export const training = new LiveTraining<Settings, never, typeof questions>("forecast", () => {
  const series = seriesNow();
  return { seed: seed.value, ...(series && { series }) };
});
