import { Choice } from "../../shell/choice.tsx";
import { show } from "../../shell/gallery.tsx";
import { words } from "../../shell/language.ts";
import { LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { useOnDemand } from "../../shell/on-demand.tsx";
import { Backtest } from "./backtest.tsx";
import { ForecastChart } from "./forecast-chart.tsx";
import { data, events, type Kind, kinds, origin, seed, training } from "./live.ts";
import { Events } from "./made-up.tsx";
import program from "./program.ts?raw";
import type { ShownRow } from "./worker.ts";
import "./page.css";

const text = words({
  data: ["The series", "시계열"],
  made: ["made up: sales of a shop", "지어낸 가게 매출"],
  own: ["my own (CSV)", "내 데이터(CSV)"],
  drawn: ["a curve that I draw", "직접 그린 곡선"],
  waiting: ["The first forecast comes after the first steps.", "첫 단계가 끝나면 예측이 나타납니다."],
});

const explanation = [
  "The network reads the last rows of a series, one after the other, and its hidden state becomes the next rows, all at once. For each row it says three values: the median, and a low and a high one, between which eight of ten values are to fall. The loss is that of quantiles.\nWhat is known ahead helps: the weekday, a holiday, a sale that is planned. Each forecast is only worth something beside plain methods, such as the value of a week ago. The comparison uses rows that the training never saw, and at each of them only what was known by then.",
  "신경망은 시계열의 마지막 행들을 차례로 읽고, 그 은닉 상태에서 다음 행들을 한꺼번에 예측합니다. 행마다 세 값, 곧 중앙값과 하한, 상한을 내놓으며, 값 열 개 가운데 여덟 개가 그 사이에 들어야 합니다. 손실은 분위수 손실입니다.\n요일이나 공휴일, 계획한 행사처럼 미리 아는 것은 예측에 도움이 됩니다. 예측이 쓸 만한지는 ‘일주일 전 값’ 같은 단순한 방법과 견주어 보아야 압니다. 이 페이지의 비교는 학습에 쓰지 않은 행에서, 그때까지 알던 것만으로 예측한 결과입니다.",
] as const;

// Most readers look at the made-up series only.
const loadOwn = () => import("./own.tsx").then(({ Own }) => Own);
const loadDrawn = () => import("./drawn.tsx").then(({ Drawn }) => Drawn);

function OwnOnDemand() {
  const Own = useOnDemand(loadOwn);
  return Own ? <Own /> : null;
}

function DrawnOnDemand({ rows }: { readonly rows: readonly ShownRow[] }) {
  const Drawn = useOnDemand(loadDrawn);
  return Drawn ? <Drawn rows={rows} /> : null;
}

function Shown({ kind }: { readonly kind: Kind }) {
  const answer = useAnswer(training, "forecast", {
    ...(origin.value !== undefined && { origin: origin.value }),
    events: events.value,
  })?.answer;
  return (
    <section class="card stack">
      <Choice legend={text("data")} name="data" values={kinds} chosen={data} labelOf={(value) => text(value)} />
      {kind === "own" && <OwnOnDemand />}
      {kind === "drawn" ? (
        <DrawnOnDemand rows={answer?.rows ?? []} />
      ) : answer ? (
        <ForecastChart rows={answer.rows} first={answer.first} last={answer.last} at={answer.origin} />
      ) : (
        <p class="empty">{text("waiting")}</p>
      )}
      {kind === "made" && answer && <Events origin={answer.origin} ahead={answer.ahead} />}
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      {/* Another kind begins without an answer. */}
      <Shown key={data.value} kind={data.value} />
      {data.value !== "drawn" && <Backtest key={data.value} />}
      <section class="card charts">
        {/* A curve is too short to keep a part of it. */}
        <LossChart training={training} heldOut={data.value !== "drawn"} />
      </section>
    </Lesson>
  );
}

show("forecast", Page);
