/** Where a reader gives a text to learn from in place of the made-up one. It stays in the page. */
import { type Signal, useSignal } from "@preact/signals";
import { words } from "./language.ts";
import { sentencesOf } from "./sentences-of.ts";

const text = words({
  title: ["Learn from a text of your own", "내 글로 학습하기"],
  label: [
    "The text, English or Korean: sentences, or a line for each",
    "한국어나 영어 글. 문장을 이어 쓰거나 한 줄에 하나씩",
  ],
  few: [
    "{count} sentences so far. It needs at least {least}.",
    "지금까지 {count}문장입니다. {least}문장 이상이어야 합니다.",
  ],
  private: ["It does not leave this device.", "글은 이 기기 밖으로 나가지 않습니다."],
  learn: ["Learn from it", "이 글로 학습"],
  back: ["Back to the made-up sentences", "지어낸 문장으로 돌아가기"],
});

/** Characters that are looked at while one types. */
const LOOKED_AT = 20_000;

export interface OwnTextProps {
  /** The text that is learned from; empty where it is made up. */
  readonly own: Signal<string>;
  /** Sentences that it needs. */
  readonly least?: number;
  readonly onLearn?: () => void;
}

export function OwnText({ own, least = 30, onLearn }: OwnTextProps) {
  const written = useSignal(own.value);
  const count = sentencesOf(written.value.slice(0, LOOKED_AT)).length;
  const set = (next: string) => {
    own.value = next;
    onLearn?.();
  };
  return (
    <details class="card own-text">
      <summary>
        <h2>{text("title")}</h2>
      </summary>
      <div class="stack">
        <label class="field">
          <span>{text("label")}</span>
          <textarea
            id="ownText"
            rows={6}
            value={written.value}
            onInput={({ currentTarget }) => {
              written.value = currentTarget.value;
            }}
          />
        </label>
        <div class="row">
          <button type="button" id="learnOwn" disabled={count < least} onClick={() => set(written.value)}>
            {text("learn")}
          </button>
          {own.value !== "" && (
            <button type="button" id="madeUp" onClick={() => set("")}>
              {text("back")}
            </button>
          )}
        </div>
        <p class="hint">
          {count < least && text("few", { count, least })} {text("private")}
        </p>
      </div>
    </details>
  );
}
