import { Choice } from "../../shell/choice.tsx";
import { show } from "../../shell/gallery.tsx";
import { words } from "../../shell/language.ts";
import { LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { LEAST_SNR, MOST_SNR, noise, seed, snr, training } from "./live.ts";
import { noiseKinds } from "./made-up.ts";
import { Own } from "./own.tsx";
import program from "./program.ts?raw";
import { decibels, Spectrogram } from "./spectrogram.tsx";
import { FrameTime } from "./tiles.tsx";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  noise: ["Noise", "잡음"],
  white: ["white", "백색 잡음"],
  pink: ["pink", "핑크 잡음"],
  hum: ["hum", "전원 험"],
  ratio: ["Voice over noise: {snr} dB", "신호 대 잡음비: {snr} dB"],
  before: ["Signal to noise, before", "처리 전 신호 대 잡음비"],
  after: ["Signal to noise, after", "처리 후 신호 대 잡음비"],
  improved: ["Improvement", "개선"],
  noisy: ["Noisy", "잡음이 섞인 소리"],
  cleaned: ["Cleaned by the network", "신경망이 걸러 낸 소리"],
  clean: ["The voice alone", "목소리만"],
  waiting: ["The first sound comes after the first step.", "첫 단계가 끝나면 소리가 나타납니다."],
  hint: [
    "A voice that is made up: harmonics of a gliding pitch, in syllables. The network was not trained on this one. Listen to all three.",
    "지어낸 목소리입니다. 음높이가 미끄러지는 배음을 음절로 끊었습니다. 학습에 쓰지 않은 소리이니, 세 가지를 들어 보세요.",
  ],
  improvement: ["Improvement on a mixture kept apart, dB", "떼어 둔 소리의 신호 대 잡음비 개선(dB)"],
  better: ["improvement", "개선"],
});

const explanation = [
  "Every 8 ms a frame of 512 samples becomes a spectrum of 257 frequencies. For each of them a small GRU says from 0 to 1 how much is voice; the spectrum is multiplied by this mask and becomes sound again. All frequencies share the weights, but each has a hidden state of its own, which remembers how loud its noise has been.\nIt learns from mixtures: a mask is good when it leaves what was there before the noise. While it runs, only the hidden states are kept from frame to frame, and so the sound may go on for ever. The voices are made up; your own sound, and networks trained on real speech, fit in above.",
  "8 ms마다 표본 512개로 된 프레임이 주파수 257개의 스펙트럼이 됩니다. 작은 GRU가 주파수마다 목소리의 비율을 0에서 1 사이로 말하고, 스펙트럼에 이 마스크를 곱해 다시 소리로 바꿉니다. 가중치는 모든 주파수가 함께 쓰지만 은닉 상태는 저마다 따로 있어, 그 주파수의 잡음이 얼마나 컸는지 기억합니다.\n학습에는 목소리와 잡음을 섞은 소리를 씁니다. 섞기 전의 목소리를 되살릴수록 좋은 마스크입니다. 실행할 때는 프레임 사이에 은닉 상태만 남기므로 소리가 끝없이 이어져도 됩니다. 목소리는 지어낸 것입니다. 위에서 여러분의 소리와, 실제 말소리로 학습한 신경망도 써 보세요.",
] as const;

/** Milliseconds between two cleanings while it trains, which wait for each other. */
const EVERY = 1000;

function Sounds() {
  const answer = useAnswer(training, "cleaned", { kind: noise.value, snr: snr.value, seed: seed.value }, EVERY)?.answer;
  return (
    <>
      <Mixture {...(answer && { answer })} />
      <Own {...(answer && { mixture: answer.samples.noisy })} />
    </>
  );
}

type Answer = Awaited<ReturnType<(typeof questions)["cleaned"]>>;

function Mixture({ answer }: { readonly answer?: Answer }) {
  return (
    <section class="card stack">
      <div class="sound-controls">
        <Choice legend={text("noise")} name="noise" values={noiseKinds} chosen={noise} labelOf={(kind) => text(kind)} />
        <label class="field">
          <span>{text("ratio", { snr: snr.value })}</span>
          <input
            id="snr"
            type="range"
            min={LEAST_SNR}
            max={MOST_SNR}
            value={snr.value}
            onInput={({ currentTarget }) => {
              snr.value = Number(currentTarget.value);
            }}
          />
        </label>
      </div>
      <dl class="tiles">
        <div>
          <dt>{text("before")}</dt>
          <dd id="before">{answer ? decibels(answer.snr.before) : "–"}</dd>
        </div>
        <div>
          <dt>{text("after")}</dt>
          <dd id="after">{answer ? decibels(answer.snr.after) : "–"}</dd>
        </div>
        <div>
          <dt>{text("improved")}</dt>
          <dd id="improved" class="sound-improved">
            {answer ? decibels(answer.snr.after - answer.snr.before) : "–"}
          </dd>
        </div>
        <FrameTime {...(answer && { milliseconds: answer.milliseconds })} />
      </dl>
      {answer ? (
        <div class="charts" id="mixture">
          {(["noisy", "cleaned", "clean"] as const).map((name) => (
            <Spectrogram
              key={name}
              name={name}
              title={text(name)}
              samples={answer.samples[name]}
              columns={answer.columns[name]}
            />
          ))}
        </div>
      ) : (
        <p class="empty sound-waiting">{text("waiting")}</p>
      )}
      <p class="hint">{text("hint")}</p>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Sounds />
      <section class="card charts">
        <LossChart training={training} heldOut={false} />
        <LineChart
          title={text("improvement")}
          points={training.points}
          lines={[{ key: "improved", label: text("better"), color: "warm", dots: true }]}
        />
      </section>
    </Lesson>
  );
}

show("sound", Page);
