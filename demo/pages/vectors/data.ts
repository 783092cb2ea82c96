/** Made-up data: sentences of three words, and prices of a market. */
import { RandomStream } from "webgpu-rnn";
import { madeUp } from "../../shell/made-up.ts";

/** Words by what they are; the network is not told. */
export const kinds = ["people", "animals", "foods", "drinks", "eating", "drinking", "moving", "places"] as const;
export type Kind = (typeof kinds)[number];

const vocabularies: Readonly<Record<"en" | "ko", Readonly<Record<Kind, string>>>> = {
  en: {
    people: "Mina Paul Anna David",
    animals: "cats dogs horses birds",
    foods: "bread rice soup cake",
    drinks: "water tea juice milk",
    eating: "ate cooked burnt",
    drinking: "drank poured spilled",
    moving: "slept ran jumped",
    places: "outside nearby upstairs",
  },
  ko: {
    people: "미나는 철수는 영희는 민수는",
    animals: "고양이는 강아지는 말은 새는",
    foods: "빵을 밥을 국을 떡을",
    drinks: "물을 차를 주스를 우유를",
    eating: "먹었다 요리했다 태웠다",
    drinking: "마셨다 따랐다 쏟았다",
    moving: "잤다 뛰었다 쉬었다",
    places: "밖에서 옆에서 위에서",
  },
};
/** Subject, verb, object; in Korean the verb is the last. */
const orders: Readonly<Record<"en" | "ko", readonly (readonly Kind[])[]>> = {
  en: [
    ["people", "eating", "foods"],
    ["people", "drinking", "drinks"],
    ["animals", "moving", "places"],
  ],
  ko: [
    ["people", "foods", "eating"],
    ["people", "drinks", "drinking"],
    ["animals", "places", "moving"],
  ],
};

export interface Word {
  readonly word: string;
  readonly kind: Kind;
}

/** The words, and sentences as their numbers. */
export function sentences(language: "en" | "ko", seed: number) {
  const lists = vocabularies[language];
  const words: Word[] = kinds.flatMap((kind) => lists[kind].split(" ").map((word) => ({ word, kind })));
  const choice = (kind: Kind) => `{${lists[kind].replaceAll(" ", "|")}}`;
  const templates = orders[language].map((order) => order.map(choice).join(" "));
  const numberOf = new Map(words.map(({ word }, i) => [word, i]));
  const texts = madeUp(templates, { count: 512, seed });
  return { words, sentences: texts.map((text) => text.split(" ").map((word) => numberOf.get(word)!)) };
}

/** What weekdays and the weather add to a price. */
const ofWeekday = [0, 0, 0.2, 0.2, 0.8, 3, 2.6];
const ofWeather = [0, 0.4, 2.2, 5];

export interface Day {
  /** 0 is Monday. */
  readonly weekday: number;
  /** Sun, cloud, rain, snow. */
  readonly weather: number;
  readonly temperature: number;
  readonly price: number;
}

/** Days of a market, whose price goes up and down slowly, and with the weekday, the weather and the cold. */
export function market(count: number, seed: number): Day[] {
  const random = new RandomStream(seed, "market");
  let level = 10;
  return Array.from({ length: count }, (_, t) => {
    const [weekday, weather] = [t % 7, Math.floor(random.next() * 4)];
    level += 0.1 * (10 - level) + 0.3 * random.normal();
    const temperature = 12 + 8 * Math.sin(t / 20) + 2 * random.normal();
    const price =
      level + ofWeekday[weekday]! + ofWeather[weather]! - 0.08 * (temperature - 12) + 0.15 * random.normal();
    return { weekday, weather, temperature, price };
  });
}
