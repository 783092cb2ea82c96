/** One word in two sentences: what it means in each, and the network's state there. */
import { useSignal } from "@preact/signals";
import { HeatMap } from "../../shell/heat-map.tsx";
import { type Language, language, percent, words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { training } from "./training.ts";

const text = words({
  title: ["One word, two meanings", "한 단어, 두 가지 뜻"],
  first: ["First sentence", "첫째 문장"],
  second: ["Second sentence", "둘째 문장"],
  example1: ["the bank lends us money", "가게에서 사과를 샀다"],
  example2: ["we sat on the bank and fed the ducks", "친구에게 사과를 했다"],
  hint: [
    "Words it knows two meanings of: bank, bat, spring, letter.",
    "두 가지 이상의 뜻을 배우는 단어: 사과, 배, 눈, 밤, 말.",
  ],
  none: ["None of these words stands in both sentences.", "두 문장에 모두 이런 단어가 있어야 합니다."],
  said: ["“{word}” here: {meaning}, {share}", "여기서 ‘{word}’: {meaning}, {share}"],
  states: ["The state at the word, in each sentence", "그 단어를 읽을 때의 은닉 상태"],
  statesHint: [
    "The vector of the word is the same in both; the states differ where the other words differ. Half of the units have read what comes before the word, half what comes after it.",
    "단어의 벡터는 두 문장에서 같지만, 주변 단어가 다르므로 은닉 상태는 달라집니다. 유닛의 절반은 앞에서부터, 절반은 뒤에서부터 읽은 것입니다.",
  ],
  unit: ["unit {unit}", "유닛 {unit}"],
  later: ["It is learned after the reviews.", "리뷰를 다 배운 다음에 학습합니다."],
});

/** The meanings have English names in the data. */
const meanings = words({
  "bank: money": ["money", "돈"],
  "bank: river": ["river", "강"],
  "bat: animal": ["animal", "동물"],
  "bat: sport": ["sport", "운동"],
  "spring: season": ["season", "계절"],
  "spring: metal": ["metal", "금속"],
  "letter: mail": ["mail", "우편"],
  "letter: alphabet": ["alphabet", "알파벳"],
  "사과: apple": ["apple", "과일"],
  "사과: apology": ["apology", "용서를 비는 말"],
  "배: pear": ["pear", "과일"],
  "배: ship": ["ship", "탈것"],
  "배: belly": ["belly", "몸의 배"],
  "눈: eye": ["eye", "몸의 눈"],
  "눈: snow": ["snow", "하늘에서 오는 눈"],
  "밤: night": ["night", "낮의 반대"],
  "밤: chestnut": ["chestnut", "열매"],
  "말: horse": ["horse", "동물"],
  "말: speech": ["speech", "언어"],
  "–": ["no word with two meanings", "두 가지 뜻이 없음"],
});

const ambiguous = /^(bank|bat|spring|letter)$|^(사과|배|눈|밤|말)[가-힣]?$/;

function placed(sentence: string) {
  const split = sentence.trim().split(/\s+/);
  return { words: split, position: split.findIndex((word) => ambiguous.test(word)) };
}

export function Meanings() {
  const own = useSignal<{ readonly language: Language; readonly sentences: readonly string[] } | undefined>(undefined);
  const examples = [text("example1"), text("example2")];
  const sentences = own.value?.language === language.value ? own.value.sentences : examples;
  const places = sentences.map(placed);
  const isKnown = places.every(({ position }) => position >= 0);
  const answer = useAnswer(training, "meanings", isKnown ? places : [])?.answer;
  const said = answer?.length === 2 ? answer : undefined;
  return (
    <section class="card stack">
      <h2>{text("title")}</h2>
      {(["first", "second"] as const).map((which, i) => (
        <div key={which} class="feeling-meaning">
          <label class="field">
            <span>{text(which)}</span>
            <input
              type="text"
              value={sentences[i]}
              onInput={({ currentTarget: { value } }) => {
                own.value = { language: language.value, sentences: sentences.with(i, value) };
              }}
            />
          </label>
          <output>
            {said &&
              text("said", {
                word: places[i]!.words[places[i]!.position] ?? "",
                meaning: meanings(said[i]!.meaning as "–"),
                share: percent(said[i]!.probability),
              })}
          </output>
        </div>
      ))}
      <p class="hint">{text("hint")}</p>
      {said ? (
        <HeatMap
          title={text("states")}
          hint={text("statesHint")}
          values={said.map(({ state }) => state)}
          rows={[text("first"), text("second")]}
          columns={said[0]!.state.map((_, unit) => String(unit + 1))}
          rowHeight={28}
          readout={({ row, column }, value) =>
            `${text(row === 0 ? "first" : "second")}, ${text("unit", { unit: column + 1 })}: ${value.toFixed(2)}`
          }
        />
      ) : (
        <p class="empty">{text(isKnown ? "later" : "none")}</p>
      )}
    </section>
  );
}
