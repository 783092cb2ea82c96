import { useSignal } from "@preact/signals";
import { show } from "../../shell/gallery.tsx";
import { language, words } from "../../shell/language.ts";
import { AccuracyChart, LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { Caption, Samples } from "./caption.tsx";
import { Drawing } from "./drawing.tsx";
import program from "./program.ts?raw";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  picture: ["The picture", "그림"],
  tool: ["Tool", "도구"],
  pen: ["Pen", "펜"],
  eraser: ["Eraser", "지우개"],
  clear: ["Clear", "모두 지우기"],
  another: ["A made-up picture", "지어낸 그림"],
  accuracy: ["Accuracy on pictures kept apart", "떼어 둔 그림의 정확도"],
  right: ["right words, after the right ones before", "앞이 맞을 때 다음 단어를 맞힌 비율"],
});

const explanation = [
  "One to many: the input is a single vector, here the 256 cells of a picture, and the output is a sequence. A layer turns the picture into a smaller vector. The decoder reads it again at each step, together with the word it wrote before, and gives a probability to every word. Its hidden state remembers what it has already said.\nIt has learned from made-up pictures of one filled shape: circle, square, triangle, cross or line, small or large, at nine places. Draw something between two of them and see which word it doubts. Where it doubts, the sampled captions differ.",
  "일대다: 입력은 벡터 하나, 곧 그림의 칸 256개이고 출력은 시퀀스입니다. 그림은 먼저 한 층을 지나 더 작은 벡터가 됩니다. 디코더는 단계마다 이 벡터와 바로 앞에 쓴 단어를 읽고 모든 단어의 확률을 냅니다. 지금까지 무엇을 썼는지는 은닉 상태가 기억합니다.\n학습에는 지어낸 그림을 썼습니다. 속을 채운 원, 사각형, 삼각형, 십자, 선이 크거나 작게, 아홉 자리 중 한 곳에 있습니다. 두 가지의 중간쯤 되는 것을 그려 보고 어느 단어를 망설이는지 보세요. 망설이는 단어가 있으면 뽑은 설명도 서로 달라집니다.",
] as const;

const CELLS = 256;
/** What is drawn first: a circle at the top right. */
const first = Array.from({ length: CELLS }, (_, i) => (((i >> 4) - 4) ** 2 + ((i & 15) - 12) ** 2 <= 10 ? 1 : 0));

const { seed, temperature, drawing } = settings(
  // A hexadecimal digit for each cell, 0 to 15; none for the first picture.
  { seed: 1, temperature: 1, drawing: "" as string },
  { seed: { min: 0, max: 9999 }, temperature: { min: 0.1, max: 3 } },
);
const training = new LiveTraining<{ language: "en" | "ko"; seed: number }, never, typeof questions>("describe", () => ({
  language: language.value,
  seed: seed.value,
}));

const picture = (): readonly number[] =>
  new RegExp(`^[0-9a-f]{${CELLS}}$`).test(drawing.value)
    ? [...drawing.value].map((digit) => Number.parseInt(digit, 16) / 15)
    : first;
const setPicture = (cells: readonly number[]) => {
  drawing.value = cells.map((value) => Math.round(value * 15).toString(16)).join("");
};

function Picture() {
  const isErasing = useSignal(false);
  const tried = useSignal(0);
  const another = async () => {
    tried.value++;
    const found = await training.ask("picture", { language: language.value, seed: 10_000 + tried.value });
    if (found) setPicture(found);
  };
  return (
    <div class="stack">
      <h2>{text("picture")}</h2>
      <Drawing picture={picture()} isErasing={isErasing.value} onDraw={setPicture} />
      <div class="row">
        <fieldset class="cells" aria-label={text("tool")}>
          {([false, true] as const).map((erases) => (
            <label key={String(erases)}>
              <input
                type="radio"
                name="tool"
                checked={isErasing.value === erases}
                onChange={() => {
                  isErasing.value = erases;
                }}
              />
              <span class="pill">{text(erases ? "eraser" : "pen")}</span>
            </label>
          ))}
        </fieldset>
        <button type="button" id="clear" onClick={() => setPicture(first.map(() => 0))}>
          {text("clear")}
        </button>
        <button type="button" id="another" onClick={another}>
          {text("another")}
        </button>
      </div>
    </div>
  );
}

function Page() {
  const image = picture();
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <section class="card describe">
        <Picture />
        <div class="stack">
          <Caption training={training} image={image} />
          <Samples training={training} image={image} temperature={temperature} />
        </div>
      </section>
      <section class="card charts">
        <LossChart training={training} />
        <AccuracyChart training={training} title={text("accuracy")} label={text("right")} />
      </section>
    </Lesson>
  );
}

show("describe", Page);
