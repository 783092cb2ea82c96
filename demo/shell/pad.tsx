/** A field on which a reader moves a pen: by pointer, or by keys. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { words } from "./language.ts";

const text = words({
  label: [
    "{name}. Arrow keys move the pen, with Shift in larger steps; Space lowers and lifts it.",
    "{name}. 화살표 키로 펜을 옮기고, Shift를 함께 누르면 더 크게 옮깁니다. 스페이스로 펜을 내리고 듭니다.",
  ],
});

export interface Pen {
  /** Shares of the field's width and height, from its left and its top. */
  readonly x: number;
  readonly y: number;
  /** Pressed, or lowered by Space. */
  readonly isDown: boolean;
}

export interface PadProps {
  readonly name: string;
  /** Height by width; default 1, a square. */
  readonly shape?: number;
  readonly onPen: (pen: Pen) => void;
  /** SVG in a field of 100 by 100 * shape. */
  readonly children?: ComponentChildren;
}

const KEY_STEP = 0.02;
const LARGE_KEY_STEP = 0.08;
const moves: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const inside = (share: number) => Math.max(0, Math.min(1, share));

export function Pad({ name, shape = 1, onPen, children }: PadProps) {
  const field = useRef<HTMLDivElement>(null);
  // Drawn only while keys move it: a pointer has a picture of its own.
  const byKeys = useSignal<Pen | undefined>(undefined);

  const onPointer = (event: PointerEvent) => {
    const { left, top, width, height } = field.current!.getBoundingClientRect();
    byKeys.value = undefined;
    const isDown = event.type !== "pointerup" && event.type !== "pointercancel" && event.buttons > 0;
    if (event.type === "pointerdown") field.current!.setPointerCapture(event.pointerId);
    // A fast hand makes several points between two events.
    const passed = event.type === "pointermove" ? (event.getCoalescedEvents?.() ?? []) : [];
    for (const { clientX, clientY } of passed.length > 0 ? passed : [event])
      onPen({ x: inside((clientX - left) / width), y: inside((clientY - top) / height), isDown });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const before = byKeys.value ?? { x: 0.5, y: 0.5, isDown: false };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
    byKeys.value = move
      ? { ...before, x: inside(before.x + move[0] * step), y: inside(before.y + move[1] * step * (1 / shape)) }
      : { ...before, isDown: !before.isDown };
    onPen(byKeys.value);
  };
  const pen = byKeys.value;
  return (
    <div
      ref={field}
      class="pad"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move a pen over it
      tabIndex={0}
      aria-label={text("label", { name })}
      onPointerDown={onPointer}
      onPointerMove={onPointer}
      onPointerUp={onPointer}
      onPointerCancel={onPointer}
      onKeyDown={onKeyDown}
    >
      <svg viewBox={`0 0 100 ${100 * shape}`} aria-hidden="true">
        {children}
        {pen && <circle class={pen.isDown ? "pen down" : "pen"} cx={pen.x * 100} cy={pen.y * 100 * shape} r={1.5} />}
      </svg>
    </div>
  );
}
