/** Lines as equally long moves, however fast they were drawn. */
export type Point = readonly [x: number, y: number];

/** Moves of a stroke. */
const MOVES = 24;

/** Equally long moves along a line. */
export function movesOf(line: readonly Point[]): number[][] {
  const lengths = line.slice(1).map(([x, y], i) => Math.hypot(x - line[i]![0], y - line[i]![1]));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const pointAt = (way: number): Point => {
    let [i, rest] = [0, way];
    while (i < lengths.length - 1 && rest > lengths[i]!) rest -= lengths[i++]!;
    const share = lengths[i]! > 0 ? Math.min(1, rest / lengths[i]!) : 0;
    const [[x, y], [a, b]] = [line[i]!, line[i + 1]!];
    return [x + (a - x) * share, y + (b - y) * share];
  };
  const points = Array.from({ length: MOVES + 1 }, (_, t) => pointAt((total * t) / MOVES));
  return points.slice(1).map(([x, y], t) => [x - points[t]![0], y - points[t]![1]]);
}
