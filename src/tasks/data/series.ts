import { checkCount, checkNumber } from "../../index.ts";
import { type Day, daysIn, isoDate, weekdayOf } from "./dates.ts";
import { type DataOptions, type Draw, makeRows } from "./draw.ts";

export interface SeasonalSeries {
  /** One day after the other, the first is 2020-01-01. */
  readonly dates: string[];
  /** One value a day: `expected` and noise. */
  readonly values: number[];
  /** The values without noise: no forecast can be better. */
  readonly expected: number[];
  /** Columns with a number for every day that are known of days to come, too. */
  readonly known: {
    /** 0 is Monday, 6 is Sunday. */
    readonly weekday: number[];
    /** How much of the year is over, in [0, 1). */
    readonly year: number[];
    /** 1 on the first of January, the first of May, the third of October and the 25th of December, else 0. */
    readonly holiday: number[];
    /** 1 on days of an event, such as a sale; an event has 3 to 7 days, and begins by chance. */
    readonly event: number[];
  };
}

export interface SeasonalSeriesOptions extends DataOptions {
  /** Days, default 730. */
  readonly length?: number;
  /** The standard deviation of the noise, from 0 to 1000, default 1; the level is about 50. */
  readonly noise?: number;
}

const holidays = ["01-01", "05-01", "10-03", "12-25"];

/** The following day. */
function dayAfter({ year, month, day }: Day): Day {
  if (day < daysIn(year, month)) return { year, month, day: day + 1 };
  return month < 12 ? { year, month: month + 1, day: 1 } : { year: year + 1, month: 1, day: 1 };
}

/** 0, 1, 0, -1 and 0 at the quarters of a turn, of two parabolas: Math.sin is not the same on every machine. */
function wave(turn: number): number {
  const rest = turn - Math.floor(turn);
  return rest < 0.5 ? 16 * rest * (0.5 - rest) : -16 * (rest - 0.5) * (1 - rest);
}

function yearShare({ year, month, day }: Day): number {
  let before = day - 1;
  for (let earlier = 1; earlier < month; earlier++) before += daysIn(year, earlier);
  return before / (daysIn(year, 2) === 29 ? 366 : 365);
}

function makeSeries(draw: Draw, length: number, noise: number): SeasonalSeries {
  const between = (low: number, high: number) => low + ((high - low) * draw.below(1000)) / 1000;
  const level = between(40, 60);
  const trend = between(-0.02, 0.04);
  const byWeekday = Array.from({ length: 7 }, () => between(-5, 5));
  const [yearly, shift] = [between(5, 12), between(0, 1)];
  const [ofHoliday, ofEvent] = [between(-15, -8), between(8, 15)];

  const series: SeasonalSeries = {
    dates: [],
    values: [],
    expected: [],
    known: { weekday: [], year: [], holiday: [], event: [] },
  };
  const { dates, values, expected, known } = series;
  let date: Day = { year: 2020, month: 1, day: 1 };
  let eventDays = 0;
  for (let step = 0; step < length; step++, date = dayAfter(date)) {
    eventDays = eventDays > 0 ? eventDays - 1 : draw.chance(0.02) ? 3 + draw.below(5) : 0;
    const iso = isoDate(date);
    const [weekday, year] = [weekdayOf(date), yearShare(date)];
    const holiday = Number(holidays.includes(iso.slice(5)));
    const event = Number(eventDays > 0);
    const seasons = byWeekday[weekday]! + yearly * wave(year + shift);
    const value = level + trend * step + seasons + ofHoliday * holiday + ofEvent * event;
    dates.push(iso);
    expected.push(value);
    values.push(value + noise * draw.normal());
    known.weekday.push(weekday);
    known.year.push(year);
    known.holiday.push(holiday);
    known.event.push(event);
  }
  return series;
}

/**
 * Daily series: a level of 40 to 60, a trend of -0.02 to 0.04 a day, a season by weekday (-5 to 5), a season by year (5 to 12
 * up and down), holidays (-15 to -8), events (8 to 15) and normal noise, added up. Each series has its own numbers.
 *
 * @throws OptionError for an unknown option, or a count, seed, length or noise out of range
 */
export function seasonalSeries(options: SeasonalSeriesOptions): SeasonalSeries[] {
  const length = checkCount("seasonalSeries", "length", options?.length ?? 730);
  const noise = checkNumber("seasonalSeries", "noise", options?.noise ?? 1, 0, 1000);
  return makeRows("seasonalSeries", options, ["length", "noise"], (draw) => makeSeries(draw, length, noise));
}
