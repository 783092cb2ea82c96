/** Where labels of points stand, so that they lie neither on one another nor on a point. */

export interface Label {
  /** Of the point, and the size of the label, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels between a point and its label. */
const GAP = 7;
const RADIUS = 4;

const overlap = (a: Label, b: Label) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/**
 * The top left corner of each label: beside its point, or as few lines above or below that as there is room within `width` and
 * `height`, on the right or the left.
 */
export function placeLabels(labels: readonly Label[], width: number, height: number): { x: number; y: number }[] {
  // What is taken: the points, and then the labels.
  const taken: Label[] = labels.map(({ x, y }) => ({
    x: x - RADIUS,
    y: y - RADIUS,
    width: 2 * RADIUS,
    height: 2 * RADIUS,
  }));
  const placed: Label[] = [];
  for (const label of labels) {
    let best: Label | undefined;
    for (let line = 0; best === undefined && line < 40; line++) {
      const far = Math.ceil(line / 2) * (label.height + 1) * (line % 2 === 0 ? 1 : -1);
      const y = label.y - label.height / 2 + far;
      for (const x of [label.x + GAP, label.x - GAP - label.width]) {
        const wish = { ...label, x, y };
        const fits = x >= 0 && x + label.width <= width && y >= 0 && y + label.height <= height;
        if (fits && !taken.some((other) => overlap(wish, other))) best ??= wish;
      }
    }
    best ??= { ...label, x: Math.min(label.x + GAP, width - label.width), y: label.y - label.height / 2 };
    placed.push(best);
    taken.push(best);
  }
  return placed;
}
