/** The made-up texts of webgpu-rnn/tasks/data, read by other rules than those that wrote them. */
import { describe, expect, test } from "vitest";
import { DataError, OptionError } from "../../src/index.ts";
import * as data from "../../src/tasks/data/index.ts";
import { counted } from "../support/counted.ts";

const languages = ["en", "ko"] as const;

describe.each(languages)("reviews: %s", (language) => {
  const rows = data.reviews({ count: 6000, language });

  test("have as many of each class", () => {
    expect(counted(rows.map(({ label }) => label))).toEqual(new Map(data.reviewLabels.map((label) => [label, 2000])));
    for (const label of data.reviewLabels) {
      const share = rows.slice(0, 100).filter((row) => row.label === label).length;
      expect(Math.abs(share - 100 / 3)).toBeLessThan(1);
    }
  });

  test("are told by their order, not by their words alone", () => {
    const byBag = new Map<string, Set<string>>();
    for (const { text, label } of data.reviews({ count: 30000, language })) {
      const bag = text.toLowerCase().replace(/[.,]/g, "").split(" ").sort().join(" ");
      byBag.set(bag, (byBag.get(bag) ?? new Set()).add(label));
    }
    expect([...byBag.values()].some((labels) => labels.size > 1)).toBe(true);
    // Naive Bayes by counts of words.
    const wordsOf = (text: string) => text.toLowerCase().replace(/[.,]/g, "").split(" ");
    const training = rows.slice(0, 5000);
    const vocabulary = new Set(training.flatMap(({ text }) => wordsOf(text)));
    const counts = data.reviewLabels.map((label) => {
      const words = training.filter((row) => row.label === label).flatMap(({ text }) => wordsOf(text));
      return { label, byWord: counted(words), total: words.length + vocabulary.size };
    });
    const guess = (text: string) => {
      const scores = counts.map(({ byWord, total }) =>
        wordsOf(text).reduce((sum, word) => sum + Math.log(((byWord.get(word) ?? 0) + 1) / total), 0),
      );
      return counts[scores.indexOf(Math.max(...scores))]!.label;
    };
    const right = rows.slice(5000).filter(({ text, label }) => guess(text) === label).length / 1000;
    expect(right).toBeGreaterThan(0.4);
    expect(right).toBeLessThan(language === "en" ? 0.6 : 0.87); // Korean verb forms tell where in the sentence they stand
  });
});

/** What an English clause says: +1 or -1, twice that when it is strong. */
function saysOf(clause: string): number {
  const good = /good|nice|lovely|(?<!un)pleasant|impressive|charming/.test(clause);
  if (/\bnot\b/.test(clause)) return good ? -1 : 1;
  return (good ? 1 : -1) * (/very|really|extremely/.test(clause) ? 2 : 1);
}
test("the label of an English review is what its clauses say", () => {
  const seen = new Set<string>();
  for (const { text, label } of data.reviews({ count: 1500, seed: 3 })) {
    const opinion = text.split(". ").find((sentence) => /^The \w+ (is|was) /.test(sentence));
    let value = 0;
    if (opinion) {
      const join = /, but |, although | and /.exec(opinion)?.[0] ?? "alone";
      seen.add(join);
      const values = opinion.split(join).map(saysOf);
      if (join === ", but ") value = values[1]!;
      else if (join === ", although ") value = values[0]!;
      else value = values.reduce((sum, one) => sum + one, 0);
    }
    expect(`${text} ${["negative", "neutral", "positive"][1 + Math.sign(value)]}`).toBe(`${text} ${label}`);
  }
  expect(seen.size).toBe(4);
});

