import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { outline } from "./outline.ts";
import type { Squeezed } from "./worker.ts";

const text = words({
  title: ["The strangest strokes", "가장 이상한 획"],
  hint: [
    "Of {all} strokes, those that come back worst: blue as they were written, orange as they come back. {odd} of the {all} are scribbles or in a mirror; nobody told the network.",
    "획 {all}개 가운데 가장 못 되살린 것들입니다. 파란색은 쓴 획, 주황색은 되살린 획입니다. {all}개 가운데 {odd}개는 낙서이거나 거울에 비친 글자이지만, 신경망에는 알려 주지 않았습니다.",
  ],
  found: [
    "{found} of the {odd} odd strokes are among the {odd} with the largest error.",
    "이상한 획 {odd}개 가운데 {found}개가 오차가 가장 큰 {odd}개 안에 있습니다.",
  ],
  one: ["{sign}, error {error}", "{sign}, 오차 {error}"],
  scribble: ["scribble", "낙서"],
  mirror: ["{sign} in a mirror", "거울에 비친 {sign}"],
  sign: ["Stroke", "획"],
  error: ["Error", "오차"],
});

const nameOf = ({ sign, isOdd }: Squeezed) =>
  sign === "?" ? text("scribble") : isOdd ? text("mirror", { sign }) : sign;

/** Strokes by their reconstruction error, the largest first. */
export function Strangest({ strokes }: { readonly strokes: readonly Squeezed[] }) {
  const odd = strokes.filter(({ isOdd }) => isOdd).length;
  const sorted = [...strokes].sort((a, b) => b.error - a.error);
  const first = sorted.slice(0, odd);
  const found = first.filter(({ isOdd }) => isOdd).length;
  const table = () => ({
    head: [text("sign"), text("error")],
    rows: sorted.map((stroke) => [nameOf(stroke), number(stroke.error, 4)]),
  });
  return (
    <section class="card">
      <Figure title={text("title")} hint={text("hint", { all: strokes.length, odd })} table={table}>
        <p id="found">{text("found", { found, odd })}</p>
        <ol class="autoencode-strange">
          {first.map((stroke, i) => (
            <li key={i}>
              <svg viewBox="0 0 40 40" aria-hidden="true">
                <polyline class="autoencode-written" points={outline(stroke.moves, [20, 20], 26)} />
                <polyline class="autoencode-restored" points={outline(stroke.restored, [20, 20], 26)} />
              </svg>
              <span>{text("one", { sign: nameOf(stroke), error: number(stroke.error, 3) })}</span>
            </li>
          ))}
        </ol>
      </Figure>
    </section>
  );
}
