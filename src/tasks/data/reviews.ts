import { checkLanguage, type Draw, type Language, makeRows, type TextDataOptions, takeTurns } from "./draw.ts";
import { withParticle } from "./korean.ts";

export const reviewLabels = ["negative", "neutral", "positive"] as const;
export type ReviewLabel = (typeof reviewLabels)[number];

export interface Review {
  readonly text: string;
  readonly label: ReviewLabel;
}

/** What a review says of one thing; `thing` and `word` are places in the lists below. */
interface Clause {
  readonly thing: number;
  readonly word: number;
  readonly isGood: boolean;
  readonly isNot: boolean;
  readonly isStrong: boolean;
}

/** How two clauses are joined. After `but` the second one counts, and after `though`, which comes second, the first. */
type Join = "and" | "but" | "though";

const things = {
  en: ["screen", "sound", "service", "food", "design", "price", "packaging", "room"],
  ko: ["화면", "소리", "서비스", "음식", "디자인", "가격", "포장", "방"],
};
const strongly = { en: "{very|really|extremely}", ko: "{아주|정말|무척}" };
const englishWords = {
  good: ["good", "nice", "lovely", "pleasant", "impressive", "charming"],
  bad: ["bad", "poor", "weak", "dull", "disappointing", "unpleasant"],
};
/** The stem, the stem of the past, the polite present. */
const koreanForms = {
  good: [
    ["좋", "좋았", "좋아요"],
    ["훌륭하", "훌륭했", "훌륭해요"],
    ["멋지", "멋졌", "멋져요"],
    ["만족스럽", "만족스러웠", "만족스러워요"],
    ["완벽하", "완벽했", "완벽해요"],
    ["뛰어나", "뛰어났", "뛰어나요"],
  ],
  bad: [
    ["나쁘", "나빴", "나빠요"],
    ["형편없", "형편없었", "형편없어요"],
    ["실망스럽", "실망스러웠", "실망스러워요"],
    ["아쉽", "아쉬웠", "아쉬워요"],
    ["끔찍하", "끔찍했", "끔찍해요"],
    ["허술하", "허술했", "허술해요"],
  ],
} as const;
/** Sentences that say nothing good or bad. */
const facts = {
  en:
    "{I {bought|ordered|tried} it {last week|on Monday|two months ago}." +
    "|It comes in {two|three|four} {colours|sizes}." +
    "|This was my {first|second|third} {order|visit} here." +
    "|My {sister|brother|neighbour} has the same one.}",
  ko:
    "{{지난주에|월요일에|두 달 전에} {샀어요|주문했어요|써 봤어요}." +
    "|{색은|크기는} {두|세|네} 가지가 있어요." +
    "|여기는 {첫|두|세} 번째예요." +
    "|{언니도|동생도|이웃도} 같은 것을 써요.}",
};

/** The stronger clause counts after `and`, none of two that are equally strong; a negated clause is never strong. */
function labelOf(clauses: readonly Clause[], join: Join): ReviewLabel {
  const values = clauses.map(
    ({ isGood, isNot, isStrong }) => (isGood === isNot ? -1 : 1) * (isStrong && !isNot ? 2 : 1),
  );
  const [first = 0, second = 0] = values;
  const value = join === "and" ? first + second : join === "but" ? second : first;
  return reviewLabels[1 + Math.sign(value)]!;
}

function inEnglish(draw: Draw, clauses: readonly Clause[], join: Join): string {
  const verb = draw.pick(["is", "was"]);
  const [first, second] = clauses.map(({ thing, word, isGood, isNot, isStrong }) =>
    ["the", things.en[thing], verb, isNot && "not", isStrong && draw.fill(strongly.en)]
      .concat(englishWords[isGood ? "good" : "bad"][word])
      .filter(Boolean)
      .join(" "),
  );
  const joined = {
    and: `${first} and ${second}`,
    but: `${first}, but ${second}`,
    though: `${first}, although ${second}`,
  };
  const text = second === undefined ? first! : joined[join];
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function inKorean(draw: Draw, clauses: readonly Clause[], join: Join): string {
  const style = draw.pick(["plain", "past", "polite"] as const);
  const [first, second] = clauses.map(({ thing, word, isGood, isNot, isStrong }) => {
    const [stem, past, polite] = koreanForms[isGood ? "good" : "bad"][word]!;
    const start = `${withParticle(things.ko[thing]!, "은/는")} ${isStrong ? `${isNot ? "그다지" : draw.fill(strongly.ko)} ` : ""}`;
    const base = start + (isNot ? `${stem}지 ${style === "past" ? "않았" : "않"}` : style === "past" ? past : stem);
    return { base, end: style === "polite" ? start + (isNot ? `${stem}지 않아요` : polite) : `${base}다` };
  });
  if (second === undefined) return `${first!.end}.`;
  if (join === "though") return `${first!.end}. ${second.base}지만${style === "polite" ? "요" : ""}.`;
  const [ending, word] = join === "and" ? ["고", "그리고"] : ["지만", "하지만"];
  return draw.chance(0.5) ? `${first!.base}${ending} ${second.end}.` : `${first!.end}. ${word} ${second.end}.`;
}

function makeReview(draw: Draw, language: Language): Review {
  const [thing, other] = draw.shuffled(things.en.map((_, place) => place));
  const about = [thing!, other!].slice(draw.chance(0.02) ? 2 : Number(draw.chance(0.25)));
  const clauses = about.map((one) => ({
    thing: one,
    word: draw.below(englishWords.good.length),
    isGood: draw.chance(0.5),
    isNot: draw.chance(0.3),
    isStrong: draw.chance(0.4),
  }));
  const [first, second] = clauses.map(({ isGood, isNot }) => isGood !== isNot);
  const join = second === undefined || first === second ? "and" : draw.pick(["and", "but", "though"] as const);
  const opinion = clauses.length === 0 ? [] : [(language === "en" ? inEnglish : inKorean)(draw, clauses, join)];
  const fact = opinion.length === 0 || draw.chance(0.4) ? [draw.fill(facts[language])] : [];
  return { text: draw.shuffled([...opinion, ...fact]).join(" "), label: labelOf(clauses, join) };
}

/**
 * Made-up reviews of three classes, as many of each. Counting words is not enough: "not" turns a word around; after "but"
 * the second clause counts, and before "although" the first; after "and" the stronger one ("very", "really", "extremely"),
 * and equally strong ones that contradict each other are neutral, like reviews that state facts alone.
 *
 * @throws OptionError for an unknown option or language, or a count or seed out of range
 */
export function reviews(options: TextDataOptions): Review[] {
  const language = checkLanguage("reviews", options?.language ?? "en");
  const nextLabel = takeTurns(reviewLabels);
  return makeRows("reviews", options, ["language"], (draw) => {
    const wanted = nextLabel(draw);
    let review = makeReview(draw, language);
    while (review.label !== wanted) review = makeReview(draw, language);
    return review;
  });
}