/** The same in Korean: what stands after 하지만 or a 지만 counts, but a sentence that ends with 지만 or 지만요 does not. */
test("the label of a Korean review is what its clauses say", () => {
  const seen = new Set<string>();
  const good = /좋|훌륭|멋|만족|완벽|뛰어/;
  const bad = /나쁘|나빴|나빠|형편없|실망|아쉽|아쉬|끔찍|허술/;
  for (const { text, label } of data.reviews({ count: 1500, seed: 3, language: "ko" })) {
    const sentences = text.split(". ").filter((sentence) => good.test(sentence) || bad.test(sentence));
    const clauses = sentences
      .flatMap((sentence) => sentence.split(/(?<=지만) (?!$)|(?<=고) /))
      .filter((one) => /은|는/.test(one));
    const values = clauses.map((clause) => {
      const sign = good.test(clause) === /지 않/.test(clause) ? -1 : 1;
      return /지 않/.test(clause) ? sign : sign * (/아주|정말|무척/.test(clause) ? 2 : 1);
    });
    const [first = 0, second = 0] = values;
    const opinion = sentences.join(". ");
    const join = /지만요?\.?$/.test(opinion)
      ? "though"
      : /지만 /.test(opinion)
        ? "but"
        : clauses.length > 1
          ? "and"
          : "alone";
    seen.add(join);
    const value = { alone: first, and: first + second, but: second, though: first }[join];
    expect(`${text} ${["negative", "neutral", "positive"][1 + Math.sign(value)]}`).toBe(`${text} ${label}`);
  }
  expect(seen.size).toBe(4);
});

test.each([
  [
    "en",
    {
      book: ["NOUN", "VERB"],
      that: ["DET", "SCONJ"],
      light: ["ADJ", "NOUN", "VERB"],
      fast: ["ADJ", "ADV"],
      can: ["AUX", "NOUN"],
    },
  ],
  [
    "ko",
    {
      나는: ["PRON", "VERB"],
      가는: ["ADJ", "VERB"],
      쓴: ["ADJ", "VERB"],
      한: ["NUM", "VERB"],
      이: ["DET", "NOUN"],
      새: ["DET", "NOUN"],
    },
  ],
] as const)("tagged sentences have a tag for every word, and words with several tags: %s", (language, several) => {
  const universal = "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split(" ");
  const rows = data.taggedSentences({ count: 3000, language });
  const tagsOf = new Map<string, Set<string>>();
  for (const { words, tags } of rows) {
    expect(tags).toHaveLength(words.length);
    expect(words.length).toBeGreaterThan(3);
    for (const tag of tags) expect(universal).toContain(tag);
    expect([words.at(-1), tags.at(-1)]).toEqual([".", "PUNCT"]);
    words.forEach((word, i) => {
      tagsOf.set(word, (tagsOf.get(word) ?? new Set()).add(tags[i]!));
    });
  }
  for (const [word, tags] of Object.entries(several))
    expect([word, ...[...tagsOf.get(word)!].sort()]).toEqual([word, ...tags]);
});

