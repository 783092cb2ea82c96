import { Figure } from "../../shell/figure.tsx";
import { number, percent, words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { training } from "./live.ts";

const text = words({
  title: ["Beside plain methods", "단순한 방법과 비교"],
  hint: [
    "{folds} forecasts of {horizon} rows each, from rows that the training never saw. MASE is the error divided by that of “the season before” on earlier rows: the smaller, the better.",
    "학습에 쓰지 않은 행에서 {horizon}행 앞까지 {folds}번 예측했습니다. MASE는 오차를 이전 행들에서 ‘지난 계절의 값’이 낸 오차로 나눈 값으로, 작을수록 좋습니다.",
  ],
  waiting: ["The first comparison comes after the first steps.", "첫 단계가 끝나면 비교가 나타납니다."],
  method: ["Method", "방법"],
  mae: ["mean error", "평균 오차"],
  coverage: ["in the interval", "구간에 든 값"],
  forecaster: ["the network", "신경망"],
  naive: ["the last value", "마지막 값"],
  seasonalNaive: ["the season before", "지난 계절의 값"],
  drift: ["the line from first to last", "처음과 끝을 이은 직선"],
});

const methods = ["forecaster", "naive", "seasonalNaive", "drift"] as const;

/** The network's errors on rows that were kept apart, and those of methods that need no training. */
export function Backtest() {
  const report = useAnswer(training, "backtest", undefined)?.answer;
  const best = report && Math.min(...methods.map((method) => report.methods[method].mae));
  return (
    <section class="card">
      <Figure
        title={text("title")}
        {...(report && { hint: text("hint", { folds: report.folds, horizon: report.horizon }) })}
      >
        {report ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
          <section class="scroll" tabIndex={0} aria-label={text("title")}>
            <table id="backtest">
              <thead>
                <tr>
                  {[text("method"), text("mae"), "MASE", text("coverage")].map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {methods.map((method) => {
                  const { mae, mase, coverage } = report.methods[method];
                  return (
                    <tr key={method} data-method={method} class={mae === best ? "forecast-best" : undefined}>
                      <th scope="row">{text(method)}</th>
                      <td>{number(mae, 2)}</td>
                      <td>{Number.isFinite(mase) ? number(mase, 2) : "–"}</td>
                      <td>{percent(coverage)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </section>
        ) : (
          <p class="empty">{text("waiting")}</p>
        )}
      </Figure>
    </section>
  );
}
