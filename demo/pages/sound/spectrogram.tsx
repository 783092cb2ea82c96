/** A sound as a picture, time to the right and frequencies upwards, with a button that plays it. */
import { useEffect, useRef } from "preact/hooks";
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { isDark, type Rgb, rgb } from "../../shell/theme.ts";
import { heightOf, LOUDEST, LOWEST, PER_SECOND, ROWS } from "./columns.ts";
import { RATE } from "./made-up.ts";
import { play, playing, stop } from "./player.ts";
import { level } from "./samples.ts";

const text = words({
  play: ["Play", "재생"],
  stop: ["Stop", "정지"],
  playName: ["Play: {name}", "재생: {name}"],
  label: [
    "{name}: spectrogram of {seconds} seconds, level {level}",
    "{name}: {seconds}초의 스펙트로그램, 세기 {level}",
  ],
  decibels: ["{value} dB", "{value} dB"],
  kilohertz: ["{value} kHz", "{value} kHz"],
  time: ["Seconds", "초"],
  level: ["Level, dB", "세기(dB)"],
});

export const decibels = (value: number): string => text("decibels", { value: number(value, 1) });

/** Hz that are marked, and seconds from one row of the table to the next. */
const MARKS = [500, 1000, 2000, 4000];
const EVERY = 0.25;

/** 256 colours: from nothing over the accent to the warm one. */
function colors(): readonly Rgb[] {
  const [none, middle, most] = [rgb("map-zero"), rgb("accent"), rgb("warm")];
  return Array.from({ length: 256 }, (_, i) => {
    const share = i / 255;
    const [from, to, part] = share < 0.6 ? [none, middle, share / 0.6] : [middle, most, (share - 0.6) / 0.4];
    return from.map((x, c) => x + (to[c]! - x) * part) as unknown as Rgb;
  });
}

export interface SpectrogramProps {
  readonly title: string;
  /** Unlike that of any other on the page. */
  readonly name: string;
  readonly samples: Float32Array<ArrayBuffer>;
  /** ROWS levels for each frame. */
  readonly columns: Uint8Array;
  /** How much there is room for; default as much as there is. */
  readonly seconds?: number;
}

export function Spectrogram({ title, name, samples, columns, seconds = samples.length / RATE }: SpectrogramProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = isDark.value;
  const width = Math.max(1, Math.round(seconds * PER_SECOND));
  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = context.createImageData(width, ROWS);
    const palette = colors();
    for (let t = 0; t < width; t++)
      for (let row = 0; row < ROWS; row++) {
        const [red, green, blue] = palette[columns[t * ROWS + row] ?? 0]!;
        const at = ((ROWS - 1 - row) * width + t) * 4;
        image.data[at] = red;
        image.data[at + 1] = green;
        image.data[at + 2] = blue;
        image.data[at + 3] = 255;
      }
    context.putImageData(image, 0, 0);
  }, [columns, width, dark]);
  const now = playing.value;
  const isPlaying = now?.name === name;
  const table = () => ({
    head: [text("time"), text("level")],
    rows: Array.from({ length: Math.ceil(samples.length / RATE / EVERY) }, (_, i) => {
      const piece = samples.subarray(i * EVERY * RATE, (i + 1) * EVERY * RATE);
      return [number(i * EVERY, 2), number(level(piece), 1)];
    }),
  });
  return (
    <Figure title={title} table={table}>
      <div class="sound-picture" data-sound={name}>
        <canvas
          ref={canvas}
          width={width}
          height={ROWS}
          role="img"
          aria-label={text("label", {
            name: title,
            seconds: number(samples.length / RATE, 1),
            level: decibels(level(samples)),
          })}
        />
        {MARKS.map((hertz) => (
          <i key={hertz} class="sound-mark" style={{ bottom: `${heightOf(hertz) * 100}%` }} aria-hidden="true">
            <span>{text("kilohertz", { value: number(hertz / 1000, hertz < 1000 ? 1 : 0) })}</span>
          </i>
        ))}
        {isPlaying && (
          <b class="sound-now" style={{ left: `${((now.share * samples.length) / RATE / seconds) * 100}%` }} />
        )}
      </div>
      <div class="row between">
        <button
          type="button"
          class="sound-play"
          aria-label={isPlaying ? text("stop") : text("playName", { name: title })}
          disabled={samples.length === 0}
          onClick={() => (isPlaying ? stop() : play(name, samples))}
        >
          {isPlaying ? `■ ${text("stop")}` : `▶ ${text("play")}`}
        </button>
        <p class="heat-scale" aria-hidden="true">
          {number(LOWEST)}
          <span class="heat-colours sound-colours" />
          {text("decibels", { value: LOUDEST })}
        </p>
      </div>
    </Figure>
  );
}
