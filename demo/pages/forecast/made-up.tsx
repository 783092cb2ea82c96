import { language, words } from "../../shell/language.ts";
import { events } from "./live.ts";
import type { Ahead } from "./worker.ts";

const text = words({
  events: ["Plan an event: which of these days has a sale?", "행사 계획하기: 어느 날에 할인 행사를 할까요?"],
  hint: [
    "Made up: the sales of a shop, two years of days, with a trend, weeks, seasons, holidays and sales. Press a day, and the forecast reckons with a sale on it; “what came” is without your plan.",
    "지어낸 데이터입니다. 어느 가게의 2년간 일별 매출로, 추세와 요일, 계절, 공휴일, 할인 행사가 들어 있습니다. 날짜를 누르면 그날 행사가 있다고 보고 예측합니다. ‘실제로 온 값’에는 이 계획이 들어 있지 않습니다.",
  ],
});

/** The days of the forecast, each with or without an event. */
export function Events({ origin, ahead }: { readonly origin: number; readonly ahead: readonly Ahead[] }) {
  const format = new Intl.DateTimeFormat(language.value, { month: "numeric", day: "numeric", timeZone: "UTC" });
  const weekday = new Intl.DateTimeFormat(language.value, { weekday: "short", timeZone: "UTC" });
  return (
    <>
      <fieldset>
        <legend>{text("events")}</legend>
        <div class="forecast-days">
          {ahead.map(({ date = "", event }, h) => {
            const day = new Date(date);
            return (
              <button
                key={origin + h}
                type="button"
                aria-pressed={event}
                onClick={() => {
                  events.value = { ...events.value, [origin + h]: !event };
                }}
              >
                <span>{weekday.format(day)}</span> {format.format(day)}
              </button>
            );
          })}
        </div>
      </fieldset>
      <p class="hint">{text("hint")}</p>
    </>
  );
}
