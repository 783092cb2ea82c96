import { show } from "../../shell/gallery.tsx";
import { words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { NetworkCard } from "./network-card.tsx";
import program from "./program.ts?raw";
import { Progress } from "./progress.tsx";
import { fields, goBack, kept, startOver, training, trainOn } from "./state.ts";
import { TextCard } from "./text-card.tsx";
import { UnitMap } from "./unit-map.tsx";
import { Earlier, Written } from "./written.tsx";
import "./page.css";

const text = words({
  goBack: ["Go back to step {step}", "{step}단계로 되돌아가기"],
  slower: ["Go back to step {step}, with half the learning rate", "{step}단계로 되돌아가 학습률을 절반으로"],
});

const explanation = [
  "The network reads a text one character at a time, and gives each possible next character a probability. Its only memory is the state, which it changes with every character. Training makes the character that does come next more probable. To write, it draws a character by these probabilities, reads it as if it stood in the text, and goes on.\nWatch the order in which it learns: first how often each letter comes, then spaces and short words, then whole phrases, in Korean also which particle follows which sound. Some units learn to follow spaces or words, though nobody told them what a word is. Then choose a plain RNN, and compare the curves.",
  "신경망은 글을 한 글자씩 읽으며, 다음에 올 수 있는 글자마다 확률을 매깁니다. 기억이라고는 글자마다 바뀌는 은닉 상태뿐입니다. 학습은 실제로 다음에 오는 글자의 확률을 높입니다. 글을 쓸 때는 이 확률에 따라 글자 하나를 뽑고, 그 글자를 글에 있던 것처럼 읽은 뒤 계속 씁니다.\n무엇을 먼저 배우는지 지켜보세요. 처음에는 글자의 빈도, 다음에는 띄어쓰기와 짧은 낱말, 그다음에는 구절 전체를 배우며, 한국어에서는 받침에 따라 조사를 고르는 법도 배웁니다. 낱말이 무엇인지 아무도 가르치지 않았는데 띄어쓰기나 낱말을 따라 움직이는 유닛도 생깁니다. 그런 다음 셀을 단순한 RNN으로 바꾸어 곡선을 견주어 보세요.",
] as const;

function Page() {
  const { value } = kept;
  const isDiverged = training.failure.value?.code === "DIVERGED";
  const learns = (training.view.value?.stepsPerEpoch ?? 0) > 0;
  return (
    <Lesson
      training={training}
      seed={fields.seed}
      explanation={explanation}
      program={program}
      onStartOver={startOver}
      onMore={learns ? trainOn : undefined}
      wayOut={
        value && (
          <button type="button" id="goBack" onClick={goBack}>
            {text(isDiverged ? "slower" : "goBack", { step: value.step })}
          </button>
        )
      }
    >
      <div class="characters-top">
        <div class="column">
          <Written />
          <Progress />
        </div>
        <div class="column">
          <NetworkCard />
          <TextCard />
        </div>
      </div>
      <UnitMap />
      <Earlier />
    </Lesson>
  );
}

show("characters", Page);
