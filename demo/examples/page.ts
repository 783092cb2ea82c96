/** The page of examples: a card for each, which runs it in a worker of its own and shows what it prints. */
import { effect } from "@preact/signals";
import { type Language, language, languages, setLanguage } from "../shell/language.ts";
import { type ExampleName, exampleNames, words } from "./words.ts";
import type { Message } from "./worker.ts";

const say: (() => void)[] = [];

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parent: Element,
  className = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent.append(made);
  return made;
}

/** What the last run came to, in the language of the reader. */
type Outcome = {
  readonly key: "running" | "done" | "stopped" | "failed";
  readonly values?: Readonly<Record<string, string>>;
};

function addCard(list: Element, name: ExampleName): void {
  const card = make("section", list, "card");
  card.id = name;
  const title = make("h2", card);
  const about = make("p", card);
  const row = make("div", card, "row");
  const button = make("button", row);
  button.type = "button";
  const status = make("p", row, "status");
  status.setAttribute("role", "status");
  const output = make("pre", card, "output");
  output.lang = "en";
  output.tabIndex = 0;
  output.hidden = true;
  let worker: Worker | undefined;
  let outcome: Outcome | undefined;

  const speak = () => {
    const { run, stop, examples } = words[language.value];
    [title.textContent, about.textContent] = examples[name];
    button.textContent = worker ? stop : run;
    button.setAttribute("aria-label", `${worker ? stop : run}: ${examples[name][0]}`);
    const { key, values = {} } = outcome ?? {};
    status.textContent = key
      ? words[language.value][key].replace(/\{(\w+)\}/g, (_, value: string) => values[value]!)
      : "";
  };
  say.push(speak);
  const end = (how: Outcome) => {
    worker?.terminate();
    worker = undefined;
    outcome = how;
    speak();
  };
  button.addEventListener("click", () => {
    if (worker) return end({ key: "stopped" });
    const began = performance.now();
    output.textContent = "";
    output.hidden = true;
    output.setAttribute("aria-label", words[language.value].examples[name][0]);
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if ("line" in data) {
        output.textContent += `${data.line}\n`;
        output.hidden = false;
      } else if ("failed" in data) end({ key: "failed", values: { reason: data.failed } });
      else end({ key: "done", values: { seconds: ((performance.now() - began) / 1000).toFixed(1) } });
    });
    worker.addEventListener("error", ({ message }) => end({ key: "failed", values: { reason: message } }));
    worker.postMessage(name);
    outcome = { key: "running" };
    speak();
  });
}

function show(next: Language): void {
  document.title = words[next].title;
  for (const element of document.querySelectorAll<HTMLElement>("[data-word]"))
    element.textContent = words[next][element.dataset.word as "title" | "lead" | "back"];
  document.querySelector(".languages")!.setAttribute("aria-label", words[next].language);
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === next));
  for (const speak of say) speak();
}

for (const name of exampleNames) addCard(document.querySelector("main")!, name);
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-language]"))
  button.addEventListener("click", () => {
    setLanguage(languages.find((known) => known === button.dataset.language)!);
  });
effect(() => show(language.value));
