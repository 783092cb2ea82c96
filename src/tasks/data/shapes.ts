import { checkCount } from "../../index.ts";
import { checkLanguage, type DataOptions, type Draw, makeRows, type TextDataOptions } from "./draw.ts";

export interface CaptionedShape {
  /** size*size grey values in [0, 1], row by row from the top; 0 is the background. */
  readonly image: number[];
  /** Rows and columns of the image. */
  readonly size: number;
  readonly caption: string;
}

/**
 * Is a point in the shape? x to the right and y down, in units of the radius from the centre of mass. By sums and
 * products alone, so that every machine draws the same.
 */
type Inside = (x: number, y: number) => boolean;
const shapes: Readonly<Record<"circle" | "square" | "triangle" | "cross" | "line", Inside>> = {
  circle: (x, y) => x * x + y * y <= 1,
  square: (x, y) => Math.abs(x) <= 0.85 && Math.abs(y) <= 0.85,
  triangle: (x, y) => y <= 0.5 && Math.abs(x) <= (y + 1) * 0.577,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) <= 0.25 && Math.max(Math.abs(x), Math.abs(y)) <= 1,
  line: (x, y) => Math.abs(x) <= 1 && Math.abs(y) <= 0.25,
};
type Shape = keyof typeof shapes;
const shapeNames = Object.keys(shapes) as Shape[];

/** The shape on a background of 0; a pixel's grey is the share of 4*4 points in it that the shape covers. */
function render(shape: Shape, size: number, centreX: number, centreY: number, radius: number): number[] {
  const points = Array.from({ length: 16 }, (_, i) => [((i % 4) + 0.5) / 4, (Math.floor(i / 4) + 0.5) / 4] as const);
  return Array.from({ length: size * size }, (_, pixel) => {
    const [left, top] = [pixel % size, Math.floor(pixel / size)];
    const covered = points.filter(([x, y]) =>
      shapes[shape]((left + x - centreX) / radius, (top + y - centreY) / radius),
    );
    return covered.length / points.length;
  });
}

const koreanShapes = { circle: "원", square: "사각형", triangle: "삼각형", cross: "십자", line: "선" };
/** By row, then by column. */
const places = {
  en: [
    ["at the top left", "at the top", "at the top right"],
    ["on the left", "in the middle", "on the right"],
    ["at the bottom left", "at the bottom", "at the bottom right"],
  ],
  ko: [
    ["왼쪽 위에", "위에", "오른쪽 위에"],
    ["왼쪽에", "가운데에", "오른쪽에"],
    ["왼쪽 아래에", "아래에", "오른쪽 아래에"],
  ],
};

const LEAST_SIZE = 8;
const MOST_SIZE = 256;

export interface ShapeOptions extends TextDataOptions {
  /** Rows and columns of the image, 8 to 256, default 16. */
  readonly size?: number;
}

/**
 * Images of one shape (circle, square, triangle, cross, line), small or large, at one of nine places, with a caption:
 * "a small circle at the top left", "왼쪽 위에 있는 작은 원".
 *
 * @throws OptionError for an unknown option or language, or a count, seed or size out of range
 */
export function captionedShapes(options: ShapeOptions): CaptionedShape[] {
  const language = checkLanguage("captionedShapes", options?.language ?? "en");
  const size = checkCount("captionedShapes", "size", options?.size ?? 16, LEAST_SIZE, MOST_SIZE);
  return makeRows("captionedShapes", options, ["language", "size"], (draw) => {
    const shape = draw.pick(shapeNames);
    const isLarge = draw.chance(0.5);
    const [row, column] = [draw.below(3), draw.below(3)];
    // A quarter, a half or three quarters of the image, and a little off.
    const centre = (third: number) => size * ((third + 1) / 4 + (draw.below(7) - 3) / 100);
    const image = render(shape, size, centre(column), centre(row), size * (isLarge ? 0.21 : 0.12));
    const place = places[language][row]![column]!;
    const caption =
      language === "en"
        ? `a ${isLarge ? "large" : "small"} ${shape} ${place}`
        : `${place} 있는 ${isLarge ? "큰" : "작은"} ${koreanShapes[shape]}`;
    return { image, size, caption };
  });
}

/** How x, y and the radius change from a frame to the next, in pixels. */
const motions = {
  still: [0, 0, 0],
  left: [-1, 0, 0],
  right: [1, 0, 0],
  up: [0, -1, 0],
  down: [0, 1, 0],
  growing: [0, 0, 0.5],
  shrinking: [0, 0, -0.5],
} as const;
export type Motion = keyof typeof motions;
export const motionLabels = Object.keys(motions) as readonly Motion[];

export interface MovingShape {
  /** One image for each frame: size*size grey values in [0, 1], row by row from the top. */
  readonly frames: number[][];
  /** What the shape did from the frame before to this one; the first is `still`. */
  readonly labels: Motion[];
  /** Rows and columns of a frame. */
  readonly size: number;
}

export interface MovingShapeOptions extends DataOptions {
  /** Rows and columns of a frame, 8 to 256, default 16. */
  readonly size?: number;
  /** Frames of a sequence, default 16. */
  readonly length?: number;
}

function moveShape(draw: Draw, size: number, length: number): MovingShape {
  const shape = draw.pick(shapeNames);
  let [x, y, radius] = [size / 2, size / 2, size / 5];
  const fits = (motion: Motion) => {
    const [dx, dy, dr] = motions[motion];
    const r = radius + dr;
    const inside = (centre: number) => centre - r >= 0 && centre + r <= size;
    return inside(x + dx) && inside(y + dy) && r >= size / 8 && r <= size / 3;
  };
  const frames = [render(shape, size, x, y, radius)];
  const labels: Motion[] = ["still"];
  while (frames.length < length) {
    const last = labels.at(-1)!;
    // A motion goes on for a few frames, and ends where the shape would leave the image.
    const motion = draw.chance(0.7) && fits(last) ? last : draw.pick(motionLabels.filter(fits));
    const [dx, dy, dr] = motions[motion];
    [x, y, radius] = [x + dx, y + dy, radius + dr];
    frames.push(render(shape, size, x, y, radius));
    labels.push(motion);
  }
  return { frames, labels, size };
}

/**
 * Sequences of images in which one shape moves by a pixel for each frame, grows or shrinks by half a pixel, or stays,
 * with what it does as the label of each frame. One frame alone does not tell: a model needs the one before.
 *
 * @throws OptionError for an unknown option, or a count, seed, size or length out of range
 */
export function movingShapes(options: MovingShapeOptions): MovingShape[] {
  const size = checkCount("movingShapes", "size", options?.size ?? 16, LEAST_SIZE, MOST_SIZE);
  const length = checkCount("movingShapes", "length", options?.length ?? 16);
  return makeRows("movingShapes", options, ["size", "length"], (draw) => moveShape(draw, size, length));
}
