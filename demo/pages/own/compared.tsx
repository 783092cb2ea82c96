/** One run on every backend: the same numbers go in, and what comes out is compared. */
import { deviceName } from "../../shell/device.tsx";
import { language, number, words } from "../../shell/language.ts";
import { type Measured, showBytes, type View } from "./view.ts";

const text = words({
  title: ["One run on every backend", "모든 백엔드에서 한 번 실행"],
  cpu: ["float64 twins", "float64 기준 계산"],
  wasm: ["WebAssembly", "WebAssembly"],
  gpu: ["WebGPU", "WebGPU"],
  backend: ["Backend", "백엔드"],
  time: ["Time of a run", "실행 시간"],
  difference: ["Largest difference", "가장 큰 차이"],
  memory: ["Memory", "메모리"],
  last: ["The last numbers that come out", "마지막에 나온 수"],
  reference: ["compared with this", "비교 기준"],
  milliseconds: ["{time} ms", "{time} ms"],
  inputs: ["In: {shapes}, made up.", "입력: {shapes}(지어낸 값)."],
  outputs: ["Out: {shapes}.", "출력: {shapes}."],
  hint: [
    "WebGPU and WebAssembly compute in float32, with some seven digits: differences about a millionth of the numbers are rounding.",
    "WebGPU와 WebAssembly는 유효 숫자가 일곱 자리쯤인 float32로 계산합니다. 수의 백만분의 일 정도 차이는 반올림 때문입니다.",
  ],
  large: ["left out: with so many weights it takes too long", "가중치가 많아 너무 오래 걸리므로 생략했습니다"],
  none: ["not to be had here: {why}", "여기서는 쓸 수 없습니다: {why}"],
  running: ["Running…", "실행 중…"],
  nothing: ["There is nothing in this file that can run.", "이 파일에는 실행할 수 있는 것이 없습니다."],
});

const exact = (value: number) =>
  value === 0
    ? "0"
    : new Intl.NumberFormat(language.value, { notation: "scientific", maximumFractionDigits: 1 }).format(value);

const shapesOf = (tensors: View["inputs"] = []) =>
  tensors.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join("; ");

function Row({ measured }: { readonly measured: Measured }) {
  const { backend, why, info, milliseconds, difference, memory, last } = measured;
  const name = text(backend);
  if (why !== undefined)
    return (
      <tr data-backend={backend}>
        <th scope="row">{name}</th>
        <td colSpan={4} class="own-why">
          {why === "large" ? text("large") : text("none", { why })}
        </td>
      </tr>
    );
  return (
    <tr data-backend={backend} title={deviceName(info)}>
      <th scope="row">{name}</th>
      <td class="own-time">{text("milliseconds", { time: number(milliseconds!, milliseconds! < 10 ? 2 : 0) })}</td>
      <td class="own-difference">{difference === undefined ? text("reference") : exact(difference)}</td>
      <td>{showBytes(Object.values(memory!).reduce((sum, bytes) => sum + bytes, 0))}</td>
      <td class="own-last">{last!.map((value) => number(value, 4)).join("  ")}</td>
    </tr>
  );
}

export function Compared({ view, isDone }: { readonly view: View; readonly isDone: boolean }) {
  const { inputs, outputs, measured } = view;
  const head = (["backend", "time", "difference", "memory", "last"] as const).map((key) => text(key));
  return (
    <section class="stack">
      <h2 id="comparedTitle">{text("title")}</h2>
      {inputs === undefined ? (
        <p class="empty">{text("nothing")}</p>
      ) : (
        <>
          <p id="shapes">
            {text("inputs", { shapes: shapesOf(inputs) })} {outputs && text("outputs", { shapes: shapesOf(outputs) })}
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
          <section class="scroll" tabIndex={0} aria-labelledby="comparedTitle">
            <table id="compared">
              <thead>
                <tr>
                  {head.map((cell) => (
                    <th key={cell} scope="col">
                      {cell}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {measured.map((one) => (
                  <Row key={one.backend} measured={one} />
                ))}
              </tbody>
            </table>
          </section>
          <p class="hint">{isDone ? text("hint") : text("running")}</p>
        </>
      )}
    </section>
  );
}
