import "./miniature.css";

/** One gradient that dies away, one that keeps its length, one that explodes. */
export default function Miniature() {
  const bars = Array.from({ length: 10 }, (_, i) => i);
  const rows = [
    ["vanishing", (i: number) => 0.62 ** i],
    ["kept", () => 0.55],
    ["exploding", (i: number) => 0.06 * 1.38 ** i],
  ] as const;
  return (
    <svg class="vanishing-miniature" viewBox="0 0 240 120" aria-hidden="true">
      {rows.map(([name, size], r) => (
        <g key={name} class={name}>
          {bars.map((i) => {
            const height = Math.max(1.5, 34 * Math.min(1, size(i)));
            const style = { animationDelay: `${i * 0.12}s` };
            return (
              <rect
                key={i}
                x={212 - i * 22}
                y={(r + 1) * 39 - height}
                width="14"
                height={height}
                rx="2"
                style={style}
              />
            );
          })}
        </g>
      ))}
    </svg>
  );
}
