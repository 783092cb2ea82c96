/** Gates and states over a sentence, one strip each, aligned by the words; those with a sigmoid can be held. */

import { Figure } from "../../shell/figure.tsx";
import { HeatCanvas } from "../../shell/heat-canvas.tsx";
import { inLanguage, number, words } from "../../shell/language.ts";
import type { Part } from "./cells.ts";
import type { Held } from "./program.ts";

const text = words({
  title: ["Gates and states, word by word", "단어마다 본 게이트와 상태"],
  hint: [
    "A column is a word, a row of a strip a unit. Gates: the stronger the colour, the more open. The others: blue below 0, orange above it.",
    "열은 단어, 띠 안의 행은 유닛입니다. 게이트는 진할수록 열린 것이고, 나머지는 파랑이 음수, 주황이 양수입니다.",
  ],
  strip: [
    "{name}, {title}: mean {mean} at the person, {last} at the end",
    "{name}, {title}: 사람 자리 평균 {mean}, 끝 평균 {last}",
  ],
  hold: ["Hold {name}", "{name} 고정"],
  free: ["free", "자유"],
  value: ["Value", "값"],
  unit: ["{name}, unit {unit}", "{name}, 유닛 {unit}"],
  word: ["{t}. {word}", "{t}. {word}"],
});

export interface Place {
  readonly step: number;
  readonly unit: number;
}

export interface StripsProps {
  readonly parts: readonly Part[];
  readonly words: readonly string[];
  readonly lang: string;
  /** By unit and step. */
  readonly values: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly held: Held;
  readonly pointed: string;
  readonly at: Place;
  readonly onHold: (gate: string, value: 0 | 1 | undefined) => void;
  readonly onPoint: (gate: string) => void;
  readonly onPlace: (place: Place) => void;
}

const mean = (rows: readonly (readonly number[])[], t: number) =>
  rows.reduce((sum, row) => sum + row.at(t)!, 0) / rows.length;

export function Strips(props: StripsProps) {
  const { parts, values, held, pointed, at, lang, onHold, onPoint, onPlace } = props;
  const units = values[parts[0]!.name]!.length;
  const steps = props.words.length;
  const table = () => ({
    head: [text("value"), ...props.words.map((word, t) => text("word", { t: t + 1, word }))],
    rows: parts.flatMap(({ name }) =>
      values[name]!.map((row, unit) => [text("unit", { name, unit: unit + 1 }), ...row.map((one) => number(one, 2))]),
    ),
  });
  const onPointer = (name: string) => (event: PointerEvent) => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const within = (share: number, count: number) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
    onPoint(name);
    onPlace({
      step: within((event.clientX - left) / width, steps),
      unit: within((event.clientY - top) / height, units),
    });
  };
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      <div class="gates-strips">
        <span />
        <ol class="gates-words" aria-hidden="true" lang={lang}>
          {props.words.map((word, t) => (
            <li key={t} class={t === at.step ? "here" : undefined}>
              <span>{word}</span>
            </li>
          ))}
        </ol>
        {parts.map(({ name, title, isGate }) => (
          <div key={name} class="gates-row">
            <div class="gates-part">
              <button
                type="button"
                class={name === pointed ? "gates-name pointed" : "gates-name"}
                data-gate={name}
                onPointerEnter={() => onPoint(name)}
                onFocus={() => onPoint(name)}
                onClick={() => onPoint(name)}
              >
                <b>{name}</b> {inLanguage(title)}
              </button>
              {isGate && (
                <fieldset class="gates-hold" aria-label={text("hold", { name })}>
                  {([undefined, 0, 1] as const).map((value) => (
                    <button
                      key={String(value)}
                      type="button"
                      aria-pressed={held[name] === value}
                      data-hold={`${name}${value ?? ""}`}
                      onClick={() => {
                        onPoint(name);
                        onHold(name, value);
                      }}
                    >
                      {value ?? text("free")}
                    </button>
                  ))}
                </fieldset>
              )}
            </div>
            <div
              class={name === pointed ? "gates-strip pointed" : "gates-strip"}
              role="img"
              aria-label={text("strip", {
                name,
                title: inLanguage(title),
                mean: number(mean(values[name]!, 1), 2),
                last: number(mean(values[name]!, -1), 2),
              })}
              onPointerMove={onPointer(name)}
              onPointerDown={onPointer(name)}
            >
              <HeatCanvas
                values={values[name]!}
                scale={isGate ? "sequential" : "diverging"}
                limit={name === "c" ? Math.max(1, ...values.c!.flat().map(Math.abs)) : 1}
                height={56}
              />
              <i
                class="gates-here"
                style={{
                  left: `${(at.step / steps) * 100}%`,
                  top: `${(at.unit / units) * 100}%`,
                  width: `${100 / steps}%`,
                  height: `${100 / units}%`,
                }}
              />
            </div>
          </div>
        ))}
      </div>
    </Figure>
  );
}
