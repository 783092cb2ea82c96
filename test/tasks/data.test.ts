/** The made-up data of webgpu-rnn/tasks/data: repeatable, balanced, and what its pages say. */
import { describe, expect, test } from "vitest";
import { OptionError } from "../../src/index.ts";
import * as data from "../../src/tasks/data/index.ts";
import { counted } from "../support/counted.ts";

const languages = ["en", "ko"] as const;

/** Every generator with what it cannot do without. */
const generators = {
  reviews: data.reviews,
  taggedSentences: data.taggedSentences,
  numbersInWords: data.numbersInWords,
  datesInWords: data.datesInWords,
  sentencePairs: data.sentencePairs,
  captionedShapes: data.captionedShapes,
  ambiguousWords: data.ambiguousWords,
  pronounAtDistance: (options: data.TextDataOptions) => data.pronounAtDistance({ distance: 5, ...options }),
  movingShapes: data.movingShapes,
  seasonalSeries: (options: data.DataOptions) => data.seasonalSeries({ length: 50, ...options }),
  motifs: data.motifs,
  readingFrames: data.readingFrames,
  addingProblem: (options: data.DataOptions) => data.addingProblem({ length: 8, ...options }),
  copyMemory: (options: data.DataOptions) => data.copyMemory({ length: 8, ...options }),
};
const names = Object.keys(generators) as (keyof typeof generators)[];
const ofText = names.slice(0, 8);

describe.each(names)("%s", (name) => {
  const make = generators[name] as (options: object) => object[];

  test("gives as many rows as asked for, the same for a seed, others for another seed", () => {
    const rows = make({ count: 30, seed: 7 });
    expect(rows).toHaveLength(30);
    expect(make({ count: 30, seed: 7 })).toEqual(rows);
    expect(make({ count: 10, seed: 7 })).toEqual(rows.slice(0, 10));
    expect(make({ count: 30, seed: 8 })).not.toEqual(rows);
    expect(make({ count: 30 })).toEqual(make({ count: 30, seed: 0 }));
    expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBeGreaterThan(10);
  });

  test("refuses what it cannot do", () => {
    for (const count of [0, -1, 1.5, undefined, "3"]) {
      expect(() => make({ count })).toThrow(OptionError);
      expect(() => make({ count })).toThrow(new RegExp(`^${name}: count is `));
    }
    expect(() => make({ count: 1, sede: 2 })).toThrow(`${name}: unknown option "sede"`);
    expect(() => make({ count: 1, seed: -1 })).toThrow(OptionError);
    const other = ofText.includes(name) ? `${name}: language is "fr", expected "en" or "ko"` : "unknown option";
    expect(() => make({ count: 1, language: "fr" })).toThrow(other);
  });
});

test("options of their own are checked", () => {
  const refused: readonly (() => unknown)[] = [
    () => data.numbersInWords({ count: 1, max: 8 }),
    () => data.numbersInWords({ count: 1, max: 1e12 + 1 }),
    () => data.captionedShapes({ count: 1, size: 7 }),
    () => data.movingShapes({ count: 1, size: 257 }),
    () => data.movingShapes({ count: 1, length: 0 }),
    () => data.seasonalSeries({ count: 1, length: 0 }),
    () => data.seasonalSeries({ count: 1, noise: -1 }),
    () => data.motifs({ count: 1, length: 9 }),
    () => data.motifs({ count: 1, mutations: 3 }),
    () => data.readingFrames({ count: 1, length: 0 }),
    () => data.addingProblem({ count: 1, length: 1 }),
    () => data.addingProblem({ count: 1 } as never),
    () => data.copyMemory({ count: 1, length: 0 }),
    () => data.copyMemory({ count: 1, length: 3, symbols: 0 }),
    () => data.copyMemory({ count: 1, length: 3, copied: 0 }),
    () => data.pronounAtDistance({ count: 1, distance: -1 }),
  ];
  for (const call of refused) expect(call).toThrow(OptionError);
});

