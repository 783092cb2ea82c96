/** Times against T, B and H, and the speeds of products and copies by size. */
import { computed } from "@preact/signals";
import { words } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import { type Size, sweep } from "./findings.ts";
import { gbsOf, gflopsOf, kindName, results, timed } from "./measuring.ts";
import { base } from "./tasks.ts";

const text = words({
  T: ["Milliseconds by time steps T", "시점 수 T에 따른 시간(ms)"],
  B: ["Milliseconds by batch size B", "배치 크기 B에 따른 시간(ms)"],
  H: ["Milliseconds by units H", "유닛 수 H에 따른 시간(ms)"],
  others: ["With {others}. Both axes are logarithmic.", "{others}일 때. 두 축 모두 로그 눈금입니다."],
  products: ["GFLOP/s of a product N×N", "N×N 행렬 곱의 GFLOP/s"],
  productsHint: ["Small products cannot keep the arithmetic busy.", "작은 곱은 연산 장치를 다 쓰지 못합니다."],
  copies: ["GB/s of a copy, by its KB", "복사 크기(KB)에 따른 GB/s"],
  copiesHint: [
    "What is read and what is written both count. What fits into a cache is copied faster.",
    "읽은 양과 쓴 양을 함께 셉니다. 캐시에 들어가는 크기는 더 빨리 복사됩니다.",
  ],
  gflops: ["GFLOP/s", "GFLOP/s"],
  gbs: ["GB/s", "GB/s"],
});

const kinds = ["forward", "training", "stream"] as const;
const colors = { forward: "accent", training: "warm", stream: "good" } as const;
const sizes = ["T", "B", "H"] as const;

/** The kinds that a size is varied for: one step has no number of steps. */
const kindsFor = (size: Size) => kinds.filter((kind) => kind !== "stream" || size !== "T");

const pointsBy = (size: Size) =>
  computed(() => {
    const points = new Map<number, Record<string, number>>();
    for (const kind of kindsFor(size))
      for (const one of sweep(results.value, kind, size))
        points.set(one.size, { ...points.get(one.size), [size]: one.size, [kind]: one.milliseconds });
    return [...points.values()].sort((a, b) => a[size]! - b[size]!);
  });

const points = { T: pointsBy("T"), B: pointsBy("B"), H: pointsBy("H") };

const products = computed(() =>
  timed.value.flatMap((one) => (one.kind === "product" && one.N > 4 ? [{ N: one.N, gflops: gflopsOf(one) }] : [])),
);
const copies = computed(() =>
  timed.value.flatMap((one) => (one.kind === "copy" ? [{ size: one.bytes / 1024, gbs: gbsOf(one) }] : [])),
);

export function Charts() {
  const others = (size: Size) =>
    sizes
      .filter((name) => name !== size)
      .map((name) => `${name} ${base[name]}`)
      .join(", ");
  return (
    <section class="card charts">
      {sizes.map((size) => (
        <LineChart
          key={size}
          title={text(size)}
          hint={text("others", { others: others(size) })}
          points={points[size]}
          x={size}
          xLabel={size}
          lines={kindsFor(size).map((kind) => ({ key: kind, label: kindName(kind), color: colors[kind], dots: true }))}
          doubling
          logarithmic
        />
      ))}
      <LineChart
        title={text("products")}
        hint={text("productsHint")}
        points={products}
        x="N"
        xLabel="N"
        lines={[{ key: "gflops", label: text("gflops"), dots: true }]}
        digits={1}
        doubling
      />
      <LineChart
        title={text("copies")}
        hint={text("copiesHint")}
        points={copies}
        x="size"
        xLabel="KB"
        lines={[{ key: "gbs", label: text("gbs"), color: "good", dots: true }]}
        digits={1}
        doubling
      />
    </section>
  );
}
