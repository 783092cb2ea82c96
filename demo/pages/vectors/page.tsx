import "./page.css";
import { computed } from "@preact/signals";
import { show } from "../../shell/gallery.tsx";
import { language } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { Kind } from "./data.ts";
import { Prices } from "./price-part.tsx";
import prices from "./prices.ts?raw";
import { Product } from "./product.tsx";
import program from "./program.ts?raw";
import { VectorMap } from "./vector-map.tsx";
import { explanation, text } from "./words.ts";
import type { Settings, View } from "./worker.ts";

const { seed, chosen } = settings({ seed: 1, chosen: 8 }, { seed: { min: 0, max: 9999 }, chosen: { min: 0, max: 27 } });
const training = new LiveTraining<Settings, View>("vectors", () => ({ language: language.value, seed: seed.value }));

/** Points that have errors, for a chart and its table. */
const measured = computed(() => training.points.value.filter(({ joined }) => joined !== undefined));

/** A colour for two kinds, of which one is round and the other square. */
const looks: readonly { readonly kind: Kind; readonly color: string; readonly isSquare: boolean }[] = (
  ["people", "animals", "foods", "drinks", "eating", "drinking", "moving", "places"] as const
).map((kind, i) => ({
  kind,
  color: ["accent", "warm", "good", "violet"][i >> 1]!,
  isSquare: i % 2 === 1,
}));
const lookOf = (kind: Kind) => looks.find((look) => look.kind === kind)!;

function Words() {
  const { words = [], vectors = [] } = training.view.value ?? {};
  const [x, y] = vectors[chosen.value] ?? [0, 0];
  const distance = (i: number) => Math.hypot(vectors[i]![0]! - x!, vectors[i]![1]! - y!);
  const near = [...vectors.keys()].filter((i) => i !== chosen.value).sort((a, b) => distance(a) - distance(b));
  const choose = (index: number) => {
    chosen.value = index;
  };
  return (
    <section class="card vectors-two">
      <VectorMap
        title={text("map")}
        hint={text("mapHint")}
        height={360}
        places={vectors.map((vector, i) => ({ name: words[i]!.word, vector, ...lookOf(words[i]!.kind) }))}
        chosen={chosen.value}
        onChoose={choose}
      >
        <ul class="vectors-kinds" aria-label={text("kinds")}>
          {looks.map(({ kind, color, isSquare }) => (
            <li key={kind}>
              <i class={isSquare ? "square" : undefined} style={{ background: `var(--${color})` }} />
              {text(kind)}
            </li>
          ))}
        </ul>
      </VectorMap>
      <div class="stack">
        {vectors.length > 0 ? (
          <Product words={words.map(({ word }) => word)} vectors={vectors} chosen={chosen.value} onChoose={choose} />
        ) : (
          <p class="empty">{text("waiting")}</p>
        )}
        {near.length > 0 && (
          <p id="near">
            {text("neighbours", {
              words: near
                .slice(0, 3)
                .map((i) => words[i]!.word)
                .join(", "),
            })}
          </p>
        )}
      </div>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={`${program}\n${prices}`}>
      <Words />
      <Prices training={training} />
      <section class="card charts">
        <LineChart title={text("loss")} points={training.points} lines={[{ key: "loss", label: text("lossShort") }]} />
        <LineChart
          title={text("errors")}
          points={measured}
          lines={[
            { key: "joined", label: text("joined"), color: "warm", dots: true },
            { key: "plain", label: text("plain"), color: "accent", dash: [5, 4] },
          ]}
        />
      </section>
    </Lesson>
  );
}

show("vectors", Page);
