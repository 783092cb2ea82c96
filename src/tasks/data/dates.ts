import { checkLanguage, makeRows, type TextDataOptions } from "./draw.ts";
import { numberToWords } from "./numbers.ts";

export interface DateInWords {
  /** Year, month and day: `"2021-05-03"`. */
  readonly iso: string;
  readonly words: string;
}

const monthNames = "January February March April May June July August September October November December".split(" ");
const weekdayNames = {
  en: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  ko: [..."월화수목금토일"].map((day) => `${day}요일`),
};

/** A day of the Gregorian calendar. */
export interface Day {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

/** How many days a month has. */
export function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The weekday, 0 is Monday, by Zeller's congruence (Acta Mathematica 9, 1887). */
export function weekdayOf({ year, month, day }: Day): number {
  const shifted = month < 3; // January and February count as months 13 and 14 of the year before
  const y = shifted ? year - 1 : year;
  const m = shifted ? month + 12 : month;
  const fromSaturday =
    day + Math.floor((13 * (m + 1)) / 5) + y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return (fromSaturday + 5) % 7;
}

export const isoDate = ({ year, month, day }: Day): string =>
  `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;

/** 유월 and 시월 have lost a consonant. */
const koreanMonth = (month: number): string => `${{ 6: "유", 10: "시" }[month] ?? numberToWords(month, "ko")}월`;

const ordinal = (n: number): string => {
  const ending = n > 10 && n < 14 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
};

type Format = (date: Day) => string;
const formats: Readonly<Record<"en" | "ko", readonly Format[]>> = {
  en: [
    ({ year, month, day }) => `${monthNames[month - 1]} ${day}, ${year}`,
    ({ year, month, day }) => `${day} ${monthNames[month - 1]} ${year}`,
    ({ year, month, day }) => `${monthNames[month - 1]!.slice(0, 3)} ${day}, ${year}`,
    ({ year, month, day }) => `the ${ordinal(day)} of ${monthNames[month - 1]} ${year}`,
    (date) => `${weekdayNames.en[weekdayOf(date)]}, ${date.day} ${monthNames[date.month - 1]} ${date.year}`,
  ],
  ko: [
    ({ year, month, day }) => `${year}년 ${month}월 ${day}일`,
    ({ year, month, day }) => `${year}. ${month}. ${day}.`,
    ({ year, month, day }) => `${numberToWords(year, "ko")}년 ${koreanMonth(month)} ${numberToWords(day, "ko")}일`,
    (date) => `${date.year}년 ${date.month}월 ${date.day}일 ${weekdayNames.ko[weekdayOf(date)]}`,
  ],
};

/**
 * Days from 1900 to 2099 as people write them ("May 3, 2021", "the 3rd of May 2021", "2021년 5월 3일", "이천이십일년 오월 삼일"),
 * all ways alike often.
 *
 * @throws OptionError for an unknown option or language, or a count or seed out of range
 */
export function datesInWords(options: TextDataOptions): DateInWords[] {
  const language = checkLanguage("datesInWords", options?.language ?? "en");
  return makeRows("datesInWords", options, ["language"], (draw) => {
    const [year, month] = [1900 + draw.below(200), 1 + draw.below(12)];
    const date = { year, month, day: 1 + draw.below(daysIn(year, month)) };
    return { iso: isoDate(date), words: draw.pick(formats[language])(date) };
  });
}
