import { useSignal } from "@preact/signals";
import { words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { training } from "./live.ts";
import { outline } from "./outline.ts";

const text = words({
  title: ["From one sign to another", "한 글자에서 다른 글자로"],
  hint: [
    "Seven places on the straight line between two vectors, each restored by the decoder.",
    "두 벡터를 잇는 직선 위의 일곱 자리를 디코더로 되살린 것입니다.",
  ],
  from: ["From", "시작"],
  to: ["To", "끝"],
  way: ["From {from} to {to}, in {count} strokes", "{from}에서 {to}까지 획 {count}개"],
});

/** Strokes on the way between the vectors of two signs. */
export function Between({ signs }: { readonly signs: readonly string[] }) {
  const [from, to] = [useSignal(signs[1]!), useSignal(signs[3]!)];
  const answer = useAnswer(training, "between", [from.value, to.value])?.answer ?? [];
  return (
    <section class="stack">
      <h2>{text("title")}</h2>
      <div class="row">
        {(
          [
            ["from", from],
            ["to", to],
          ] as const
        ).map(([name, chosen]) => (
          <label key={name} class="inline">
            <span>{text(name)}</span>
            <select
              id={name}
              value={chosen.value}
              onChange={({ currentTarget }) => {
                chosen.value = currentTarget.value;
              }}
            >
              {signs.map((sign) => (
                <option key={sign}>{sign}</option>
              ))}
            </select>
          </label>
        ))}
      </div>
      <svg
        class="autoencode-way"
        viewBox="0 0 210 34"
        role="img"
        aria-label={text("way", { from: from.value, to: to.value, count: answer.length })}
      >
        {answer.map((moves, i) => (
          <polyline key={i} class="autoencode-restored" points={outline(moves, [15 + 30 * i, 17], 21)} />
        ))}
      </svg>
      <p class="hint">{text("hint")}</p>
    </section>
  );
}
