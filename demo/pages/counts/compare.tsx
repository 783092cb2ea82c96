/** Both models on the sentences that were kept apart. */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { n, smoothing, training } from "./state.ts";
import { text } from "./words.ts";
import type { questions } from "./worker.ts";

type Compared = ReturnType<(typeof questions)["compare"]>;

/** The measures by n, and the network's perplexity as it is now. */
const compared = signal<Compared>([]);
const ofNetwork = computed(() => training.points.value.findLast(({ network }) => network !== undefined)?.network);
const measured = computed(() => (smoothing.value === "none" ? "kneserNey" : smoothing.value));
const learning = computed(() => {
  const ngram = compared.value.find((one) => one.n === n.value)?.perplexity;
  return training.points.value.map((point) => (ngram === undefined ? point : { ...point, ngram }));
});
/** Without n = 1, beside whose perplexity the others would look alike. */
const byN = computed(() =>
  compared.value
    .filter((one) => one.n > 1)
    .map((one) => (ofNetwork.value === undefined ? one : { ...one, network: ofNetwork.value })),
);

export function Compare() {
  const answered = useAnswer(training, "compare", measured.value);
  useEffect(() => {
    compared.value = answered?.answer ?? [];
  }, [answered]);
  const name = text("ngram", { n: n.value, smoothing: text(measured.value) });
  return (
    <section class="card charts">
      <LineChart
        title={text("perplexity")}
        hint={`${text("perplexityHint")}${smoothing.value === "none" ? ` ${text("infinite")}` : ""}`}
        points={learning}
        low={1}
        high={12}
        lines={[
          { key: "network", label: text("network"), color: "warm", dots: true },
          { key: "ngram", label: name, color: "accent", dash: [6, 4] },
          { key: "trained", label: text("trained"), color: "accent-faint" },
        ]}
      />
      <LineChart
        title={text("byN")}
        hint={text("byNHint", { perplexity: number(compared.value[0]?.perplexity ?? 0, 1) })}
        points={byN}
        x="n"
        xLabel="n"
        low={1}
        lines={[
          { key: "network", label: text("network"), color: "warm" },
          { key: "perplexity", label: text("ngrams"), color: "accent", dots: true },
        ]}
      />
      <LineChart
        title={text("sparsity")}
        hint={text("sparsityHint")}
        points={compared}
        x="n"
        xLabel="n"
        high={1}
        lines={[
          { key: "unseenNGrams", label: text("unseenNGrams"), color: "warm", dots: true },
          { key: "unseenContexts", label: text("contexts"), color: "accent", dots: true },
        ]}
      />
    </section>
  );
}