describe("numbers", () => {
  const known: readonly [n: number, en: string, ko: string][] = [
    [0, "zero", "영"],
    [1, "one", "일"],
    [10, "ten", "십"],
    [11, "eleven", "십일"],
    [15, "fifteen", "십오"],
    [20, "twenty", "이십"],
    [42, "forty-two", "사십이"],
    [100, "one hundred", "백"],
    [101, "one hundred one", "백일"],
    [110, "one hundred ten", "백십"],
    [111, "one hundred eleven", "백십일"],
    [321, "three hundred twenty-one", "삼백이십일"],
    [1000, "one thousand", "천"],
    [1001, "one thousand one", "천일"],
    [1111, "one thousand one hundred eleven", "천백십일"],
    [2021, "two thousand twenty-one", "이천이십일"],
    [10000, "ten thousand", "만"],
    [10001, "ten thousand one", "만 일"],
    [12345, "twelve thousand three hundred forty-five", "만 이천삼백사십오"],
    [20000, "twenty thousand", "이만"],
    [100000, "one hundred thousand", "십만"],
    [110000, "one hundred ten thousand", "십일만"],
    [1000000, "one million", "백만"],
    [11110000, "eleven million one hundred ten thousand", "천백십일만"],
    [100000000, "one hundred million", "일억"],
    [100010000, "one hundred million ten thousand", "일억 일만"],
    [1000000001, "one billion one", "십억 일"],
    [
      123456789012,
      "one hundred twenty-three billion four hundred fifty-six million seven hundred eighty-nine thousand twelve",
      "천이백삼십사억 오천육백칠십팔만 구천십이",
    ],
    [1000000000000, "one trillion", "일조"],
  ];
  test.each(known)("%d is written as it should be, and read again", (n, en, ko) => {
    expect([data.numberToWords(n, "en"), data.numberToWords(n, "ko")]).toEqual([en, ko]);
    expect([data.wordsToNumber(en, "en"), data.wordsToNumber(ko, "ko")]).toEqual([n, n]);
  });

  test.each(languages)("every number comes back: %s", (language) => {
    const seen = new Set<string>();
    for (let n = 0; n <= 20000; n++) {
      const words = data.numberToWords(n, language);
      if (data.wordsToNumber(words, language) !== n) expect.fail(`${n} is ${words}`);
      seen.add(words);
    }
    expect(seen.size).toBe(20001);
    for (const { digits, words } of data.numbersInWords({ count: 5000, language })) {
      expect(digits).toMatch(/^(0|[1-9]\d*)$/);
      expect(String(data.wordsToNumber(words, language))).toBe(digits);
    }
  });

  test("other ways to write them are read", () => {
    for (const words of ["일만 이천삼백사십오", "만이천삼백사십오", "일만이천 삼백 사십오"])
      expect(data.wordsToNumber(words, "ko")).toBe(12345);
    expect(data.wordsToNumber("일백일십일", "ko")).toBe(111);
    expect(data.wordsToNumber("One hundred and twenty one", "en")).toBe(121);
  });

  test("words that are no number are refused", () => {
    for (const words of [
      "",
      "two three",
      "twenty eleven",
      "hundred",
      "one thousand thousand",
      "two trillion",
      "삼",
      "3",
      "one apple",
    ])
      expect(() => data.wordsToNumber(words, "en")).toThrow(DataError);
    for (const words of ["", "삼삼", "십백", "삼만만", "영삼", "이조", "three", "삼 개", "일조일"])
      expect(() => data.wordsToNumber(words, "ko")).toThrow(DataError);
    expect(() => data.wordsToNumber(3 as never, "en")).toThrow(DataError);
    expect(() => data.wordsToNumber("two three", "en")).toThrow(/"two three" is no number/);
    for (const n of [-1, 0.5, 1e12 + 1, Number.NaN]) expect(() => data.numberToWords(n, "en")).toThrow(OptionError);
    expect(() => data.numberToWords(1, "fr" as never)).toThrow(OptionError);
    expect(() => data.wordsToNumber("un", "fr" as never)).toThrow(OptionError);
  });

  test("are up to max, and of every number of digits", () => {
    const numbers = data.numbersInWords({ count: 2000, max: 5000 }).map(({ digits }) => Number(digits));
    expect(Math.max(...numbers)).toBeLessThanOrEqual(5000);
    expect(Math.max(...numbers)).toBeGreaterThan(4500);
    expect(
      [...counted(data.numbersInWords({ count: 2000 }).map(({ digits }) => digits.length)).keys()].sort(
        (a, b) => a - b,
      ),
    ).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});

test("dates exist, and their words say the same day", () => {
  for (const { iso, words } of data.datesInWords({ count: 2000 })) {
    expect(new Date(`${iso}T00:00:00Z`).toISOString().slice(0, 10)).toBe(iso);
    const read = new Date(
      `${words
        .replace(/^the /, "")
        .replace(/(st|nd|rd|th) of/, "")
        .replace(/^\w+day, /, "")} UTC`,
    );
    expect(`${words}: ${read.toISOString().slice(0, 10)}`).toBe(`${words}: ${iso}`);
    expect(words).toMatch(/^the (\d?1st|\d?2nd|\d?3rd|1[123]th|\d?[4-90]th) of |^[^t]/);
    const weekday = /^(\w+day),/.exec(words)?.[1];
    if (weekday)
      expect(new Date(`${iso}T00:00:00Z`).toLocaleDateString("en", { weekday: "long", timeZone: "UTC" })).toBe(weekday);
  }
  for (const { iso, words } of data.datesInWords({ count: 2000, language: "ko" })) {
    const parts = /^(\S+?)(?:년|\.) (\S+?)(?:월|\.) (\S+?)(?:일|\.)( .요일)?$/.exec(words)!;
    const numbers = parts.slice(1, 4).map((part, i) => {
      if (/^\d+$/.test(part)) return Number(part);
      return i === 1 && "유시".includes(part) ? { 유: 6, 시: 10 }[part] : data.wordsToNumber(part, "ko");
    });
    const day = new Date(Date.UTC(numbers[0]!, numbers[1]! - 1, numbers[2]));
    expect(`${words}: ${day.toISOString().slice(0, 10)}`).toBe(`${words}: ${iso}`);
    if (parts[4]) expect(parts[4]).toBe(` ${"일월화수목금토"[day.getUTCDay()]}요일`);
    expect(words).not.toMatch(/육월|십월 /);
  }
  const all = languages.flatMap((language) => data.datesInWords({ count: 2000, language })).map(({ words }) => words);
  for (const form of [
    /^\w+ \d+, \d{4}$/,
    /^\d+ \w+ \d{4}$/,
    /^\d{4}년 \d+월 \d+일$/,
    /^이천.*년 .*월 .*일$/,
    /유월/,
    /시월/,
  ])
    expect(all.some((words) => form.test(words))).toBe(true);
});

describe("sentence pairs", () => {
  const rows = data.sentencePairs({ count: 5000 });

  test("have one translation in either direction, and swap with the language", () => {
    const there = new Map(rows.map(({ source, target }) => [source, target]));
    const back = new Map(rows.map(({ source, target }) => [target, source]));
    for (const { source, target } of rows) expect([there.get(source), back.get(target)]).toEqual([target, source]);
    expect(data.sentencePairs({ count: 100, language: "ko" })).toEqual(
      rows.slice(0, 100).map(({ source, target }) => ({ source: target, target: source })),
    );
    expect(there.size).toBeGreaterThan(4000);
  });

  test("agree in number, tense and negation, and put the verb last in Korean", () => {
    const numbers = "one two three four five six seven eight nine ten".split(" ");
    const native = "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열".split(" ");
    for (const { source, target } of rows) {
      const number = numbers.findIndex((word) => source.includes(` ${word} `));
      expect(target).toContain(` ${native[number]} `);
      const thing = new RegExp(` ${numbers[number]} (\\w+)`).exec(source)![1]!;
      expect(`${thing} ${thing.endsWith("s")}`).toBe(`${thing} ${number > 0}`);
      const takesS = /^(She|He|The \w+|My brother) /.test(source);
      const present = / (do|does) not | (?:eat|buy|sell|bring|write|find|draw)(s?)/.exec(source);
      if (present && !/ (will|did) /.test(source))
        expect(present[1] ? present[1] === "does" : present[2] === "s").toBe(takesS);
      expect(target).toMatch(/다\.$/);
      expect(/지 않/.test(target)).toBe(/ not /.test(source));
      expect(/것이다\.$/.test(target)).toBe(/ will /.test(source));
      expect(/[았었했렸썼샀왔]다\.$/.test(target)).toBe(
        / did | (ate|bought|sold|brought|wrote|found|drew) /.test(source),
      );
      for (const [en, ko] of [
        ["yesterday", "어제"],
        ["tomorrow", "내일"],
        ["every day", "매일"],
        ["at school", "학교에서"],
      ] as const)
        expect(target.includes(ko)).toBe(source.includes(en));
      expect(target).not.toMatch(/(개|리)을 |(권|장|통)를 /);
    }
  });
});

test.each([
  ["en", { bank: 2, bat: 2, spring: 2, letter: 2 }],
  ["ko", { 사과: 2, 배: 3, 눈: 2, 밤: 2, 말: 2 }],
] as const)("words that mean two things stand at their position, in all their meanings: %s", (language, meaningsOf) => {
  const meanings = Object.values(meaningsOf).reduce((sum, one) => sum + one, 0);
  const rows = data.ambiguousWords({ count: 40 * meanings, language });
  const counts = counted(rows.map(({ meaning }) => meaning));
  expect([...counts.values()]).toEqual(Array(meanings).fill(40));
  for (const [word, number] of Object.entries(meaningsOf))
    expect([...counts.keys()].filter((meaning) => meaning.startsWith(`${word}: `))).toHaveLength(number);
  const bySentence = new Map<string, string>();
  for (const { words, position, meaning } of rows) {
    expect(words[position]!.startsWith(meaning.split(":")[0]!)).toBe(true);
    const sentence = words.join(" ");
    expect(bySentence.get(sentence) ?? meaning).toBe(meaning);
    bySentence.set(sentence, meaning);
  }
});
