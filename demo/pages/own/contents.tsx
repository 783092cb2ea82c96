/** What is in the file: what it is, its layers, and its tensors as a table. */
import { number, words } from "../../shell/language.ts";
import type { FileFacts } from "./file.ts";
import { showBytes } from "./view.ts";

const text = words({
  weights: [
    "A state dict: weights by name, without the model’s code.",
    "상태 사전입니다. 이름별 가중치만 있고 모델의 코드는 없습니다.",
  ],
  characters: ["A character model of this package, rebuilt whole.", "이 패키지의 글자 모델이며, 통째로 되살렸습니다."],
  task: [
    "A file of this package’s task “{detail}”, rebuilt whole.",
    "이 패키지의 과제 ‘{detail}’ 파일이며, 통째로 되살렸습니다.",
  ],
  taskParts: [
    "A file of this package’s task “{detail}”. Its layers run here; the whole is opened by the task itself.",
    "이 패키지의 과제 ‘{detail}’ 파일입니다. 여기서는 층만 실행하며, 전체는 그 과제로 엽니다.",
  ],
  training: ["A training that was saved, with its optimizer.", "옵티마이저까지 저장한 학습 파일입니다."],
  pytorch: [
    "A state dict that torch.save wrote. No pickle is executed.",
    "torch.save로 저장한 상태 사전입니다. 피클은 실행하지 않습니다.",
  ],
  onnx: ["An ONNX graph ({detail}), imported whole.", "ONNX 그래프({detail})이며, 통째로 가져왔습니다."],
  facts: ["{name}: {size}, {tensors} tensors, {values} numbers.", "{name}: {size}, 텐서 {tensors}개, 수 {values}개."],
  layers: ["Layers that it knows", "알아본 층"],
  noLayers: ["No layer that this page knows: only the table can be shown.", "알아본 층이 없어서 표만 보여 줍니다."],
  chain: [
    "Found by the names and shapes that PyTorch gives them. A file does not say how layers are joined: here each reads what the one before gives, where sizes fit. An RNN is taken to have tanh.",
    "PyTorch가 붙이는 이름과 모양으로 알아보았습니다. 층을 어떻게 이었는지는 파일에 없으므로, 크기가 맞으면 앞 층의 출력을 다음 층이 읽게 했습니다. RNN의 활성화 함수는 tanh로 봅니다.",
  ],
  sizes: ["{reads} → {gives}", "{reads} → {gives}"],
  many: ["{count} layers deep", "{count}층"],
  both: ["both directions", "양방향"],
  others: ["Of no known layer: {names}", "알아본 층에 속하지 않는 텐서: {names}"],
  operators: ["Operators", "연산자"],
  tensors: ["Tensors", "텐서"],
  name: ["Name", "이름"],
  type: ["Type", "자료형"],
  shape: ["Shape", "모양"],
  bytes: ["Size", "크기"],
  more: ["… and {count} more.", "… 외 {count}개."],
});

/** Rows of the table that are shown at most. */
const SHOWN = 300;
const NAMED = 6;

export function whatItIs({ kind, detail = "", isWhole }: FileFacts): string {
  return text(kind === "task" && !isWhole ? "taskParts" : kind, { detail });
}

export function Facts({ facts }: { readonly facts: FileFacts }) {
  const { name, bytes, tensors } = facts;
  const values = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);
  return (
    <>
      <p id="what">
        <strong>{whatItIs(facts)}</strong>
      </p>
      <p id="facts" class="own-facts">
        {text("facts", { name, size: showBytes(bytes), tensors: tensors.length, values })}
      </p>
    </>
  );
}

export function Contents({ facts }: { readonly facts: FileFacts }) {
  const { layers, others, tensors, operators, isWhole } = facts;
  const head = [text("name"), text("type"), text("shape"), text("bytes")];
  return (
    <section class="card own-contents">
      <div class="stack">
        <h2>{text("layers")}</h2>
        {layers.length === 0 && !operators && <p class="empty">{text("noLayers")}</p>}
        <ul class="own-layers">
          {layers.map(({ path, type, reads, gives, numLayers = 1, bidirectional }) => (
            <li key={path}>
              <strong>{type}</strong> <span class="own-size">{text("sizes", { reads, gives })}</span>
              {numLayers > 1 && <span> {text("many", { count: numLayers })}</span>}
              {bidirectional && <span> {text("both")}</span>}
              <span class="hint own-path">{path}</span>
            </li>
          ))}
        </ul>
        {layers.length > 0 && !isWhole && <p class="hint">{text("chain")}</p>}
        {others.length > 0 && (
          <p class="hint" id="others">
            {text("others", { names: others.slice(0, NAMED).join(", ") + (others.length > NAMED ? ", …" : "") })}
          </p>
        )}
        {operators && (
          <p class="own-operators">
            <strong>{text("operators")}</strong>{" "}
            {Object.entries(operators)
              .map(([name, count]) => (count > 1 ? `${name} × ${number(count)}` : name))
              .join(", ")}
          </p>
        )}
      </div>
      <div class="stack">
        <h2 id="tensorsTitle">{text("tensors")}</h2>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
        <section class="scroll" tabIndex={0} aria-labelledby="tensorsTitle">
          <table id="tensors">
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
              {tensors.slice(0, SHOWN).map(({ name, type, shape, bytes }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{type}</td>
                  <td>{shape.join(" × ") || "1"}</td>
                  <td>{showBytes(bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        {tensors.length > SHOWN && <p class="hint">{text("more", { count: tensors.length - SHOWN })}</p>}
      </div>
    </section>
  );
}