test.each(languages)(
  "texts have no marks of templates, no doubled spaces, and the letters of their language: %s",
  (language) => {
    for (const name of ofText) {
      const texts = (generators[name] as (options: object) => object[])({ count: 300, language })
        .flatMap((row) => Object.entries(row).flatMap(([key, value]) => (key === "image" ? [] : [value].flat())))
        .filter((value) => typeof value === "string");
      for (const text of texts) expect(text).not.toMatch(/[{}|*]|undefined|false|NaN| {2}|^ | $|^$/);
      expect(texts.some((text) => /[가-힣]/.test(text))).toBe(language === "ko" || name === "sentencePairs");
    }
  },
);

/** The centre of mass of an image: 0 is its left or upper edge, 1 the other one. */
function centreOf(image: readonly number[], size: number): [x: number, y: number] {
  const mass = image.reduce((sum, grey) => sum + grey, 0);
  const along = (place: (pixel: number) => number) =>
    image.reduce((sum, grey, pixel) => sum + grey * (place(pixel) + 0.5), 0) / mass / size;
  return [along((pixel) => pixel % size), along((pixel) => Math.floor(pixel / size))];
}
const massOf = (image: readonly number[]) => image.reduce((sum, grey) => sum + grey, 0);

test.each([8, 16, 33])("captions agree with the picture of %d pixels", (size) => {
  const english = data.captionedShapes({ count: 600, size });
  const korean = data.captionedShapes({ count: 600, size, language: "ko" });
  const place = (share: number) => (share < 0.375 ? 0 : share < 0.625 ? 1 : 2);
  const masses = new Map<string, number[]>();
  english.forEach(({ image, size: given, caption }, i) => {
    expect([image.length, given]).toEqual([size * size, size]);
    expect(image.every((grey) => grey >= 0 && grey <= 1)).toBe(true);
    const [x, y] = centreOf(image, size).map(place);
    expect(korean[i]!.image).toEqual(image);
    expect([caption.includes("left"), caption.includes("right")]).toEqual([x === 0, x === 2]);
    expect([caption.includes("top"), caption.includes("bottom")]).toEqual([y === 0, y === 2]);
    expect(caption.includes("in the middle")).toBe(x === 1 && y === 1);
    const { caption: text } = korean[i]!;
    expect([text.includes("왼쪽"), text.includes("오른쪽")]).toEqual([x === 0, x === 2]);
    expect([text.startsWith("위에") || text.includes(" 위에"), text.includes("아래에")]).toEqual([y === 0, y === 2]);
    const [, extent, shape] = /^a (small|large) (circle|square|triangle|cross|line) /.exec(caption)!;
    const korean2 = { circle: "원", square: "사각형", triangle: "삼각형", cross: "십자", line: "선" }[
      shape as "circle"
    ];
    expect(text).toMatch(new RegExp(`있는 ${extent === "small" ? "작은" : "큰"} ${korean2}$`));
    masses.set(`${shape} ${extent}`, [...(masses.get(`${shape} ${extent}`) ?? []), massOf(image)]);
  });
  expect(masses.size).toBe(10);
  for (const shape of ["circle", "square", "triangle", "cross", "line"])
    expect(Math.min(...masses.get(`${shape} large`)!)).toBeGreaterThan(Math.max(...masses.get(`${shape} small`)!));
  // A square covers more than the circle in it, the circle more than a cross.
  const mean = (key: string) => massOf(masses.get(key)!) / masses.get(key)!.length;
  expect(mean("circle large")).toBeGreaterThan(mean("cross large"));
  expect(mean("cross large")).toBeGreaterThan(mean("line large"));
});

test("a moving shape does in each frame what the label says", () => {
  const seen = new Set<string>();
  for (const { frames, labels, size } of data.movingShapes({ count: 100, length: 24 })) {
    expect([frames.length, labels.length, labels[0]]).toEqual([24, 24, "still"]);
    for (let t = 1; t < frames.length; t++) {
      const [before, now] = [frames[t - 1]!, frames[t]!];
      const [x0, y0] = centreOf(before, size);
      const [x1, y1] = centreOf(now, size);
      const [dx, dy, grown] = [(x1 - x0) * size, (y1 - y0) * size, massOf(now) / massOf(before)];
      const found =
        Math.abs(dx) > 0.5
          ? dx > 0
            ? "right"
            : "left"
          : Math.abs(dy) > 0.5
            ? dy > 0
              ? "down"
              : "up"
            : grown > 1.01
              ? "growing"
              : grown < 0.99
                ? "shrinking"
                : "still";
      expect(`${t}: ${found}`).toBe(`${t}: ${labels[t]}`);
      seen.add(found);
    }
  }
  expect([...seen].sort()).toEqual([...data.motionLabels].sort());
});

