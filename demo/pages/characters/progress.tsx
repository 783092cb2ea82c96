/** How the training goes: figures and charts. */
import { computed } from "@preact/signals";
import { number, words } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import type { Point } from "../../shell/messages.ts";
import { before, fields, points, training } from "./state.ts";
import { runName } from "./written.tsx";

const text = words({
  step: ["Step", "단계"],
  bits: ["Bits per character", "글자당 비트"],
  perplexity: ["Perplexity", "퍼플렉서티"],
  gradNorm: ["Gradient norm", "기울기 크기"],
  speed: ["Characters/s", "초당 글자 수"],
  each: ["each step", "단계별"],
  smooth: ["smoothed", "평균"],
  heldOut: ["kept apart", "떼어 둔 글"],
  blind: ["guessing", "무작위"],
  before: ["before: {run}", "앞의 학습: {run}"],
  limit: ["limit", "제한"],
  bitsHint: [
    "How surprised the network is by each next character: at 2 bits, as if it chose among 4 equally likely ones, which is the perplexity. When the text kept apart gets worse while the other gets better, the network learns by heart.",
    "다음 글자가 얼마나 뜻밖이었는지를 나타냅니다. 2비트라면 확률이 같은 글자 4개 가운데서 고르는 셈이며, 이 개수를 퍼플렉서티라고 합니다. 학습 손실은 줄어드는데 떼어 둔 글의 손실이 늘면, 글을 통째로 외우고 있는 것입니다.",
  ],
  gradNormHint: [
    "Length of the gradient over all weights. Longer ones are scaled down to the limit, so that one odd batch cannot throw the training off.",
    "가중치 전체에 대한 기울기의 길이입니다. 제한보다 길면 줄여서, 유별난 배치 하나가 학습을 망치지 않게 합니다.",
  ],
  summary: [
    "{parameters} weights, {vocabulary} different characters, {batch} rows of {window} characters per step, {stepsPerEpoch} steps to read the text once.",
    "가중치 {parameters}개, 서로 다른 글자 {vocabulary}자, 단계마다 {window}자씩 {batch}줄, 글을 한 번 다 읽는 데 {stepsPerEpoch}단계.",
  ],
  writesOnly: [
    "The text is too short, or shares too little with the model’s alphabet, to train on; the model can still write.",
    "글이 너무 짧거나 모델이 아는 글자와 거의 겹치지 않아 더 학습할 수는 없지만, 쓰기는 할 수 있습니다.",
  ],
  skipped: [
    "{count} characters of the text are not in the model’s alphabet and were left out.",
    "글에서 모델이 모르는 글자 {count}자를 뺐습니다.",
  ],
});

/** Lines that are level have a point at each end. */
function level(over: readonly Point[], key: string, value: number): Point[] {
  const last = Math.max(1, ...over.map(({ step }) => step));
  return [0, last].map((step) => ({ step, [key]: value }) as Point);
}

/** The points of several lists as one, by step. */
function joined(...lists: readonly (readonly Point[])[]): Point[] {
  const all = new Map<number, Point>();
  for (const point of lists.flat()) all.set(point.step, { ...all.get(point.step), ...point });
  return [...all.values()].sort((a, b) => a.step - b.step);
}

const isLoss = (point: Point) => point.bits !== undefined || point.heldOut !== undefined;
const losses = computed(() => {
  const view = training.view.value;
  const old = (before.value?.points ?? []).flatMap(({ step, smooth }) =>
    smooth === undefined ? [] : [{ step, before: smooth } as Point],
  );
  const now = points.value.filter(isLoss);
  return joined(view ? level([...old, ...now], "blind", Math.log2(view.vocabulary)) : [], old, now);
});
const norms = computed(() => {
  const clip = fields.clip.value;
  const now = points.value.filter(({ gradNorm }) => gradNorm !== undefined);
  return now.length === 0 ? [] : joined(clip > 0 ? level(now, "limit", clip) : [], now);
});

export function Progress() {
  const last = points.value.findLast(({ bits }) => bits !== undefined);
  const view = training.view.value;
  const speed = training.stepsPerSecond.value * (view ? view.batch * view.window : 0);
  const said = (value: number | undefined, digits: number) => (value === undefined ? "–" : number(value, digits));
  return (
    <section class="card stack">
      <dl class="tiles">
        <Tile name="step" value={number(training.step.value)} />
        <Tile name="bits" value={said(last?.smooth, 2)} />
        <Tile name="perplexity" value={said(last && 2 ** last.smooth!, 1)} />
        <Tile name="gradNorm" value={said(last?.gradNorm, 2)} />
        <Tile name="speed" value={speed > 0 ? number(Number(speed.toPrecision(2))) : "–"} />
      </dl>
      <p class="hint" id="summary">
        {view && (view.stepsPerEpoch > 0 ? text("summary", { ...view }) : text("writesOnly"))}{" "}
        {view && view.skipped > 0 && text("skipped", { count: view.skipped })}
      </p>
      <div class="charts">
        <LineChart
          title={text("bits")}
          hint={text("bitsHint")}
          points={losses}
          lines={[
            { key: "smooth", label: text("smooth"), width: 2 },
            { key: "bits", label: text("each"), color: "accent-faint", width: 1 },
            { key: "heldOut", label: text("heldOut"), color: "warm", dots: true },
            { key: "blind", label: text("blind"), color: "soft", dash: [2, 4], width: 1 },
            ...(before.value
              ? [
                  {
                    key: "before",
                    label: text("before", { run: runName(before.value) }),
                    color: "violet",
                    dash: [6, 3],
                  },
                ]
              : []),
          ]}
        />
        <LineChart
          title={text("gradNorm")}
          hint={text("gradNormHint")}
          points={norms}
          lines={[
            { key: "gradNorm", label: text("each"), width: 1.25 },
            { key: "limit", label: text("limit"), color: "warm", dash: [6, 4] },
          ]}
        />
      </div>
    </section>
  );
}

function Tile({ name, value }: { readonly name: Parameters<typeof text>[0]; readonly value: string }) {
  return (
    <div>
      <dt>{text(name)}</dt>
      <dd id={`tile-${name}`}>{value}</dd>
    </div>
  );
}
