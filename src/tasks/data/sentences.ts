import { checkLanguage, makeRows, type TextDataOptions } from "./draw.ts";

export interface TaggedSentence {
  readonly words: string[];
  /** The universal part-of-speech tag of each word (https://universaldependencies.org/u/pos/). */
  readonly tags: string[];
}

// Every word stands with its tag. Choices are written {this|that}, as Draw.fill reads them.

const subject = "{{she|he}/PRON|{Anna|Paul|Mina|David}/PROPN|{the|this|that}/DET {cook|guard|student|neighbour}/NOUN}";
const modal = "{will|can|must|should}/AUX";
const adjective = "{small|light|old|clean|hard}/ADJ";
const noun = "{book|watch|can|plant|light|letter|fly|saw}/NOUN";
const phrase = `{the|this|that}/DET {|${adjective} }${noun}`;
/** Verbs whose form may be a noun or an adjective elsewhere, with what they are done to. */
const act =
  "{book/VERB {a|the}/DET {room|table|seat}/NOUN|watch/VERB the/DET {play|film|match}/NOUN" +
  "|water/VERB the/DET {plant|garden}/NOUN|park/VERB the/DET {car|bus}/NOUN|plant/VERB {a|the}/DET {tree|rose}/NOUN" +
  "|light/VERB the/DET {fire|lamp}/NOUN|cook/VERB the/DET {rice|fish}/NOUN|guard/VERB the/DET {park|bank}/NOUN" +
  "|clean/VERB the/DET {watch|can|light}/NOUN}";
const english = [
  `${subject} ${modal} {|not/PART }${act}`,
  `${subject} {wants|tries|hopes}/VERB to/PART ${act}`,
  `${subject} {saw|found|liked}/VERB ${phrase}`,
  `${subject} {knows|says}/VERB that/SCONJ ${subject} ${modal} ${act}`,
  `${phrase} {is|was}/AUX {{very|too}/ADV|not/PART} ${adjective}`,
  `${subject} {runs|works|reads}/VERB {|very/ADV }{fast|hard|well}/ADV`,
  `${subject} saw/VERB a/DET fast/ADJ {car|bus|boat}/NOUN {in|near}/ADP the/DET {park|water}/NOUN`,
  `${subject} saw/VERB ${phrase} {and/CCONJ|but/CCONJ not/PART} ${phrase}`,
  `{do/AUX not/PART |please/INTJ |}${act}`,
  `${phrase} {is|was}/AUX {on|under|near}/ADP the/DET {table|lamp|chair|plant}/NOUN`,
];

const person =
  "{{나는|그는|그녀는|우리는}/PRON|{민수는|지영이는|수진이는}/PROPN|{|{이|그}/DET }{학생은|의사는|아이는}/NOUN}";
const object = "{{새|이|그}/DET |{작은|쓴|단|찬}/ADJ |}{물을|약을|과자를|차를|빵을}/NOUN";
/** The words that mean two things: 나는 (I, flying), 가는 (thin, going), 쓴 (bitter, wrote), 단 (sweet, hung), 찬 (cold, kicked), 한 (one, did), 이 (this, tooth), 새 (new, bird). */
const korean = [
  `{|{어제|오늘|방금}/ADV }${person} ${object} {|{빨리|다시|또}/ADV }{보았다|샀다|찾았다|받았다}/VERB`,
  `${person} ${object} {샀지만|찾았지만}/VERB {곧|다시}/ADV {잃었다|팔았다}/VERB`,
  "하늘을/NOUN 나는/VERB {새가|연이|비행기가}/NOUN {예쁘다|작다|빠르다}/ADJ",
  "{가는/ADJ {실이|줄이|선이}/NOUN|{집에|학교에}/NOUN 가는/VERB {사람이|아이가}/NOUN} {많다|적다}/ADJ",
  "{쓴/ADJ {약은|차는}/NOUN|{편지를|책을}/NOUN 쓴/VERB {사람은|학생은}/NOUN} {아주|정말}/ADV {좋다|좋았다}/ADJ",
  "{단/ADJ {과자가|사과가}/NOUN|{간판을|등을}/NOUN 단/VERB {가게가|집이}/NOUN} {아주/ADV |}{많다|작다}/ADJ",
  "{찬/ADJ {물이|바람이}/NOUN|{공을|돌을}/NOUN 찬/VERB {아이가|학생이}/NOUN} {다시|또}/ADV 왔다/VERB",
  "{새/NOUN {한|두|세}/NUM 마리가/NOUN|이/NOUN {한|두|세}/NUM 개가/NOUN} {보인다|없어졌다}/VERB",
  "{숙제를|일을}/NOUN 한/VERB {학생은|의사는}/NOUN {곧|빨리}/ADV {잤다|왔다}/VERB",
];

/**
 * Made-up sentences with a universal part-of-speech tag for every word; some words have one tag here and another there
 * ("book a room" and "the book", "that cook" and "says that"; "나는 보았다" and "하늘을 나는 새"). A Korean word is
 * what stands between spaces and has the tag of its stem. Each sentence ends with a full stop, PUNCT.
 *
 * @throws OptionError for an unknown option or language, or a count or seed out of range
 */
export function taggedSentences(options: TextDataOptions): TaggedSentence[] {
  const templates = checkLanguage("taggedSentences", options?.language ?? "en") === "en" ? english : korean;
  return makeRows("taggedSentences", options, ["language"], (draw) => {
    const pairs = `${draw.fill(draw.pick(templates))} ./PUNCT`.split(" ").map((pair) => pair.split("/"));
    return { words: pairs.map(([word]) => word!), tags: pairs.map(([, tag]) => tag!) };
  });
}
