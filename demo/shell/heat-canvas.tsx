/** Numbers as colours: a pixel for each, enlarged by the browser. What is behind it is told by what stands around it. */
import { useEffect, useRef } from "preact/hooks";
import { diverging, isDark, type Rgb, rgb } from "./theme.ts";

export interface HeatCanvasProps {
  /** By row and column, equally many in every row. */
  readonly values: readonly (readonly number[])[];
  /** `diverging` from -limit over 0 to limit, `sequential` from 0 to limit. */
  readonly scale?: "diverging" | "sequential";
  /** Default 1. */
  readonly limit?: number;
  /** CSS pixels. */
  readonly height: number;
}

export function HeatCanvas({ values, scale = "diverging", limit = 1, height }: HeatCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = isDark.value;
  useEffect(() => {
    const target = canvas.current!;
    target.width = Math.max(1, values[0]?.length ?? 0);
    target.height = Math.max(1, values.length);
    const context = target.getContext("2d")!;
    const image = context.createImageData(target.width, target.height);
    const colorOf = scale === "diverging" ? diverging() : sequential();
    values.forEach((row, r) => {
      row.forEach((value, c) => {
        image.data.set([...colorOf(value / limit), 255], (r * target.width + c) * 4);
      });
    });
    context.putImageData(image, 0, 0);
  }, [values, scale, limit, dark]);
  return <canvas ref={canvas} class="heat-canvas" style={{ height: `${height}px` }} />;
}

/** From the card's colour at 0 to the accent at 1. */
function sequential(): (value: number) => Rgb {
  const [zero, one] = [rgb("map-zero"), rgb("accent")];
  return (value) => {
    const share = Math.max(0, Math.min(1, value));
    return [0, 1, 2].map((i) => zero[i]! + (one[i]! - zero[i]!) * share) as unknown as Rgb;
  };
}
