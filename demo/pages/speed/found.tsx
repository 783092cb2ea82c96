/** In words what was found, each sentence as soon as it can be said. */
import { computed } from "@preact/signals";
import { percent, words } from "../../shell/language.ts";
import { growthOf, overheads, timeAtBase, typicalSpread } from "./findings.ts";
import {
  bestCopy,
  bestGbsOf,
  bestGflopsOf,
  bestProduct,
  largestCopy,
  nameOf,
  results,
  short,
  sizeOf,
  timed,
} from "./measuring.ts";

const text = words({
  title: ["What was found", "알아낸 것"],
  soon: ["The first results come in a moment.", "곧 첫 결과가 나타납니다."],
  product: ["At best, a product reaches {gflops} GFLOP/s.", "가장 빠를 때 행렬 곱은 {gflops} GFLOP/s에 이릅니다."],
  roof: [
    "Copies move up to {gbs} GB/s, and {large} GB/s when they are as large as {size}. On such data, work with fewer than {ridge} operations per byte waits for memory.",
    "복사는 최대 {gbs} GB/s, 크기가 {size}이면 {large} GB/s입니다. 그만한 데이터에서 1바이트당 연산이 {ridge}번보다 적은 일은 메모리를 기다립니다.",
  ],
  backward: [
    "A training step takes {time} times as long as a forward pass. It has 3 times the operations.",
    "학습 한 단계는 순전파의 {time}배 걸립니다. 연산은 3배입니다.",
  ],
  batch: [
    "A training step on a batch of {to} takes {time} times as long as on a batch of {from}, for {flops} times the work.",
    "배치 크기가 {to}인 학습 한 단계는 {from}일 때의 {time}배 걸립니다. 일은 {flops}배입니다.",
  ],
  steps: [
    "A forward pass over {to} time steps takes {time} times as long as one over {from}, for {flops} times the work.",
    "시점 {to}개의 순전파는 {from}개일 때의 {time}배 걸립니다. 일은 {flops}배입니다.",
  ],
  units: [
    "With {to} units, a training step takes {time} times as long as with {from}, for {flops} times the work.",
    "유닛이 {to}개인 학습 한 단계는 {from}개일 때의 {time}배 걸립니다. 일은 {flops}배입니다.",
  ],
  stream: [
    "One step of one stream takes {time} ms: {perSecond} a second.",
    "스트림 하나의 한 단계는 {time} ms, 1초에 {perSecond}단계입니다.",
  ],
  write: ["The network writes {perSecond} characters a second.", "신경망은 1초에 글자 {perSecond}개를 씁니다."],
  overhead: [
    "A call with almost nothing to do takes {call} µs: about {submit} µs for the submit, {dispatch} µs for its dispatch, and {readBack} µs until the result is read.",
    "할 일이 거의 없는 호출도 {call} µs 걸립니다. 제출에 약 {submit} µs, 디스패치에 {dispatch} µs, 결과를 읽어 오는 데 {readBack} µs입니다.",
  ],
  right: [
    "All {count} results agree with float64; the largest difference is {error} millionths of the largest number.",
    "결과 {count}개가 모두 float64와 일치합니다. 가장 큰 차이는 가장 큰 수의 100만분의 {error}입니다.",
  ],
  wrong: ["Not right, and so not timed: {names}.", "결과가 틀려 시간을 재지 않은 것: {names}."],
  noise: [
    "Noise: in a typical measurement, the middle half of the rounds spans {share} of their median.",
    "잡음: 보통의 측정에서 가운데 절반의 폭은 중앙값의 {share}입니다.",
  ],
});

interface Sentence {
  readonly key: string;
  readonly said: string;
}

const sentences = computed<readonly Sentence[]>(() => {
  const all = results.value;
  const found: Sentence[] = [];
  const say = (key: Parameters<typeof text>[0], values: Readonly<Record<string, number | string>>) => {
    const shown = Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "number" ? short(value) : value,
    ]);
    found.push({ key: String(key), said: text(key, Object.fromEntries(shown)) });
  };
  const wrong = all.filter(({ times }) => times === undefined);
  if (wrong.length > 0) say("wrong", { names: wrong.map(nameOf).join("; ") });
  const [product, copy, largest] = [bestProduct.value, bestCopy.value, largestCopy.value];
  if (product) say("product", { gflops: bestGflopsOf(product) });
  if (product && copy && largest) {
    const large = bestGbsOf(largest);
    say("roof", { gbs: bestGbsOf(copy), size: sizeOf(largest.bytes), large, ridge: bestGflopsOf(product) / large });
  }
  const [forward, training] = [timeAtBase(all, "forward"), timeAtBase(all, "training")];
  if (forward && training) say("backward", { time: training / forward });
  const batch = growthOf(all, "training", "B");
  if (batch) say("batch", batch);
  const steps = growthOf(all, "forward", "T");
  if (steps) say("steps", steps);
  const units = growthOf(all, "training", "H");
  if (units) say("units", units);
  const stream = timeAtBase(all, "stream", { B: 1 });
  if (stream) say("stream", { time: stream, perSecond: 1000 / stream });
  const write = timed.value.find(({ kind }) => kind === "write");
  if (write?.kind === "write") say("write", { perSecond: (write.count / write.times.median) * 1000 });
  const overhead = overheads(all);
  if (overhead) {
    const { call, dispatch, submit, readBack } = overhead;
    const micro = { call: call * 1000, dispatch: dispatch * 1000, submit: submit * 1000, readBack: readBack * 1000 };
    say("overhead", micro);
  }
  const spread = typicalSpread(all);
  if (spread !== undefined) say("noise", { share: percent(spread) });
  if (wrong.length === 0 && all.length > 0) {
    const error = Math.max(...all.map(({ error }) => error));
    say("right", { count: all.length, error: error * 1e6 });
  }
  return found;
});

export function Found() {
  return (
    <section class="card stack">
      <h2>{text("title")}</h2>
      {sentences.value.length === 0 ? (
        <p class="empty">{text("soon")}</p>
      ) : (
        <ul class="speed-found">
          {sentences.value.map(({ key, said }) => (
            <li key={key} id={`found-${key}`} class={key === "wrong" ? "warn" : undefined}>
              {said}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
