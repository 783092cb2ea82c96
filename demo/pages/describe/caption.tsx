/** The caption of a picture, written word by word; and others that are sampled. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number, percent, words } from "../../shell/language.ts";
import { type LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { Sequence } from "../../shell/sequence.tsx";
import type { questions } from "./worker.ts";

const text = words({
  caption: ["The caption", "설명"],
  hint: [
    "Under each word is its probability, given the picture and the words before it.",
    "단어 아래 숫자는 그림과 앞 단어들이 주어졌을 때 그 단어의 확률입니다.",
  ],
  word: ["{word}, {share}", "{word}, {share}"],
  waiting: ["The first caption comes after the first step.", "첫 단계가 끝나면 설명이 나타납니다."],
  samples: ["Twelve captions, sampled", "뽑은 설명 열두 개"],
  samplesHint: [
    "Each word is sampled by its probability. A low temperature favours likely words.",
    "단어마다 확률에 따라 뽑습니다. 온도가 낮을수록 확률 높은 단어가 더 자주 뽑힙니다.",
  ],
  temperature: ["Temperature", "온도"],
  again: ["Sample again", "다시 뽑기"],
  times: ["Times", "횟수"],
  probability: ["Probability", "확률"],
});

/** Milliseconds between two words. */
const WORD_EVERY = 350;

// biome-ignore lint/suspicious/noExplicitAny: of any settings
type Training = LiveTraining<any, never, typeof questions>;

export function Caption({ training, image }: { readonly training: Training; readonly image: readonly number[] }) {
  const answered = useAnswer(training, "describe", image);
  const count = useSignal(0);
  const key = image.join();
  const isThere = answered !== undefined;
  // Another picture, another caption: it begins with its first word.
  useEffect(() => {
    if (!isThere) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      count.value = Number.POSITIVE_INFINITY;
      return;
    }
    count.value = 1;
    const timer = setInterval(() => count.value++, WORD_EVERY);
    return () => clearInterval(timer);
  }, [key, isThere]);
  const written = answered?.answer?.slice(0, count.value);
  return (
    <div class="stack">
      <h2>{text("caption")}</h2>
      {written ? (
        <Sequence
          label={text("caption")}
          steps={written.map(({ word, probability }) => ({
            unit: word,
            tint: probability,
            note: text("word", { word, share: percent(probability) }),
            under: (
              <span class="describe-share" aria-hidden="true">
                {percent(probability)}
              </span>
            ),
          }))}
        />
      ) : (
        <p class="empty">{text("waiting")}</p>
      )}
      <p class="hint">{text("hint")}</p>
    </div>
  );
}

interface SamplesProps {
  readonly training: Training;
  readonly image: readonly number[];
  readonly temperature: Signal<number>;
}

export function Samples({ training, image, temperature }: SamplesProps) {
  const seed = useSignal(0);
  const answered = useAnswer(training, "sample", { image, temperature: temperature.value, seed: seed.value });
  const counts = new Map<string, { count: number; probability: number }>();
  for (const { text, logProbability } of answered?.answer ?? []) {
    const { count } = counts.get(text) ?? { count: 0 };
    counts.set(text, { count: count + 1, probability: Math.exp(logProbability) });
  }
  const rows = [...counts].sort(([, one], [, other]) => other.count - one.count || other.probability - one.probability);
  return (
    <div class="stack">
      <h2 id="samplesTitle">{text("samples")}</h2>
      <div class="describe-controls">
        <label class="field">
          <span>
            {text("temperature")} {number(temperature.value, 1)}
          </span>
          <input
            id="temperature"
            type="range"
            min="0.1"
            max="3"
            step="0.1"
            value={temperature.value}
            onInput={({ currentTarget }) => {
              temperature.value = Number(currentTarget.value);
            }}
          />
        </label>
        <button
          type="button"
          id="sampleAgain"
          onClick={() => {
            seed.value++;
          }}
        >
          {text("again")}
        </button>
      </div>
      {rows.length > 0 && (
        <table class="describe-samples">
          <thead>
            <tr>
              <th scope="col">{text("caption")}</th>
              <th scope="col">{text("times")}</th>
              <th scope="col">{text("probability")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([caption, { count, probability }]) => (
              <tr key={caption}>
                <th scope="row">{caption}</th>
                <td>{count}</td>
                <td>{percent(probability)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="hint">{text("samplesHint")}</p>
    </div>
  );
}