describe("seasonal series", () => {
  const [series, other] = data.seasonalSeries({ count: 2, length: 1500, noise: 2 });
  const { dates, values, expected, known } = series!;

  test("have columns for every day of the calendar", () => {
    for (const column of [dates, values, expected, ...Object.values(known)]) expect(column).toHaveLength(1500);
    dates.forEach((date, i) => {
      const day = new Date(Date.UTC(2020, 0, 1 + i));
      expect(date).toBe(day.toISOString().slice(0, 10));
      expect(known.weekday[i]).toBe((day.getUTCDay() + 6) % 7);
      const yearsDay = (day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / 864e5;
      const days = (Date.UTC(day.getUTCFullYear() + 1, 0, 1) - Date.UTC(day.getUTCFullYear(), 0, 1)) / 864e5;
      expect(known.year[i]).toBe(yearsDay / days);
      expect(known.holiday[i]).toBe(Number(["01-01", "05-01", "10-03", "12-25"].includes(date.slice(5))));
    });
    const events = known.event.join("").split(/0+/).filter(Boolean);
    expect(events.length).toBeGreaterThan(10);
    expect(events.every((event) => event.length >= 3 && event.length <= 15)).toBe(true);
    expect(other!.values).not.toEqual(values);
  });

  test("are what is expected and noise", () => {
    const noise = values.map((value, i) => value - expected[i]!);
    const mean = noise.reduce((sum, one) => sum + one, 0) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, one) => sum + one * one, 0) / noise.length);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(Math.abs(deviation - 2)).toBeLessThan(0.2);
    const [quiet] = data.seasonalSeries({ count: 1, length: 40, noise: 0 });
    expect(quiet!.values).toEqual(quiet!.expected);
  });

  test("have a season by weekday, holidays below and events above it", () => {
    // Days that are a week apart and have no event: trend and yearly season hardly move.
    const plain = (i: number) => known.holiday[i] === 0 && known.event[i] === 0;
    const effects = { holiday: [] as number[], event: [] as number[], none: [] as number[] };
    for (let i = 7; i < dates.length; i++) {
      if (!plain(i - 7)) continue;
      const change = expected[i]! - expected[i - 7]!;
      if (plain(i)) effects.none.push(change);
      else if (known.holiday[i] === 0) effects.event.push(change);
      else if (known.event[i] === 0) effects.holiday.push(change);
    }
    expect(Math.max(...effects.none.map(Math.abs))).toBeLessThan(3.5);
    expect(effects.holiday.length).toBeGreaterThan(5);
    expect(Math.max(...effects.holiday)).toBeLessThan(-4);
    expect(Math.min(...effects.event)).toBeGreaterThan(4);
  });
});

describe("motifs", () => {
  const different = (a: string, b: string) => [...a].filter((letter, i) => letter !== b[i]).length;

  test("differ from one another in half of their letters", () => {
    const all = Object.values(data.motifSequences);
    for (const [i, a] of all.entries())
      for (const b of all.slice(i + 1)) expect(different(a, b)).toBeGreaterThanOrEqual(5);
  });

  test.each([0, 1, 2])("are found where they were planted with up to %d mutations, and nowhere else", (mutations) => {
    const rows = data.motifs({ count: 800, length: 70, mutations });
    expect([...counted(rows.map(({ label }) => label)).values()]).toEqual([200, 200, 200, 200]);
    const most: number[] = [];
    for (const { sequence, label, position } of rows) {
      expect(sequence).toMatch(/^[ACGT]{70}$/);
      const found: [string, number][] = [];
      for (const [name, motif] of Object.entries(data.motifSequences))
        for (let start = 0; start <= 60; start++) {
          const replaced = different(sequence.slice(start, start + 10), motif);
          if (replaced > mutations) continue;
          found.push([name, start]);
          most.push(replaced);
        }
      expect(found).toEqual(label === "none" ? [] : [[label, position]]);
    }
    expect(new Set(most).size).toBe(mutations + 1);
  });
});

