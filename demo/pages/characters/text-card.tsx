/** The text to learn from: made up, the project's own source, or the reader's, typed, chosen or dropped. */
import { batch, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { words } from "../../shell/language.ts";
import { fields, own, type Source, source, sources, text as whole } from "./state.ts";

const text = words({
  title: ["Text", "글"],
  source: ["What to learn from", "배울 글"],
  english: ["Made-up sentences, English", "지어낸 문장, 영어"],
  korean: ["Made-up sentences, Korean", "지어낸 문장, 한국어"],
  both: ["Made-up sentences, English and Korean", "지어낸 문장, 영어와 한국어"],
  code: ["This project’s own source code", "이 프로젝트의 소스 코드"],
  own: ["My own text", "내 글"],
  area: ["The text", "글 내용"],
  placeholder: ["Paste a text here, or drop a file", "글을 붙여 넣거나 파일을 끌어다 놓으세요"],
  count: ["{count} characters", "{count}자"],
  excerpt: ["{count} characters; the first {shown} are shown", "{count}자 가운데 처음 {shown}자 표시"],
  few: ["{count} characters; at least {least}, better 20,000", "{count}자. {least}자 이상, 2만 자쯤이면 좋습니다"],
  learn: ["Learn from it", "이 글로 학습"],
  choose: ["Choose a file…", "파일 선택…"],
  drop: ["Drop the text file here", "여기에 글 파일을 놓으세요"],
  tooLarge: ["{name} is larger than 20 MB; take a part of it.", "{name} 파일이 20 MB보다 큽니다. 일부만 쓰세요."],
  notText: [
    "{name} is not UTF-8 text, so it was not taken. Save it as UTF-8 and try again.",
    "{name} 파일은 UTF-8 글이 아니어서 읽지 않았습니다. UTF-8로 저장해 다시 시도하세요.",
  ],
});

/** A longer text is only shown in part: laying all of it out would block the page. */
const SHOWN = 40_000;
const LARGEST_FILE = 20_000_000;

export function TextCard() {
  /** What the reader is writing, which is not learned from yet. */
  const draft = useSignal<string | undefined>(undefined);
  const isOver = useSignal(false);
  const complaint = useSignal<{ readonly key: "tooLarge" | "notText"; readonly name: string } | undefined>(undefined);
  const area = useRef<HTMLTextAreaElement>(null);
  // Rows of a window, one of which is kept apart.
  const least = 2 * fields.window.value + 2;
  const shown = draft.value ?? whole.value;
  const isCut = draft.value === undefined && shown.length > SHOWN;

  const learn = (given: string) =>
    batch(() => {
      own.value = given.replaceAll("\r\n", "\n");
      draft.value = complaint.value = undefined;
    });
  const choose = (chosen: Source | "own") => {
    if (chosen === "own") {
      draft.value = "";
      area.current?.focus();
      return;
    }
    batch(() => {
      own.value = draft.value = complaint.value = undefined;
      fields.text.value = chosen;
    });
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    const { name } = file;
    if (file.size > LARGEST_FILE) {
      complaint.value = { key: "tooLarge", name };
      return;
    }
    try {
      const given = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      // A short one is shown, and told to be short.
      if (given.length >= least) learn(given);
      else draft.value = given;
    } catch {
      complaint.value = { key: "notText", name };
    }
  };
  const onDrag = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    isOver.value = true;
  };
  const onLeave = () => {
    isOver.value = false;
  };
  const count = shown.length;
  const isShort = draft.value !== undefined && count < least;
  return (
    <section class="card stack">
      <h2>{text("title")}</h2>
      <label class="field">
        <span>{text("source")}</span>
        <select
          id="source"
          value={draft.value === undefined ? source.value : "own"}
          onChange={({ currentTarget }) => choose(currentTarget.value as Source)}
        >
          {[...sources, "own" as const].map((known) => (
            <option key={known} value={known}>
              {text(known)}
            </option>
          ))}
        </select>
      </label>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it; the button beside it takes them as well */}
      <div
        class={isOver.value ? "drop over" : "drop"}
        id="drop"
        onDragEnter={onDrag}
        onDragOver={onDrag}
        onDragLeave={onLeave}
        onDragEnd={onLeave}
        onDrop={(event) => {
          onLeave();
          const [file] = event.dataTransfer?.files ?? [];
          if (!file) return;
          event.preventDefault();
          void take(file);
        }}
      >
        <textarea
          ref={area}
          id="text"
          rows={4}
          spellcheck={false}
          aria-label={text("area")}
          aria-describedby="textCount"
          placeholder={text("placeholder")}
          readOnly={isCut}
          value={isCut ? shown.slice(0, SHOWN) : shown}
          onInput={({ currentTarget }) => {
            draft.value = currentTarget.value;
          }}
        />
        <p class="drop-sign" aria-hidden="true">
          {text("drop")}
        </p>
      </div>
      <p id="textCount" class={isShort ? "hint warn" : "hint"}>
        {text(isShort ? "few" : isCut ? "excerpt" : "count", { count, shown: SHOWN, least })}
      </p>
      <div class="row">
        {draft.value !== undefined && (
          <button type="button" id="learn" disabled={isShort} onClick={() => learn(draft.value!)}>
            {text("learn")}
          </button>
        )}
        <label class="file">
          <input
            type="file"
            id="textFile"
            accept="text/*,.txt,.md,.csv,.json,.ts,.js,.py,.wgsl"
            onChange={({ currentTarget }) => {
              void take(currentTarget.files?.[0]);
              currentTarget.value = "";
            }}
          />
          <span class="button">{text("choose")}</span>
        </label>
      </div>
      <p class="hint warn" role="alert" id="textComplaint">
        {complaint.value && text(complaint.value.key, { name: complaint.value.name })}
      </p>
    </section>
  );
}
