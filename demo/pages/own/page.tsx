import { show } from "../../shell/gallery.tsx";
import { words } from "../../shell/language.ts";
import { LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { Compared } from "./compared.tsx";
import { Contents, Facts } from "./contents.tsx";
import { file, seed, training } from "./live.ts";
import { PlanOf } from "./plan.tsx";
import program from "./program.ts?raw";
import { BackToExample, Source } from "./source.tsx";
import "./page.css";

const text = words({
  reading: ["Reading the file…", "파일을 읽는 중…"],
  making: ["The page trains a small model, and opens its file.", "페이지가 작은 모델을 학습해 그 파일을 엽니다."],
});

const explanation = [
  "A file of weights is a list of named tensors. From names and shapes this page finds the layers: an LSTM’s matrices are four times as high as its hidden state is wide, because it has four gates; a GRU’s are three times as high.\nBefore it runs, a model is compiled to a plan: which buffers there are, and which kernels are dispatched on them in which order. A recurrent layer needs a dispatch for each step, because every hidden state waits for the one before. The same plan runs on every backend with the same made-up numbers, and float64 says how exact the others are.",
  "가중치 파일은 이름이 붙은 텐서의 목록입니다. 이 페이지는 이름과 모양으로 층을 알아봅니다. LSTM은 게이트가 넷이라 행렬의 높이가 은닉 상태 크기의 네 배이고, GRU는 세 배입니다.\n모델은 실행하기 전에 계획으로 바뀝니다. 어떤 버퍼가 있고, 어떤 커널을 어떤 순서로 실행할지 정한 것입니다. 은닉 상태는 앞 단계의 은닉 상태를 기다려야 하므로, 순환층은 단계마다 커널을 실행합니다. 지어낸 같은 수를 넣어 모든 백엔드에서 실행하고, float64로 계산한 값과 견주어 얼마나 정확한지 봅니다.",
] as const;

function Page() {
  const view = training.view.value;
  const isDone = training.phase.value === "done";
  // The plan of where a reader's model would run: a GPU, where there is one.
  const planned = view?.measured.findLast(({ picture }) => picture !== undefined);
  return (
    <Lesson
      training={training}
      seed={seed}
      explanation={explanation}
      program={program}
      wayOut={file.value && <BackToExample />}
    >
      <section class="card stack own-first">
        <Source />
        {view ? (
          <>
            <Facts facts={view.facts} />
            <Compared view={view} isDone={isDone} />
          </>
        ) : (
          <p class="empty">{text(file.value ? "reading" : "making")}</p>
        )}
      </section>
      {planned && <PlanOf measured={planned} />}
      {view && <Contents facts={view.facts} />}
      {!file.value && (
        <section class="card charts">
          <LossChart training={training} heldOut={false} />
        </section>
      )}
    </Lesson>
  );
}

show("own", Page);
