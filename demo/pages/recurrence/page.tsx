import "./page.css";
import { show } from "../../shell/gallery.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { Beside, Eight } from "./beside.tsx";
import { Equations } from "./equations.tsx";
import { factorsOf } from "./factors.ts";
import { Knobs } from "./knobs.tsx";
import { chosen, draft, setting, shown, training } from "./lab.ts";
import { Paths } from "./paths.tsx";
import { Picture } from "./picture.tsx";
import program from "./program.ts?raw";
import { text } from "./text.ts";

const explanation = [
  "The network reads three numbers, one after another, and then says: was the first one positive? Its memory is the hidden state, two numbers. At each step, the next state is computed from what comes in and from the state before, with the same U, W and b.\nThe gradient goes the same ways back. Each use of W starts a path to the loss, and the gradient is the sum of all paths. A longer path has more factors, and small factors make it vanish. Cut the long paths, or take sigmoid with its small slopes: what the first number said is no longer learned. The eight sequences are made up.",
  "신경망은 수 세 개를 차례로 읽고, 첫 번째 수가 양수였는지 답합니다. 기억은 수 두 개로 된 은닉 상태입니다. 다음 상태는 들어온 수와 바로 앞 상태에서 계산하며, U, W, b는 단계마다 같은 것을 씁니다.\n기울기는 같은 길을 거꾸로 갑니다. W가 쓰인 곳마다 손실로 이어지는 경로가 하나씩 있고, 기울기는 모든 경로의 합입니다. 경로가 길면 곱하는 인수가 많고, 인수가 작으면 기울기가 사라집니다. 긴 경로를 자르거나 기울기가 작은 시그모이드를 골라 보세요. 첫 번째 수를 더는 배우지 못합니다. 여덟 수열은 지어낸 것입니다.",
] as const;

function Page() {
  const found = useAnswer(training, "look", { sequence: shown(), weights: draft.value })?.answer;
  const factors = found && factorsOf(found.recurrent, setting().activation);
  return (
    <Lesson training={training} seed={chosen.seed} explanation={explanation} program={program}>
      {found && factors ? (
        <>
          <div class="recurrence-top">
            <Picture numbers={found.recurrent} factors={factors} />
            <Equations numbers={found.recurrent} factors={factors} />
          </div>
          <div class="recurrence-two">
            <Paths numbers={found.recurrent} />
            <Knobs weights={draft.value ?? found.recurrent.weights} />
            <Beside last={found.last} />
            <Eight judged={found.judged} />
          </div>
        </>
      ) : (
        <p class="card empty">{text("waiting")}</p>
      )}
      <section class="card">
        <LineChart
          title={text("loss")}
          hint={text("lossHint")}
          points={training.points}
          lines={[
            { key: "recurrent", label: text("recurrent"), width: 2.4 },
            { key: "last", label: text("last"), color: "warm" },
            { key: "all", label: text("allThree"), color: "violet" },
          ]}
        />
      </section>
    </Lesson>
  );
}

show("recurrence", Page);
