import { checkLanguage, type Language, makeRows, type TextDataOptions, takeTurns } from "./draw.ts";

export interface AmbiguousWord {
  readonly words: string[];
  /** Where the word with several meanings stands, from 0. */
  readonly position: number;
  /** The word and what it means here: `bank: money`, `사과: apple`. */
  readonly meaning: string;
}

/** Sentences by meaning; the word itself has a star before it. In both languages the meaning is named in English. */
const sentences: Readonly<Record<Language, Readonly<Record<string, readonly string[]>>>> = {
  en: {
    "bank: money": [
      "the *bank {lends|owes} {us|them|me} {money|a large sum}",
      "{she|he} {opened|closed} an account at the *bank {yesterday|today}",
      "the *bank raised its {fees|rates} {again|this year}",
    ],
    "bank: river": [
      "{we|they} sat on the *bank and {watched|fed} the {ducks|fish}",
      "the {river|stream} {left|broke} its *bank after the {storm|rain}",
      "the *bank was {wet|green} where the {boat|ferry} landed",
    ],
    "bat: animal": [
      "a *bat {flew|slept} in the {cave|attic} {at night|all day}",
      "the *bat has {soft|dark} wings and {eats|hunts} {moths|flies}",
      "{she|he} heard the *bat in the {dark|tower}",
    ],
    "bat: sport": [
      "{she|he} swung the *bat and {hit|missed} the ball",
      "the *bat is made of {ash|maple} and {cost|weighs} too much",
      "the {player|coach} {dropped|cleaned} the *bat after the {game|match}",
    ],
    "spring: season": [
      "the {birds|flowers} come back in *spring",
      "*spring was {cold|warm} {this year|last year} and {summer|autumn} was {dry|wet}",
      "{we|they} plant {potatoes|beans} in *spring after the {snow|frost}",
    ],
    "spring: metal": [
      "the *spring in the {clock|lock|sofa} {broke|is loose}",
      "a {steel|thin} *spring {pushes|pulls} the {door|lid} {open|shut}",
      "{she|he} pressed the *spring into the {pen|toy}",
    ],
    "letter: mail": [
      "{she|he} {posted|opened} the *letter {yesterday|today}",
      "the *letter came in a {blue|white} envelope with a {stamp|card}",
      "a *letter from {Paris|home} {arrived|was lost}",
    ],
    "letter: alphabet": [
      "the word begins with {a capital|the same} *letter",
      "the *letter {B|Q} comes {before|after} {that one|the others} in the alphabet",
      "{she|he} cannot {read|spell} the {first|last} *letter of the {word|name}",
    ],
  },
  ko: {
    "사과: apple": [
      "{시장에서|가게에서} *사과를 {샀다|골랐다}",
      "*사과가 {달고|시고} {맛있다|크다}",
      "{빨간|잘 익은} *사과를 {깎아|씻어} 먹었다",
    ],
    "사과: apology": [
      "{친구에게|이웃에게} *사과를 {했다|받았다}",
      "*사과가 {늦었지만|짧았지만} {진심이었다|고마웠다}",
      "{잘못을|실수를} 하고 *사과를 {미뤘다|잊었다}",
    ],
    "배: pear": [
      "{시원한|잘 익은} *배를 {깎아|잘라} 먹었다",
      "*배가 {달고|크고} {맛있다|물이 많다}",
      "과일 {가게에서|시장에서} *배를 {샀다|팔았다}",
    ],
    "배: ship": [
      "{섬으로|항구로} 가는 *배를 탔다",
      "*배가 {바다|강} 위를 {지나갔다|떠다녔다}",
      "{어부는|선장은} *배를 {고쳤다|몰았다}",
    ],
    "배: belly": [
      "{너무|많이} 먹어서 *배가 {아프다|부르다}",
      "*배가 {고파서|아파서} {잠을 못 잤다|집에 갔다}",
      "{아기의|강아지의} *배를 {만졌다|쓰다듬었다}",
    ],
    "눈: eye": [
      "{피곤해서|졸려서} *눈을 {감았다|비볐다}",
      "*눈이 {나빠서|아파서} {안경을 썼다|병원에 갔다}",
      "{아이는|고양이는} *눈이 {크다|파랗다}",
    ],
    "눈: snow": [
      "{밤새|어제} *눈이 {내렸다|쌓였다}",
      "*눈이 {와서|녹아서} 길이 {미끄럽다|젖었다}",
      "{아이들이|이웃이} *눈을 {치웠다|뭉쳤다}",
    ],
    "밤: night": [
      "{어두운|추운} *밤에 {별을|달을} 보았다",
      "*밤이 {깊어서|늦어서} {불을 껐다|집에 갔다}",
      "{늦은|긴} *밤까지 {일했다|공부했다}",
    ],
    "밤: chestnut": [
      "{산에서|숲에서} *밤을 {주웠다|땄다}",
      "*밤이 {달고|고소하고} 맛있다",
      "{삶은|구운} *밤을 {까서|나눠} 먹었다",
    ],
    "말: horse": [
      "{들판에서|초원에서} *말을 {탔다|키웠다}",
      "*말이 {풀을|당근을} 먹었다",
      "{검은|빠른} *말이 {달렸다|뛰었다}",
    ],
    "말: speech": [
      "{친구가|선생님이} *말을 {천천히|빨리} 했다",
      "*말이 {어려워서|길어서} {다시 물었다|이해하지 못했다}",
      "{고운|옳은} *말을 {들었다|했다}",
    ],
  },
};

/** What a sentence may begin with; it tells nothing of the meaning. */
const openings = {
  en: "{||{we hear|they say|she thinks|he knows|I read|people think} that }",
  ko: "{||{사실|그런데|그래서|그리고|물론|알고 보니} }",
};

/**
 * Sentences with a word that means one thing here and another there (bank, bat, spring, letter; 사과, 배, 눈, 밤, 말), and
 * what it means; as many of each meaning. What tells stands before the word in some sentences and after it in others.
 *
 * @throws OptionError for an unknown option or language, or a count or seed out of range
 */
export function ambiguousWords(options: TextDataOptions): AmbiguousWord[] {
  const language = checkLanguage("ambiguousWords", options?.language ?? "en");
  const byMeaning = sentences[language];
  const nextMeaning = takeTurns(Object.keys(byMeaning));
  return makeRows("ambiguousWords", options, ["language"], (draw) => {
    const meaning = nextMeaning(draw);
    const starred = draw.fill(openings[language] + draw.pick(byMeaning[meaning]!)).split(" ");
    const position = starred.findIndex((word) => word.startsWith("*"));
    return { words: starred.map((word) => word.replace("*", "")), position, meaning };
  });
}
