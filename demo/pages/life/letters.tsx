/** The string, letter by letter: what spoke for the motif, and the frame under each. Letters can be changed where they stand. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { percent, words } from "../../shell/language.ts";
import { tinted } from "../../shell/sequence.tsx";
import type { read } from "./program.ts";

const text = words({
  label: [
    "The letters: arrow keys move, A, C, G and T change one",
    "염기 서열: 화살표 키로 옮기고 A, C, G, T 키로 바꿉니다",
  ],
  letter: ["{place}: {letter}", "{place}: {letter}"],
  inMotif: ["in the motif", "모티프 안"],
  frame: ["place {frame} of a codon", "코돈의 {frame}번째 자리"],
  outside: ["outside", "바깥"],
});

export type Answer = Awaited<ReturnType<typeof read>>;

export const MOTIF = 10;
const bases = "ACGT";

export const frameName = (frame: string): string => (frame === "outside" ? text("outside") : text("frame", { frame }));

export interface LettersProps {
  readonly sequence: string;
  readonly answer: Answer | undefined;
  /** The frames by the rule: what the network says otherwise is marked. */
  readonly rule: readonly string[];
  readonly onChange: (sequence: string) => void;
}

export function Letters({ sequence, answer, rule, onChange }: LettersProps) {
  const at = useSignal(0);
  const list = useRef<HTMLOListElement>(null);
  const here = Math.min(at.value, sequence.length - 1);
  const move = (t: number) => {
    at.value = Math.max(0, Math.min(sequence.length - 1, t));
    list.current!.querySelectorAll("button")[at.value]!.focus();
  };
  const change = (t: number, letter: string) => onChange(sequence.slice(0, t) + letter + sequence.slice(t + 1));
  const pressed = (event: KeyboardEvent) => {
    const letter = event.key.toUpperCase();
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) move(here + step);
    else if (letter.length === 1 && bases.includes(letter)) {
      change(here, letter);
      move(here + 1);
    } else return;
    event.preventDefault();
  };
  const most = Math.max(1e-9, ...(answer?.letters ?? []).map(({ weight }) => Math.abs(weight)));
  return (
    <ol class="life-letters" ref={list} aria-label={text("label")} onKeyDown={pressed}>
      {Array.from(sequence, (letter, t) => {
        const said = answer?.letters[t];
        const isInMotif =
          answer !== undefined && answer.label !== "none" && t >= answer.start && t < answer.start + MOTIF;
        const share = answer && answer.label !== "none" && said ? said.weight / most : 0;
        const label = [
          text("letter", { place: t + 1, letter }),
          said && frameName(said.frame),
          isInMotif && text("inMotif"),
          share !== 0 && percent(share),
        ];
        return (
          <li key={t} class={isInMotif ? "life-motif" : undefined}>
            <button
              type="button"
              tabIndex={t === here ? 0 : -1}
              aria-label={label.filter(Boolean).join(", ")}
              // Roots, so that more than the one letter that matters most can be seen.
              style={{ background: tinted(Math.sign(share) * Math.sqrt(Math.abs(share))) }}
              onFocus={() => {
                at.value = t;
              }}
              onClick={() => change(t, bases[(bases.indexOf(letter) + 1) % bases.length]!)}
            >
              {letter}
            </button>
            <span
              class={`life-frame${said && rule[t] !== said.frame ? " life-wrong" : ""}`}
              data-frame={said?.frame}
              aria-hidden="true"
            >
              {said && (said.frame === "outside" ? "·" : said.frame)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
