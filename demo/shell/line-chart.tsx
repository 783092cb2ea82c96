/** Lines over training steps or over anything else, drawn by uPlot in the page's colours and language. */
import { effect, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { Figure } from "./figure.tsx";
import { language, number, words } from "./language.ts";
import type { Point } from "./messages.ts";
import { color, isDark, translucent } from "./theme.ts";

const text = words({
  step: ["Step", "단계"],
  soon: ["The first points come in a moment.", "곧 첫 점이 나타납니다."],
  empty: ["{name}: nothing to show yet.", "{name}: 아직 보여 줄 값이 없습니다."],
  label: ["{name}. At {x}: {last}.", "{name}. {x}에서 {last}."],
});

/** Milliseconds between two drawings, so that the page always has time for its reader. */
const DRAW_EVERY = 200;

/** Loaded with the first chart: what a page plays with comes before its charts. */
const load = () => import("uplot").then(({ default: loaded }) => loaded);
let library: ReturnType<typeof load> | undefined;

export interface Line {
  /** Of the points' numbers. */
  readonly key: string;
  readonly label: string;
  /** A custom property of base.css; default `accent`. */
  readonly color?: string;
  readonly dash?: readonly number[];
  /** Dots, for values that most points do not have. */
  readonly dots?: boolean;
  readonly width?: number;
  /** Shades what lies between this line and the one of that key, which comes before it. */
  readonly bandTo?: string;
}

export interface LineChartProps {
  readonly title: string;
  readonly hint?: string;
  readonly lines: readonly Line[];
  /** Sorted by x. */
  readonly points: ReadonlySignal<readonly Readonly<Record<string, number>>[]> | ReadonlySignal<readonly Point[]>;
  /** Which number of a point is its place; default `step`. */
  readonly x?: string;
  readonly xLabel?: string;
  readonly digits?: number;
  /** Limits of y where the data alone would not set them; of a logarithmic axis, both or none. */
  readonly low?: number;
  readonly high?: number;
  /** Powers of ten at equal distances. */
  readonly logarithmic?: boolean;
  /** Powers of two of x at equal distances. */
  readonly doubling?: boolean;
}

type AnyPoint = Readonly<Record<string, number>>;

export function LineChart(props: LineChartProps) {
  const { title, hint, points, lines, x = "step", xLabel = text("step") } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  /** Those that the plot was made with: it takes numbers for no others. */
  const plotted = useRef(lines);
  const latest = useRef(props);
  latest.current = props;
  const all = () => points.value as readonly AnyPoint[];
  const isEmpty = all().length === 0;

  const data = (): uPlot.AlignedData => {
    const known = points.peek() as readonly AnyPoint[];
    return [
      known.map((point) => point[x]!),
      ...plotted.current.map(({ key }) => known.map((point) => point[key] ?? null)),
    ];
  };
  // Made anew when the words, the colours or the limits change.
  const look = [
    language.value,
    isDark.value,
    props.low,
    props.high,
    ...lines.map(({ label, key }) => `${key} ${label}`),
  ].join();
  useEffect(() => {
    const target = frame.current!;
    const observer = new ResizeObserver(() => {
      const [{ clientWidth: width }, made] = [target, plot.current];
      if (made && width > 0 && width !== made.width) made.setSize({ width, height: heightOf(width) });
    });
    let isGone = false;
    library ??= load();
    library.then((Plot) => {
      if (isGone) return;
      plotted.current = latest.current.lines;
      plot.current = new Plot(optionsOf(latest.current, target), data(), target);
      showLast(plot.current);
      observer.observe(target);
    });
    return () => {
      isGone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawn = 0;
    const stop = effect(() => {
      void points.value;
      timer ??= setTimeout(
        () => {
          timer = undefined;
          drawn = performance.now();
          const made = plot.current;
          if (!made) return;
          made.setData(data());
          showLast(made);
        },
        Math.max(0, drawn + DRAW_EVERY - performance.now()),
      );
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [points]);

  const last = all().findLast((point) => point[lines[0]!.key] !== undefined);
  const label = last
    ? text("label", { name: title, x: `${xLabel} ${number(last[x]!)}`, last: written(last[lines[0]!.key]!, props) })
    : text("empty", { name: title });
  const table = () => ({
    head: [xLabel, ...lines.map(({ label }) => label)],
    // A reader of tables is served by a hundred rows better than by a thousand.
    rows: spread(all(), 100).map((point) => [
      number(point[x]!),
      ...lines.map(({ key }) => (point[key] === undefined ? "–" : written(point[key], props))),
    ]),
  });
  return (
    <Figure title={title} {...(hint !== undefined && { hint })} table={table}>
      <div class={isEmpty ? "chart waiting" : "chart"}>
        <div ref={frame} role="img" aria-label={label} />
        {isEmpty && <p class="empty">{text("soon")}</p>}
      </div>
    </Figure>
  );
}

/** So many of a list, spread evenly, the last one always among them. */
function spread<T>(list: readonly T[], count: number): readonly T[] {
  const every = Math.ceil(list.length / count);
  return list.filter((_, i) => (list.length - 1 - i) % every === 0);
}

/** The legend has the last values while nobody points at others. */
function showLast(plot: uPlot): void {
  const { left } = plot.cursor;
  if ((left === undefined || left < 0) && plot.data[0].length > 0) plot.setLegend({ idx: plot.data[0].length - 1 });
}

/** The lines of a logarithmic axis: nine in each power of ten would be a grey area where there are many. */
const powersOfTen = (_: uPlot, splits: readonly (number | null)[]) =>
  splits.map((v) => (v !== null && Number.isInteger(Math.round(Math.log10(v) * 1e6) / 1e6) ? v : null));

/** Whether a value is better said by its power of ten. */
const isFar = (value: number, { logarithmic }: LineChartProps): boolean =>
  logarithmic === true && (Math.abs(value) < 0.01 || Math.abs(value) >= 1000);

function written(value: number, props: LineChartProps): string {
  if (!isFar(value, props)) return number(value, props.digits ?? 2);
  const format = { notation: "scientific", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(language.value, format).format(value);
}

const heightOf = (width: number) => Math.round(Math.max(150, Math.min(230, width * 0.5)));

function optionsOf(props: LineChartProps, target: HTMLElement): uPlot.Options {
  const { lines, xLabel = text("step"), low, high, logarithmic = false, doubling = false } = props;
  const width = target.clientWidth || 300;
  const axis = {
    stroke: color("soft"),
    grid: { stroke: color("line"), width: 1 },
    ticks: { stroke: color("line"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
  };
  const short = new Intl.NumberFormat(language.value, { maximumSignificantDigits: 4 });
  /** At a place that has none, the last one before it. */
  const value = (plot: uPlot, found: number | null, series: number, at: number | null) => {
    let place = at ?? -1;
    while (found === null && place >= 0) found = plot.data[series]![place--] ?? null;
    return found === null || found === undefined ? "–" : written(found, props);
  };
  const range = (_: uPlot, least: number, largest: number): [number, number] => {
    const [from, to] = [low ?? Math.min(0, least), high ?? (largest > 0 ? largest * 1.05 : 1)];
    return Number.isFinite(from) && Number.isFinite(to) && from < to ? [from, to] : [0, 1];
  };
  return {
    width,
    height: heightOf(width),
    scales: {
      x: { time: false, ...(doubling && { distr: 3 as const, log: 2 as const }) },
      y: logarithmic ? { distr: 3, ...(low && high && { range: [low, high] }) } : { range },
    },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    legend: { live: true },
    hooks: { setCursor: [showLast] },
    axes: [
      { ...axis, size: 28, values: (_, splits) => splits.map((v) => (Number.isInteger(v) ? number(v) : "")) },
      {
        ...axis,
        size: 48,
        ...(logarithmic && {
          grid: { ...axis.grid, filter: powersOfTen },
          ticks: { ...axis.ticks, filter: powersOfTen },
        }),
        values: (_, splits) =>
          splits.map((v) => (v === null ? "" : isFar(v, props) ? written(v, props) : short.format(v))),
      },
    ],
    series: [
      { label: xLabel, value: (_, found) => (found === null ? "–" : number(found)) },
      ...lines.map(({ label, color: name = "accent", width: thick = 1.6, dash, dots }) => ({
        label,
        stroke: color(name),
        width: thick,
        value,
        spanGaps: true,
        ...(dash && { dash: [...dash] }),
        points: dots ? { show: true, size: 6, fill: color(name) } : { show: false },
      })),
    ],
    bands: lines.flatMap(({ key, bandTo, color: name = "accent" }) => {
      const place = (wanted: string) => 1 + lines.findIndex((line) => line.key === wanted);
      return bandTo === undefined
        ? []
        : [{ series: [place(key), place(bandTo)] as [number, number], fill: translucent(name, 0.15) }];
    }),
  };
}
