import { show } from "../../shell/gallery.tsx";
import { percent, words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { Between } from "./between.tsx";
import { seed, training } from "./live.ts";
import { StrokeMap } from "./map.tsx";
import { OwnStroke } from "./own-stroke.tsx";
import program from "./program.ts?raw";
import { Strangest } from "./strangest.tsx";
import "./page.css";

const text = words({
  waiting: ["The map comes after the first step.", "첫 단계가 끝나면 지도가 나타납니다."],
  restored: ["of the strokes’ variance comes back from two numbers", "두 수에서 되살린 획의 분산 비율(결정 계수)"],
  loss: ["Loss", "손실"],
  trained: ["trained on", "학습한 획"],
  heldOut: ["kept apart", "떼어 둔 획"],
});

const explanation = [
  "An encoder reads a stroke, move by move, and squeezes its last hidden state into two numbers: a vector. A decoder gets these two numbers and nothing else, and has to draw the stroke again. No stroke is labelled; the loss is how far the restored moves are from the written ones.\nTwo numbers are few, so the network spends them on what differs: which sign it is, how wide, how leaning. Like strokes come to lie together, and between them lie strokes that nobody wrote. What is unlike all that was trained on comes back badly, and so the error finds it. All strokes are made up.",
  "인코더는 획을 한 동작씩 읽고, 마지막 은닉 상태를 두 수, 곧 벡터 하나로 줄입니다. 디코더는 이 두 수만 받아 획을 다시 그려야 합니다. 획에는 정답 이름이 없고, 손실은 되살린 동작이 쓴 동작에서 얼마나 벗어났는지입니다.\n두 수는 적으므로 신경망은 획마다 다른 점, 곧 어떤 글자이고 얼마나 넓고 기울었는지에 그 수를 씁니다. 그래서 비슷한 획끼리 모이고, 그 사이에는 아무도 쓴 적 없는 획이 놓입니다. 학습한 것과 닮지 않은 획은 잘 되살아나지 않아 오차로 찾아낼 수 있습니다. 획은 모두 지어낸 것입니다.",
] as const;

function Shown() {
  const answer = useAnswer(training, "map", undefined)?.answer;
  if (!answer)
    return (
      <section class="card">
        <p class="empty">{text("waiting")}</p>
      </section>
    );
  const { strokes, r2 } = answer;
  const signs = [...new Set(strokes.filter(({ isOdd }) => !isOdd).map(({ sign }) => sign))];
  return (
    <>
      <section class="card stack">
        <div class="autoencode-play">
          <StrokeMap strokes={strokes}>
            <Between signs={signs} />
          </StrokeMap>
          <OwnStroke strokes={strokes} />
        </div>
        <p>
          <strong id="r2">{percent(Math.max(0, r2))}</strong> {text("restored")}
        </p>
      </section>
      <Strangest strokes={strokes} />
    </>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Shown />
      <section class="card charts">
        <LineChart
          title={text("loss")}
          points={training.points}
          digits={4}
          lines={[
            { key: "loss", label: text("trained"), color: "accent-faint" },
            { key: "heldOut", label: text("heldOut"), color: "warm", dots: true },
          ]}
        />
      </section>
    </Lesson>
  );
}

show("autoencode", Page);
