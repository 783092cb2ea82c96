import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { number, words } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import { origin } from "./live.ts";
import type { ShownRow } from "./worker.ts";

const text = words({
  title: ["The forecast", "예측"],
  hint: [
    "The shaded interval is to hold 8 of 10 values.",
    "옅게 칠한 구간은 값 열 개 가운데 여덟 개가 들어가도록 예측한 구간입니다.",
  ],
  row: ["Row", "행"],
  value: ["so far", "지금까지"],
  truth: ["what came", "실제로 온 값"],
  median: ["forecast", "예측값"],
  low: ["from", "하한"],
  high: ["to", "상한"],
  from: ["Forecast from row {row} on", "{row}행부터 예측"],
});

export interface ForecastChartProps {
  readonly rows: readonly ShownRow[];
  /** Where a forecast can begin. */
  readonly first: number;
  readonly last: number;
  readonly at: number;
}

/** What was, and what is said of what comes; a slider moves the day of the forecast. */
export function ForecastChart({ rows, first, last, at }: ForecastChartProps) {
  const points = useMemo(() => signal<readonly Readonly<Record<string, number>>[]>([]), []);
  useEffect(() => {
    points.value = rows as readonly Readonly<Record<string, number>>[];
  }, [rows]);
  const [low, high] = limits(rows.flatMap(({ value, truth, low, high }) => [value, truth, low, high]));
  return (
    <>
      <LineChart
        title={text("title")}
        hint={text("hint")}
        x="t"
        xLabel={text("row")}
        points={points}
        low={low}
        high={high}
        lines={[
          { key: "value", label: text("value"), color: "accent" },
          { key: "truth", label: text("truth"), color: "accent", dash: [2, 4] },
          { key: "low", label: text("low"), color: "warm", width: 0.5 },
          { key: "high", label: text("high"), color: "warm", width: 0.5, bandTo: "low" },
          { key: "median", label: text("median"), color: "warm", width: 2.4 },
        ]}
      />
      {last > first && (
        <label class="field">
          <span>{text("from", { row: number(at + 1) })}</span>
          <input
            id="origin"
            type="range"
            min={first}
            max={last}
            value={at}
            onInput={({ currentTarget }) => {
              origin.value = currentTarget.valueAsNumber;
            }}
          />
        </label>
      )}
    </>
  );
}

/** Round limits around all numbers, which change seldom while the numbers move. */
function limits(values: readonly (number | undefined)[]): readonly [number, number] {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return [0, 1];
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const unit = 10 ** Math.floor(Math.log10(Math.max(most - least, 1e-9)));
  return [Math.floor(least / unit) * unit, Math.ceil(most / unit) * unit];
}
