import "./miniature.css";

const heightOf = (x: number) => 64 - 0.08 * x - 20 * Math.sin(x / 12) - 8 * Math.sin(x / 5);
const line = (from: number, to: number, shift = (_: number) => 0) =>
  Array.from({ length: (to - from) / 4 + 1 }, (_, i) => from + 4 * i).map((x) => `${x},${heightOf(x) + shift(x)}`);

const NOW = 144;

/** A curve that goes on, in an interval that widens. */
export default function Miniature() {
  const width = (x: number) => 3 + (x - NOW) / 8;
  const band = [...line(NOW, 228, (x) => -width(x)), ...line(NOW, 228, width).reverse()];
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <line class="forecast-mini-now" x1={NOW} y1="10" x2={NOW} y2="110" />
      <polygon class="forecast-mini-band" points={band.join(" ")} />
      <polyline class="forecast-mini-past" points={line(12, NOW).join(" ")} />
      <polyline class="forecast-mini-next" points={line(NOW, 228).join(" ")} />
    </svg>
  );
}
