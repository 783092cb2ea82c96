import "./page.css";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { show } from "../../shell/gallery.tsx";
import { language, number, words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import type { Kind } from "./flow.ts";
import { chosen, kinds, limits, ranges, settled, start, training } from "./lab.ts";
import program from "./program.ts?raw";

const text = words({
  chart: ["How much of the gradient is left", "기울기가 얼마나 남는가"],
  chartHint: [
    "Norm of the gradient of the last step’s output by the hidden state of each step before, as a share of the last one’s. Of an LSTM: by h and c. The vertical axis has powers of ten.",
    "마지막 단계의 출력을 이전 단계의 은닉 상태로 미분한 기울기의 노름을, 마지막 단계의 노름으로 나눈 값입니다. LSTM은 h와 c를 함께 봅니다. 세로축은 10의 거듭제곱입니다.",
  ],
  back: ["Steps back", "거슬러 간 단계"],
  sigmoid: ["RNN, sigmoid", "RNN(시그모이드)"],
  tanh: ["RNN, tanh", "RNN(tanh)"],
  relu: ["RNN, relu", "RNN(relu)"],
  orthogonal: ["RNN, orthogonal W", "RNN(직교 W)"],
  lstm: ["LSTM", "LSTM"],
  gru: ["GRU", "GRU"],
  bound: ["bound", "상한"],
  change: ["How the networks begin", "신경망의 시작 상태"],
  radius: ["Spectral radius of W", "W의 스펙트럼 반지름"],
  scale: ["Scale of U", "U의 크기"],
  forget: ["Bias of the gate that keeps: f of LSTM, z of GRU", "기억을 지키는 게이트(LSTM의 f, GRU의 z)의 편향"],
  steps: ["Steps", "단계 수"],
  left: ["Left after {steps} steps", "{steps}단계를 거슬러 가면"],
  gammas: [
    "Bound of {kind}: (γ_W · γ_φ)ⁿ after n steps, γ_W = {norm} being the largest singular value of W, γ_φ = {slope} the largest slope of the activation.",
    "{kind}의 상한: n단계 뒤 (γ_W · γ_φ)ⁿ. γ_W = {norm}은 W의 가장 큰 특잇값, γ_φ = {slope}은 활성화 함수의 가장 큰 기울기입니다.",
  ],
  noBound: ["There is no such bound for networks with gates.", "게이트가 있는 신경망에는 이런 상한이 없습니다."],
  kind: ["Network that trains", "학습할 신경망"],
  limit: ["Clip the gradient’s norm at", "기울기 노름을 자르는 값"],
  loss: ["Loss, with and without clipping", "클리핑할 때와 하지 않을 때의 손실"],
  norm: ["Norm of the gradient, before clipping", "클리핑 전 기울기의 노름"],
  clipped: ["with clipping", "클리핑함"],
  free: ["without", "하지 않음"],
  both: [
    "Both trainings begin with the same weights and see the same batches. What was the first of 20 numbers? A loss of 1 is that of guessing.",
    "두 학습은 같은 가중치로 시작해 같은 배치를 봅니다. 수 20개 가운데 첫 번째가 무엇이었는지 맞히는 문제이며, 찍으면 손실이 1입니다.",
  ],
  result: [
    "With clipping, the loss is {clipped}; without it, {free}.",
    "클리핑하면 손실이 {clipped}, 하지 않으면 {free}입니다.",
  ],
  diverged: [
    "With clipping, the loss is {clipped}; without it, the training diverged in step {step}.",
    "클리핑하면 손실이 {clipped}이고, 하지 않은 학습은 {step}단계에서 발산했습니다.",
  ],
  waiting: ["The numbers come in a moment.", "곧 숫자가 나타납니다."],
});

const explanation = [
  "On its way back, the gradient is multiplied in each step by W and by the slope of the activation. If that makes it smaller, little is left after many steps: it vanishes, and what happened long ago is not learned. If it makes it larger, it explodes. No RNN goes beyond the dotted bound; where that falls, the gradient vanishes for certain.\nAn orthogonal W keeps lengths. The gates of LSTM and GRU let the state pass nearly unchanged, and the gradient with it: move the bias of that gate. Clipping shortens a gradient that is too long. It heals exploding, not vanishing: train the sigmoid. All numbers are made up.",
  "기울기는 거슬러 갈 때 단계마다 W와 활성화 함수의 기울기가 곱해집니다. 그때마다 작아지면 여러 단계 뒤에는 거의 남지 않습니다. 이것이 경사 소실이며, 오래전 일은 배우지 못합니다. 커지면 경사 폭발입니다. RNN은 점선으로 그린 상한을 넘지 못하며, 이 선이 내려가면 기울기는 반드시 소실됩니다.\n직교 행렬 W는 길이를 지킵니다. LSTM과 GRU의 게이트는 상태를 거의 그대로 통과시켜 기울기도 함께 남습니다. 게이트의 편향을 움직여 보세요. 클리핑은 너무 긴 기울기를 줄여 폭발을 막지만 소실은 막지 못합니다. 시그모이드를 학습해 보세요. 데이터는 모두 지어낸 것입니다.",
] as const;

const colors: Readonly<Record<Kind, string>> = {
  ...{ sigmoid: "violet", tanh: "accent", relu: "good", orthogonal: "ink", lstm: "warm", gru: "soft" },
};

const points = signal<readonly Readonly<Record<string, number>>[]>([]);

/** 3.2E-7 for what is far from 1. */
const share = (value: number): string =>
  value >= 0.01 && value < 1000
    ? number(value, 2)
    : new Intl.NumberFormat(language.value, { notation: "scientific", maximumFractionDigits: 1 }).format(value);

function Slider({ name, step }: { readonly name: keyof typeof ranges; readonly step: number }) {
  const { min, max } = ranges[name];
  const value = chosen[name].value;
  return (
    <label class="field">
      <span>
        {text(name)}: <output>{number(value, name === "steps" ? 0 : 2)}</output>
      </span>
      <input
        id={name}
        type="range"
        {...{ min, max, step, value }}
        onInput={({ currentTarget }) => {
          chosen[name].value = Number(currentTarget.value);
        }}
        onChange={() => {
          if (name !== "steps") settled.value = start();
        }}
      />
    </label>
  );
}

function Flow() {
  const [T, kind] = [chosen.steps.value, chosen.kind.value];
  const found = useAnswer(training, "flow", { start: start(), T, kind })?.answer;
  useEffect(() => {
    if (!found) return;
    const { shares, bound } = found;
    points.value = shares[kind]!.map((_, back) => {
      const all = [...kinds.map((one) => [one, shares[one]![back]] as const), ["bound", bound?.[back]] as const];
      return { back, ...Object.fromEntries(all.filter(([, value]) => value !== undefined && value > 0)) };
    });
  }, [found]);
  return (
    <div class="vanishing-top">
      <section class="card stack">
        <LineChart
          title={text("chart")}
          hint={text("chartHint")}
          points={points}
          x="back"
          xLabel={text("back")}
          logarithmic
          low={1e-8}
          high={1e4}
          lines={[
            ...kinds.map((one) => ({
              key: one,
              label: text(one),
              color: colors[one],
              width: one === kind ? 3 : 1.6,
              ...(one === "orthogonal" && { dash: [8, 4] }),
            })),
            { key: "bound", label: text("bound"), color: "ink", dash: [2, 4] },
          ]}
        />
        {found ? (
          <>
            <h3>{text("left", { steps: found.shares[kind]!.length - 1 })}</h3>
            <dl class="vanishing-left">
              {kinds.map((one) => {
                const last = found.shares[one]!.at(-1)!;
                return (
                  <div key={one}>
                    <dt>{text(one)}</dt>
                    <dd id={`left-${one}`} data-share={last}>
                      {share(last)}
                    </dd>
                  </div>
                );
              })}
            </dl>
            <p class="hint" id="bound" data-bound={found.bound?.at(-1)}>
              {found.bound
                ? text("gammas", {
                    kind: text(kind),
                    norm: number(found.norm, 2),
                    slope: kind === "sigmoid" ? "1/4" : "1",
                  })
                : text("noBound")}
            </p>
          </>
        ) : (
          <p class="empty">{text("waiting")}</p>
        )}
      </section>
      <section class="card stack">
        <h2>{text("change")}</h2>
        <Slider name="radius" step={0.05} />
        <Slider name="scale" step={0.05} />
        <Slider name="forget" step={0.25} />
        <Slider name="steps" step={10} />
      </section>
    </div>
  );
}

function Training() {
  const view = training.view.value;
  const clipped = view && share(view.clipped);
  return (
    <section class="card stack">
      <div class="row">
        <label class="field">
          <span>{text("kind")}</span>
          <select
            id="kind"
            value={chosen.kind.value}
            onChange={({ currentTarget }) => {
              chosen.kind.value = currentTarget.value as Kind;
            }}
          >
            {kinds.map((one) => (
              <option key={one} value={one}>
                {text(one)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{text("limit")}</span>
          <select
            id="limit"
            value={String(chosen.limit.value)}
            onChange={({ currentTarget }) => {
              chosen.limit.value = Number(currentTarget.value);
            }}
          >
            {limits.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint">{text("both")}</p>
      <p id="result" aria-live="off" data-clipped={view?.clipped} data-free={view?.free} data-diverged={view?.diverged}>
        {view === undefined
          ? text("waiting")
          : view.diverged === undefined
            ? text("result", { clipped: clipped!, free: share(view.free!) })
            : text("diverged", { clipped: clipped!, step: view.diverged })}
      </p>
      <div class="charts">
        <LineChart
          title={text("loss")}
          points={training.points}
          low={0}
          high={2}
          lines={[
            { key: "clipped", label: text("clipped"), width: 2.2 },
            { key: "free", label: text("free"), color: "warm" },
          ]}
        />
        <LineChart
          title={text("norm")}
          points={training.points}
          logarithmic
          lines={[
            { key: "clippedNorm", label: text("clipped"), width: 2.2 },
            { key: "freeNorm", label: text("free"), color: "warm" },
          ]}
        />
      </div>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={chosen.seed} explanation={explanation} program={program}>
      <Flow />
      <Training />
    </Lesson>
  );
}

show("vanishing", Page);
