/** How much each unit that was written looked at each that was read: as lines from one to the other, and as a matrix. */
import { type Signal, useSignal } from "@preact/signals";
import { HeatMap } from "../../shell/heat-map.tsx";
import { words } from "../../shell/language.ts";

const text = words({
  title: ["Attention", "어텐션"],
  hint: [
    "A row is a unit that was written, a column one that was read. A row adds up to 1; its lines stand out in the picture.",
    "행은 쓴 단위, 열은 읽은 단위입니다. 한 행의 합은 1이고, 고른 행의 선이 그림에서 두드러집니다.",
  ],
  lines: [
    "Attention as lines from each written unit to what it looked at. Written: {written}",
    "쓴 단위마다 본 곳으로 이은 어텐션 선. 쓴 글: {written}",
  ],
});

/** A space is shown as a mark that can be seen. */
export const visible = (unit: string): string => (unit.trim() === "" ? "␣" : unit);

const WIDTH = 320;
/** Where lines begin and end. */
const [LEFT, RIGHT] = [128, 192];
/** Lines of less are too faint to be told apart. */
const LEAST = 0.03;

export interface AttentionProps {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** By target, then by source. */
  readonly weights: readonly (readonly number[])[];
  readonly lang: { readonly source: string; readonly target: string };
}

export function Attention(props: AttentionProps) {
  const place = useSignal<number | undefined>(undefined);
  return (
    <div class="translate-attention">
      <Lines {...props} place={place} />
      <HeatMap
        title={text("title")}
        hint={text("hint")}
        values={props.weights}
        rows={props.target.map(visible)}
        columns={props.source.map(visible)}
        scale="sequential"
        rowHeight={22}
        onPlace={({ row }) => {
          place.value = row;
        }}
      />
    </div>
  );
}

/** @param place the target unit whose lines stand out */
function Lines({
  source,
  target,
  weights,
  place,
  lang,
}: AttentionProps & { readonly place: Signal<number | undefined> }) {
  const most = Math.max(source.length, target.length);
  const rowHeight = most > 16 ? 17 : 26;
  const height = most * rowHeight;
  const y = (i: number, count: number) => ((i + 0.5) * height) / count;
  const here = place.value;
  return (
    <svg
      class="translate-lines"
      viewBox={`0 0 ${WIDTH} ${height}`}
      style={{ maxWidth: `${WIDTH * 1.4}px` }}
      role="img"
      aria-label={text("lines", { written: target.map(visible).join(" ") })}
      onPointerLeave={() => {
        place.value = undefined;
      }}
    >
      {weights.map((row, t) =>
        row.map(
          (weight, s) =>
            weight >= LEAST && (
              <line
                key={`${t} ${s}`}
                class={here === t ? "here" : undefined}
                x1={LEFT}
                y1={y(s, source.length)}
                x2={RIGHT}
                y2={y(t, target.length)}
                stroke-width={0.5 + 3.5 * weight}
                opacity={(here === undefined || here === t ? 1 : 0.25) * (0.15 + 0.85 * weight)}
              />
            ),
        ),
      )}
      <g text-anchor="end" lang={lang.source}>
        {source.map((unit, s) => (
          <text key={s} x={LEFT - 6} y={y(s, source.length)} dy="0.35em">
            {visible(unit)}
          </text>
        ))}
      </g>
      <g lang={lang.target}>
        {target.map((unit, t) => (
          <text
            key={t}
            class={here === t ? "here" : undefined}
            x={RIGHT + 6}
            y={y(t, target.length)}
            dy="0.35em"
            onPointerEnter={() => {
              place.value = t;
            }}
          >
            {visible(unit)}
          </text>
        ))}
      </g>
    </svg>
  );
}
