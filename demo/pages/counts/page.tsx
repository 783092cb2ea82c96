import "./page.css";
import { show } from "../../shell/gallery.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { OwnText } from "../../shell/own-text.tsx";
import { Compare } from "./compare.tsx";
import program from "./program.ts?raw";
import { Question } from "./question.tsx";
import { ask, askOfText, n, own, seed, training } from "./state.ts";
import { explanation, text } from "./words.ts";

function NeverSeen() {
  const found = useAnswer(training, "neverSeen", n.value)?.answer;
  return (
    <section class="card stack">
      <h2>{text("list")}</h2>
      <p class="hint">{text(found?.length === 0 ? "allSeen" : "listHint", { n: n.value })}</p>
      <ul class="counts-unseen" id="neverSeen">
        {found?.map((one) => (
          <li key={one.beginning}>
            <button type="button" onClick={() => ask(one.beginning, one.word)}>
              {one.beginning} …
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Question />
      <Compare />
      <NeverSeen />
      <OwnText own={own} onLearn={askOfText} />
    </Lesson>
  );
}

show("counts", Page);
