import "./page.css";
import { computed, signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { show } from "../../shell/gallery.tsx";
import { language, percent, words } from "../../shell/language.ts";
import { LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { OwnText } from "../../shell/own-text.tsx";
import { settings } from "../../shell/settings.ts";
import program from "./program.ts?raw";
import type { questions, Settings } from "./worker.ts";

const text = words({
  message: ["Your message", "내가 쓰는 글"],
  example: ["The weather was terrible today, so we ", "이번 주는 날씨가 나빠서 "],
  hint: [
    "Tab accepts the grey word. Esc hides it; then Tab goes on to the next control.",
    "Tab 키를 누르면 회색 단어를 받아들입니다. Esc 키로 감추면 Tab 키는 다음 항목으로 갑니다.",
  ],
  clear: ["Empty the field", "모두 지우기"],
  next: ["The next word", "다음 단어"],
  endings: ["How the sentence may end", "문장의 나머지"],
  accepted: ["Accepted: {unit}", "받아들인 단어: {unit}"],
  end: ["(end of the sentence)", "(문장 끝)"],
  waiting: ["The first answer comes after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  unknown: [
    "The network knows none of these words. Empty the field to see how sentences begin.",
    "신경망이 아는 단어가 없습니다. 모두 지우면 문장을 시작하는 단어를 볼 수 있습니다.",
  ],
  perplexity: ["Perplexity on sentences kept apart", "떼어 둔 문장의 퍼플렉서티"],
  perplexityHint: [
    "2 means: as unsure as a choice between 2 equally likely words. Lower is better.",
    "2이면 똑같이 그럴듯한 두 단어 중에서 고르는 만큼 망설인다는 뜻입니다. 낮을수록 좋습니다.",
  ],
  perplexityShort: ["perplexity", "퍼플렉서티"],
});

const explanation = [
  "The network reads what you type, word by word. After each word, its hidden state holds what it remembers, and from that comes a probability for every word that it knows. A word that you have begun leaves only those that begin with the same letters.\nThe likeliest word is not always on the way to the likeliest sentence. So the endings are found by beam search: it keeps the eight best beginnings, lengthens each of them by a word, and keeps the eight best again. The network knows only what it has learned from: made-up messages, or a text that you give it below.",
  "신경망은 입력한 글을 한 단어씩 읽습니다. 단어마다 지금까지의 내용을 은닉 상태에 담고, 여기서 아는 모든 단어의 확률을 구합니다. 단어를 쓰는 도중이라면 그 글자로 시작하는 단어만 남깁니다.\n매번 확률이 가장 높은 단어를 고른다고 해서 가장 그럴듯한 문장이 되지는 않습니다. 그래서 문장의 나머지는 빔 탐색으로 찾습니다. 가장 좋은 후보 여덟 개를 남기고, 저마다 한 단어씩 늘린 다음, 다시 가장 좋은 여덟 개를 남깁니다. 신경망이 아는 것은 학습한 글뿐입니다. 지어낸 메시지로 학습하며, 아래에 내 글을 넣을 수도 있습니다.",
] as const;

const { seed } = settings({ seed: 1 }, { seed: { min: 0, max: 9999 } });
const own = signal("");
/** What the reader wrote; until then the example, in the language of the page. */
const written = signal<string | undefined>(undefined);
const training = new LiveTraining<Settings, never, typeof questions>("complete", () => ({
  seed: seed.value,
  own: own.value,
  language: own.value === "" ? language.value : "en",
}));

/** The chart's points, and the rows of its table. */
const measured = computed(() => training.points.value.filter(({ perplexity }) => perplexity !== undefined));

type Answer = Awaited<ReturnType<(typeof questions)["complete"]>>;

function Message() {
  const message = written.value ?? text("example");
  const answered = useAnswer(training, "complete", message);
  const field = useRef<HTMLTextAreaElement>(null);
  const isHidden = useSignal(false);
  const said = useSignal("");
  const [best] = answered?.answer?.next ?? [];
  // An answer to fewer letters still holds while it begins with all that is written now.
  const isNow = best && (answered?.argument === message || best.text.startsWith(message));
  const suggestion = isNow && !isHidden.value && best.text !== message ? best : undefined;
  const accept = (next: string, unit: string) => {
    written.value = next;
    said.value = text("accepted", { unit });
    field.current?.focus();
  };
  const clear = () => {
    written.value = said.value = "";
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") isHidden.value = true;
    if (event.key !== "Tab" || event.shiftKey || !suggestion) return;
    event.preventDefault();
    // After what an input method still has to write of the syllable before.
    setTimeout(() => accept(suggestion.text, nameOf(suggestion.unit)));
  };
  return (
    <section class="card stack">
      <div class="row between">
        <h2>
          <label for="message">{text("message")}</label>
        </h2>
        <button type="button" id="clear" class="quiet" onClick={clear}>
          {text("clear")}
        </button>
      </div>
      <div class="complete-field">
        <div class="complete-ghost" aria-hidden="true">
          <span>{message}</span>
          {suggestion?.text.startsWith(message) && <b>{suggestion.text.slice(message.length)}</b>}
        </div>
        <textarea
          ref={field}
          id="message"
          aria-describedby="messageHint"
          spellcheck={false}
          autocomplete="off"
          value={message}
          onKeyDown={onKeyDown}
          onInput={({ currentTarget }) => {
            written.value = currentTarget.value;
            isHidden.value = false;
            said.value = "";
          }}
        />
      </div>
      <p class="hint" id="messageHint">
        {text("hint")}
      </p>
      <p class="sr" aria-live="polite">
        {said.value}
      </p>
      {answered?.answer ? (
        <Suggestions {...answered.answer} message={message} accept={accept} />
      ) : (
        <p class="empty">{text(answered?.refused ? "unknown" : "waiting")}</p>
      )}
    </section>
  );
}

const nameOf = (unit: string) => (unit === "</s>" ? text("end") : unit);

interface SuggestionsProps extends Answer {
  readonly message: string;
  readonly accept: (next: string, unit: string) => void;
}

function Suggestions({ next, endings, message, accept }: SuggestionsProps) {
  return (
    <div class="complete-both">
      <div class="stack">
        <h3>{text("next")}</h3>
        <ol class="complete-next" id="next">
          {next.map(({ unit, probability, text: longer }) => (
            <li key={unit}>
              <button type="button" onClick={() => accept(longer, nameOf(unit))}>
                <span>{nameOf(unit)}</span>
                <i style={{ width: `${probability * 100}%` }} />
                <span class="complete-share">{percent(probability, 1)}</span>
              </button>
            </li>
          ))}
        </ol>
      </div>
      <div class="stack">
        <h3>{text("endings")}</h3>
        <ol class="complete-endings" id="endings">
          {endings.map(({ text: longer, probability }) => (
            <li key={longer}>
              <button type="button" onClick={() => accept(longer, longer.slice(message.length))}>
                <span>
                  {message !== "" && "… "}
                  {longer.startsWith(message) ? longer.slice(message.length) : longer}
                </span>
                <span class="complete-share">{percent(probability, 1)}</span>
              </button>
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Message />
      <section class="card charts">
        <LossChart training={training} />
        <LineChart
          title={text("perplexity")}
          hint={text("perplexityHint")}
          points={measured}
          lines={[{ key: "perplexity", label: text("perplexityShort"), color: "warm", dots: true }]}
          low={1}
          high={12}
        />
      </section>
      <OwnText
        own={own}
        onLearn={() => {
          written.value = own.value === "" ? undefined : "";
        }}
      />
    </Lesson>
  );
}

show("complete", Page);
