/** The unrolled network and a walk through it, moment by moment. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Diagram } from "./diagram.tsx";
import { type Factors, isCut, type Numbers, stepOf } from "./factors.ts";
import { chosen, setting } from "./lab.ts";
import { chips, lightOf, type Moment, moments, pathOf } from "./moments.ts";
import { Symbols } from "./symbols.tsx";
import { text } from "./text.ts";

/** Milliseconds of a moment while it walks by itself. */
const MOMENT = 3500;

export const moment = (): Moment => chosen.at.value;

const go = (by: number) => {
  const next = moments.indexOf(moment()) + by;
  chosen.at.value = moments[Math.max(0, Math.min(moments.length - 1, next))]!;
};

export function Picture({ numbers, factors }: { readonly numbers: Numbers; readonly factors: Factors }) {
  const { x, h, y, loss, weights } = numbers;
  const { cut } = setting();
  const T = x.length;
  const now = moment();
  const isPlaying = useSignal(false);
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setTimeout(() => {
      if (now === moments.at(-1)) isPlaying.value = false;
      else go(1);
    }, MOMENT);
    return () => clearTimeout(timer);
  }, [now, isPlaying.value]);
  const play = () => {
    if (!isPlaying.value && now === moments.at(-1)) chosen.at.value = "all";
    if (!isPlaying.value) go(1);
    isPlaying.value = !isPlaying.value;
  };
  const choose = (next: Moment) => {
    isPlaying.value = false;
    chosen.at.value = next;
  };
  const step = pathOf(now);
  const written = (values: readonly number[]) => values.map((one) => one.toFixed(2)).join(", ");
  const label = text("label", {
    ...{ x1: x[0]!.toFixed(1), x2: x[1]!.toFixed(1), x3: x[2]!.toFixed(1), y: written(y), loss: loss.toFixed(2) },
    ...{ h1: written(stepOf(h, 1)), h2: written(stepOf(h, 2)), h3: written(stepOf(h, 3)) },
  });
  return (
    <section class="card stack recurrence-picture">
      <h2>{text("picture")}</h2>
      <fieldset class="recurrence-moments" aria-label={text("moments")}>
        {moments.map((one) => (
          <button key={one} type="button" id={`at-${one}`} aria-pressed={one === now} onClick={() => choose(one)}>
            {one === "all" ? text("whole") : chips[one]}
          </button>
        ))}
      </fieldset>
      <Diagram
        {...{ label, x, h, y, loss, weights, factors, light: lightOf(now, T, cut) }}
        {...(cut < T && { cutBefore: T - cut + 1, cutLabel: text("cutHere") })}
      />
      <p class="recurrence-said" aria-live="polite">
        {text(step !== undefined && isCut(step, T, cut) ? "isCut" : (now as "h1"))}
      </p>
      <div class="row">
        <button type="button" id="play" onClick={play}>
          {text(isPlaying.value ? "stop" : "play")}
        </button>
        <button type="button" disabled={now === moments[0]} onClick={() => go(-1)}>
          ← {text("before")}
        </button>
        <button type="button" id="next" disabled={now === moments.at(-1)} onClick={() => go(1)}>
          {text("after")} →
        </button>
      </div>
      <Symbols />
    </section>
  );
}
