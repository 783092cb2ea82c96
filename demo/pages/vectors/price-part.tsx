/** Prices: what two networks say of days kept apart, what they read for a day, and the vectors of its categories. */
import { signal, useComputed } from "@preact/signals";
import { number } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import type { LiveTraining } from "../../shell/live-training.ts";
import { tinted } from "../../shell/sequence.tsx";
import { VectorMap } from "./vector-map.tsx";
import { text } from "./words.ts";
import type { Settings, View } from "./worker.ts";

/** The first is 0. */
const chosenDay = signal(0);

function Inputs({ days, vectors }: View["prices"]) {
  const day = days[chosenDay.value]!;
  const weekday = text("days").split(" ")[day.weekday]!;
  const weather = text("weathers").split(" ")[day.weather]!;
  const parts = [
    { name: text("todayPrice"), values: [day.numbers[0]!] },
    { name: text("temperature"), values: [day.numbers[1]!] },
    { name: `${text("weekday")}: ${weekday}`, values: vectors.weekday[day.weekday]! },
    { name: `${text("weather")}: ${weather}`, values: vectors.weather[day.weather]! },
  ];
  return (
    <div class="stack">
      <h2>{text("inputs")}</h2>
      <label class="field">
        <span>{text("chosenDay", { day: chosenDay.value + 1, weekday, weather })}</span>
        <input
          id="day"
          type="range"
          min="1"
          max={days.length}
          value={chosenDay.value + 1}
          onInput={({ currentTarget }) => {
            chosenDay.value = Number(currentTarget.value) - 1;
          }}
        />
      </label>
      <dl class="vectors-inputs" id="inputs">
        {parts.map(({ name, values }) => (
          <div key={name}>
            <dt class="hint">{name}</dt>
            <dd>
              {values.map((value, d) => (
                <i key={d} style={{ background: tinted(value / 2) }}>
                  {number(value, 2)}
                </i>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p id="said">
        {(["price", "joined", "plain"] as const)
          .map((key) =>
            text(({ price: "truth", joined: "saidJoined", plain: "saidPlain" } as const)[key], {
              price: number(day[key], 1),
            }),
          )
          .join(" · ")}
      </p>
      <p class="hint">{text("inputsHint")}</p>
    </div>
  );
}

export function Prices({ training }: { readonly training: LiveTraining<Settings, View> }) {
  const prices = training.view.value?.prices;
  const points = useComputed(() =>
    (training.view.value?.prices?.days ?? []).map(({ price, joined, plain }, i) => ({
      day: i + 1,
      price,
      joined,
      plain,
    })),
  );
  const names = { weekday: text("days").split(" "), weather: text("weathers").split(" ") };
  const places = (["weekday", "weather"] as const).flatMap((kind) =>
    (prices?.vectors[kind] ?? []).map((vector, i) => ({
      name: names[kind][i]!,
      vector,
      color: kind === "weekday" ? "accent" : "warm",
      isSquare: kind === "weather",
    })),
  );
  return (
    <section class="card vectors-two">
      <div class="stack">
        <LineChart
          title={text("prices")}
          hint={text("pricesHint")}
          points={points}
          x="day"
          xLabel={text("day")}
          digits={1}
          lines={[
            { key: "price", label: text("price"), color: "soft", dots: true, width: 1 },
            { key: "joined", label: text("joined"), color: "warm", width: 2 },
            { key: "plain", label: text("plain"), color: "accent", dash: [5, 4] },
          ]}
        />
        {prices && <Inputs {...prices} />}
      </div>
      <VectorMap title={text("categories")} hint={text("categoriesHint")} height={320} places={places} />
    </section>
  );
}