test("reading frames go from ATG to the first stop in step", () => {
  let frames = 0;
  for (const { sequence, labels } of data.readingFrames({ count: 400, length: 120 })) {
    expect(sequence).toMatch(/^[ACGT]{120}$/);
    const found = sequence.replace(/ATG(?:(?!TAA|TAG|TGA)[ACGT]{3})*(?:TAA|TAG|TGA)/g, (frame) => {
      frames++;
      expect(frame.length / 3).toBeGreaterThanOrEqual(4);
      expect(frame.length / 3).toBeLessThanOrEqual(12);
      return "123".repeat(frame.length / 3);
    });
    expect(labels.map((label) => (label === "outside" ? "o" : label)).join("")).toBe(found.replace(/[ACGT]/g, "o"));
  }
  expect(frames).toBeGreaterThan(400);
});

test("the adding problem's target is the sum of the two marked values", () => {
  for (const length of [2, 3, 50]) {
    const rows = data.addingProblem({ count: 500, length });
    for (const { values, target } of rows) {
      expect(values).toHaveLength(length);
      expect(values.every(([value, marker]) => value >= 0 && value < 1 && (marker === 0 || marker === 1))).toBe(true);
      const marked = values.flatMap(([value, marker], step) => (marker === 1 ? [{ value, step }] : []));
      expect(marked).toHaveLength(2);
      expect(marked[0]!.step).toBeLessThan(Math.floor(length / 2));
      expect(marked[1]!.step).toBeGreaterThanOrEqual(Math.floor(length / 2));
      expect(target).toBe(marked[0]!.value + marked[1]!.value);
    }
    const error = rows.reduce((sum, { target }) => sum + (target - 1) ** 2, 0) / rows.length;
    expect(Math.abs(error - 1 / 6)).toBeLessThan(0.03);
  }
});

test("copy memory asks for the first tokens at the end", () => {
  for (const { input, target } of data.copyMemory({ count: 100, length: 20, symbols: 5, copied: 4 })) {
    const tokens = input.slice(0, 4);
    expect(tokens.every((token) => token >= 0 && token < 5)).toBe(true);
    expect(input).toEqual([...tokens, ...Array(19).fill(5), 6, ...Array(4).fill(5)]);
    expect(target).toEqual([...Array(24).fill(5), ...tokens]);
  }
  const [row] = data.copyMemory({ count: 1, length: 1 });
  expect([row!.input.length, row!.target.length, row!.input[10]]).toEqual([21, 21, 9]);
  const tokens = data.copyMemory({ count: 100, length: 1 }).flatMap(({ input }) => input.slice(0, 10));
  expect([...new Set(tokens)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test.each(languages)("the blank asks for a person as many words back as the distance says: %s", (language) => {
  const people = new Map<string, Set<string>>();
  for (const distance of [0, 1, 10, 150]) {
    const rows = data.pronounAtDistance({ count: 200, distance, language });
    expect([...counted(rows.map(({ label }) => label)).values()]).toEqual([100, 100]);
    for (const { words, label } of rows) {
      expect(words.at(-1)).toBe("___");
      const person = words.slice(0, words.length - 1 - distance);
      expect([1, 2]).toContain(person.length);
      people.set(person.join(" "), (people.get(person.join(" ")) ?? new Set()).add(label));
      if (distance > 0) expect(words.at(-2)).toBe(".");
    }
    // The words between do not tell.
    expect(new Set(rows.flatMap(({ words }) => words.slice(words.length - 1 - distance))).has("she")).toBe(false);
  }
  expect(people.size).toBe(16);
  for (const [, labels] of people) expect(labels.size).toBe(1);
  expect([...people.keys()].every((person) => language === "en" || /[이가]$/.test(person))).toBe(true);
});
