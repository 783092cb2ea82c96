/** What the reader has chosen and asked, and the training. */
import { computed, effect, signal } from "@preact/signals";
import type { NGramSmoothing } from "webgpu-rnn/tasks";
import { language } from "../../shell/language.ts";
import { LiveTraining } from "../../shell/live-training.ts";
import { sentencesOf } from "../../shell/sentences-of.ts";
import { settings } from "../../shell/settings.ts";
import { text } from "./words.ts";
import type { questions, Settings } from "./worker.ts";

export const orders = [1, 2, 3, 4, 5, 6];
export const smoothings: readonly NGramSmoothing[] = ["none", "addK", "kneserNey"];

/** Stands in the address's place for the question of the page, which is in the reader's language. */
export const EXAMPLE: string = "example";

export const { seed, n, smoothing, beginning, word, own } = {
  ...settings(
    { seed: 1, n: 4, smoothing: "none" as NGramSmoothing, beginning: EXAMPLE, word: EXAMPLE },
    { seed: { min: 0, max: 9999 }, n: orders, smoothing: smoothings },
  ),
  own: signal(""),
};
export const training = new LiveTraining<Settings, never, typeof questions>("counts", () => ({
  seed: seed.value,
  own: own.value,
  language: own.value === "" ? language.value : "en",
}));

export const asked = computed(() => ({
  beginning: beginning.value === EXAMPLE ? text("exampleBeginning") : beginning.value,
  word: word.value === EXAMPLE ? text("exampleWord") : word.value,
}));
export const ask = (nextBeginning: string, nextWord: string) => {
  beginning.value = nextBeginning;
  word.value = nextWord;
};
/** A question in another language than that of the made-up text would be of unknown words. */
let spoken = language.value;
effect(() => {
  if (language.value === spoken) return;
  spoken = language.value;
  if (own.peek() === "") ask(EXAMPLE, EXAMPLE);
});
/** Another text has another question: the beginning of a sentence of it. */
export function askOfText(): void {
  const cut = sentencesOf(own.value.slice(0, 2000)).map((sentence) => sentence.split(/[\s,.!?]+/u));
  const [first, second, third] = cut.find((units) => units.length > 2) ?? [];
  if (third === undefined) ask(EXAMPLE, EXAMPLE);
  else ask(`${first} ${second}`, third);
}
