/** A beam search as a tree: a column for each step, in it the hypotheses that were kept, the best on top. */
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { visible } from "./attention.tsx";
import type { search } from "./program.ts";

const text = words({
  title: ["Beam search as a tree", "빔 탐색 나무"],
  hint: [
    "A column is a step, with the hypotheses that the beam kept, the best on top. The number is the mean log probability of the units so far. Dashed: kept for a while, then dropped for better ones. ■: the text has ended.",
    "열 하나가 한 단계이며, 빔에 남은 후보를 점수가 높은 순서로 놓았습니다. 숫자는 지금까지 쓴 단위의 로그 확률 평균입니다. 점선은 남았다가 더 나은 후보에 밀려난 것이고, ■는 글이 끝났다는 표시입니다.",
  ],
  label: [
    "{steps} steps with at most {width} hypotheses. The best: {best}",
    "{steps}단계, 후보 최대 {width}개. 가장 좋은 것: {best}",
  ],
  step: ["Step", "단계"],
  rank: ["{rank}.", "{rank}위"],
  scored: ["{written} ({score})", "{written} ({score})"],
});

export type Steps = Awaited<ReturnType<typeof search>>["steps"];
type Hypothesis = Steps[number][number];

const ROW = 46;
const NODE = 36;

/** What a hypothesis is called in its column: its last unit, or a mark where it has ended. */
const nameOf = ({ units, hasEnded }: Hypothesis) => (hasEnded ? "■" : visible(units.at(-1)!));

/** Is the one, a step later, what the other has become? */
const goesOnFrom = (later: Hypothesis, before: Hypothesis) =>
  before.hasEnded
    ? later.hasEnded && later.units.length === before.units.length && later.units.every((u, i) => u === before.units[i])
    : later.units.length - (later.hasEnded ? 0 : 1) === before.units.length &&
      before.units.every((u, i) => u === later.units[i]);

export function BeamTree({ steps, join }: { readonly steps: Steps; readonly join: string }) {
  const written = ({ units, hasEnded }: Hypothesis) => units.map(visible).join(join) + (hasEnded ? " ■" : "");
  const longest = Math.max(...steps.flat().map((one) => [...nameOf(one)].length));
  const column = Math.max(58, 30 + longest * 11);
  const width = Math.max(...steps.map((kept) => kept.length));
  const best = steps.at(-1)![0]!;
  const isBest = (one: Hypothesis) =>
    one.units.every((unit, i) => unit === best.units[i]) && (!one.hasEnded || one.units.length === best.units.length);
  const isDropped = (one: Hypothesis, step: number) =>
    step + 1 < steps.length && !steps[step + 1]!.some((later) => goesOnFrom(later, one));
  const classOf = (one: Hypothesis, step: number) =>
    one.units.length < step ? "still" : isBest(one) ? "best" : isDropped(one, step) ? "dropped" : undefined;
  const x = (step: number) => step * column;
  const y = (rank: number) => rank * ROW;
  const table = () => ({
    head: [text("step"), ...Array.from({ length: width }, (_, rank) => text("rank", { rank: rank + 1 }))],
    rows: steps.map((kept, step) => [
      step + 1,
      ...kept.map((one) => text("scored", { written: written(one), score: number(one.score, 2) })),
    ]),
  });
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
      <section class="translate-tree" tabIndex={0} aria-label={text("title")}>
        <svg
          width={steps.length * column}
          height={width * ROW}
          role="img"
          aria-label={text("label", { steps: steps.length, width, best: written(best) })}
        >
          {steps.slice(1).map((kept, i) =>
            kept.map((one, rank) => {
              const parent = steps[i]!.findIndex((before) => goesOnFrom(one, before));
              if (parent < 0) return undefined;
              const [fromX, fromY, toX, toY] = [x(i + 1) - 12, y(parent) + NODE / 2, x(i + 1), y(rank) + NODE / 2];
              return (
                <path
                  key={`${i} ${rank}`}
                  class={isBest(one) ? "best" : undefined}
                  d={`M${fromX} ${fromY} C${fromX + 6} ${fromY} ${toX - 6} ${toY} ${toX} ${toY}`}
                />
              );
            }),
          )}
          {steps.map((kept, step) =>
            kept.map((one, rank) => (
              <g key={`${step} ${rank}`} class={classOf(one, step)} transform={`translate(${x(step)} ${y(rank)})`}>
                <rect x="1" y="1" width={column - 14} height={NODE - 2} rx="6" />
                <text x={column / 2 - 6} y="15">
                  {nameOf(one)}
                </text>
                <text class="score" x={column / 2 - 6} y="29">
                  {number(one.score, 2)}
                </text>
              </g>
            )),
          )}
        </svg>
      </section>
    </Figure>
  );
}
