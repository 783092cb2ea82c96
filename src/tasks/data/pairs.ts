import { checkLanguage, type Draw, makeRows, type TextDataOptions } from "./draw.ts";
import { withParticle } from "./korean.ts";

export interface SentencePair {
  readonly source: string;
  readonly target: string;
}

interface Sentence {
  readonly english: string;
  readonly korean: string;
}

/** English, Korean with its particle, and whether the English verb takes an -s. */
const subjects = [
  ["I", "나는", false],
  ["we", "우리는", false],
  ["they", "그들은", false],
  ["she", "그녀는", true],
  ["he", "그는", true],
  ["the child", "아이는", true],
  ["the teacher", "선생님은", true],
  ["my brother", "내 형은", true],
  ["my friends", "내 친구들은", false],
] as const;

/** English singular and plural, Korean, and the Korean word that counts such things. */
type Thing = readonly [one: string, more: string, korean: string, counter: string];
const food: readonly Thing[] = [
  ["apple", "apples", "사과", "개"],
  ["egg", "eggs", "달걀", "개"],
  ["potato", "potatoes", "감자", "개"],
];
const things: readonly Thing[] = [
  ...food,
  ["book", "books", "책", "권"],
  ["ticket", "tickets", "표", "장"],
  ["chair", "chairs", "의자", "개"],
];
const papers: readonly Thing[] = [
  ["book", "books", "책", "권"],
  ["letter", "letters", "편지", "통"],
];
const animals: readonly Thing[] = [
  ["cat", "cats", "고양이", "마리"],
  ["bird", "birds", "새", "마리"],
];
const koreanNumbers = ["한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열"];
const englishNumbers = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** English base form, with -s and past; the Korean stem, present, past and future; what it is done to, and where. */
interface Action {
  readonly english: readonly [base: string, third: string, past: string];
  readonly korean: readonly [stem: string, present: string, past: string, future: string];
  readonly objects: readonly Thing[];
}
const actions: readonly Action[] = [
  { english: ["eat", "eats", "ate"], korean: ["먹", "먹는다", "먹었다", "먹을 것이다"], objects: food },
  { english: ["buy", "buys", "bought"], korean: ["사", "산다", "샀다", "살 것이다"], objects: things },
  { english: ["sell", "sells", "sold"], korean: ["팔", "판다", "팔았다", "팔 것이다"], objects: things },
  {
    english: ["bring", "brings", "brought"],
    korean: ["가져오", "가져온다", "가져왔다", "가져올 것이다"],
    objects: papers,
  },
  { english: ["write", "writes", "wrote"], korean: ["쓰", "쓴다", "썼다", "쓸 것이다"], objects: papers },
  {
    english: ["find", "finds", "found"],
    korean: ["찾", "찾는다", "찾았다", "찾을 것이다"],
    objects: [...things, ...animals],
  },
  {
    english: ["draw", "draws", "drew"],
    korean: ["그리", "그린다", "그렸다", "그릴 것이다"],
    objects: [...animals, ...food],
  },
];
const places = [
  ["at home", "집에서"],
  ["at the market", "시장에서"],
  ["at school", "학교에서"],
  ["in the park", "공원에서"],
] as const;
const tenses = ["present", "past", "future"] as const;
type Tense = (typeof tenses)[number];
const times = {
  present: ["every day", "매일"],
  past: ["yesterday", "어제"],
  future: ["tomorrow", "내일"],
} as const;

function englishVerb({ english: [base, third, past] }: Action, tense: Tense, takesS: boolean, isNot: boolean): string {
  if (tense === "future") return isNot ? `will not ${base}` : `will ${base}`;
  if (!isNot) return tense === "past" ? past : takesS ? third : base;
  return `${tense === "past" ? "did" : takesS ? "does" : "do"} not ${base}`;
}

function koreanVerb({ korean: [stem, present, past, future] }: Action, tense: Tense, isNot: boolean): string {
  if (!isNot) return { present, past, future }[tense];
  return `${stem}지 ${{ present: "않는다", past: "않았다", future: "않을 것이다" }[tense]}`;
}

function makeSentence(draw: Draw): Sentence {
  const [subject, koreanSubject, takesS] = draw.pick(subjects);
  const action = draw.pick(actions);
  const tense = draw.pick(tenses);
  const isNot = draw.chance(0.25);
  const [one, more, thing, counter] = draw.pick(action.objects);
  const number = draw.below(englishNumbers.length);
  const [place, koreanPlace] = draw.chance(0.5) ? draw.pick(places) : [];
  const [time, koreanTime] = draw.chance(0.5) ? times[tense] : [];
  const english = [
    subject,
    englishVerb(action, tense, takesS, isNot),
    `${englishNumbers[number]} ${number === 0 ? one : more}`,
    place,
    time,
  ];
  const korean = [
    koreanTime,
    koreanSubject,
    koreanPlace,
    `${thing} ${koreanNumbers[number]} ${withParticle(counter, "을/를")}`,
    koreanVerb(action, tense, isNot),
  ];
  const written = (parts: readonly (string | undefined)[]) => `${parts.filter(Boolean).join(" ")}.`;
  const text = written(english);
  return { english: text[0]!.toUpperCase() + text.slice(1), korean: written(korean) };
}

/**
 * Sentences of a small grammar in English and in Korean: subject, verb (three tenses, negated or not), a number of things,
 * place and time. In English the verb stands behind the subject and the time at the end, in Korean the verb stands at the
 * end and the number behind the thing: "She ate three apples at home yesterday." and
 * "어제 그녀는 집에서 사과 세 개를 먹었다.". Each sentence has one translation; rows may repeat.
 *
 * @param options `language` is that of the source, the target is in the other one
 * @throws OptionError for an unknown option or language, or a count or seed out of range
 */
export function sentencePairs(options: TextDataOptions): SentencePair[] {
  const isEnglish = checkLanguage("sentencePairs", options?.language ?? "en") === "en";
  return makeRows("sentencePairs", options, ["language"], (draw) => {
    const { english, korean } = makeSentence(draw);
    return isEnglish ? { source: english, target: korean } : { source: korean, target: english };
  });
}
