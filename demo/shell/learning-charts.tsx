/** The charts of a task's training, as `follow` reports it. */
import type { ReadonlySignal } from "@preact/signals";
import { words } from "./language.ts";
import { LineChart } from "./line-chart.tsx";
import type { Point } from "./messages.ts";

const text = words({
  loss: ["Loss", "손실"],
  trained: ["trained on", "학습 데이터"],
  heldOut: ["kept apart", "떼어 둔 데이터"],
  accuracy: ["accuracy", "정확도"],
});

interface Learning {
  readonly training: { readonly points: ReadonlySignal<readonly Point[]> };
}

/** @param props.heldOut whether rows are kept apart; default true */
export function LossChart({ training, heldOut = true }: Learning & { readonly heldOut?: boolean }) {
  return (
    <LineChart
      title={text("loss")}
      points={training.points}
      lines={[
        { key: "loss", label: text("trained"), color: "accent-faint" },
        ...(heldOut ? [{ key: "heldOut", label: text("heldOut"), color: "warm", dots: true }] : []),
      ]}
    />
  );
}

/** @param props.label what is counted as right; default accuracy */
export function AccuracyChart({
  training,
  title,
  label = text("accuracy"),
}: Learning & { readonly title: string; readonly label?: string }) {
  return (
    <LineChart
      title={title}
      points={training.points}
      lines={[{ key: "accuracy", label, color: "warm", dots: true }]}
      low={0}
      high={1}
    />
  );
}
