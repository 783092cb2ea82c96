/** How long a frame took, beside how long it lasts. */
import { number, words } from "../../shell/language.ts";

const text = words({
  time: ["Time for a frame of 8 ms", "8 ms 프레임을 계산한 시간"],
  factor: ["Real-time factor", "실시간 계수"],
  milliseconds: ["{time} ms", "{time} ms"],
});

const FRAME = 8;

export function FrameTime({ milliseconds }: { readonly milliseconds?: number }) {
  const isKnown = milliseconds !== undefined && Number.isFinite(milliseconds);
  return (
    <>
      <div>
        <dt>{text("time")}</dt>
        <dd class="sound-time">{isKnown ? text("milliseconds", { time: number(milliseconds, 2) }) : "–"}</dd>
      </div>
      <div>
        <dt>{text("factor")}</dt>
        <dd class="sound-factor">{isKnown ? number(milliseconds / FRAME, 2) : "–"}</dd>
      </div>
    </>
  );
}
