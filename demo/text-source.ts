/** The text to learn from: built in, pasted, dropped or chosen. */
import { element } from "./elements.ts";
import { makeText } from "./grammar.ts";
import { language, text } from "./language.ts";
import type { TextKey } from "./strings.ts";

/** A longer text is only shown in part: laying all of it out would block the page. */
const shownAtMost = 40_000;
const builtInLength = 30_000;
const largestFile = 20_000_000;

const area = element("text", HTMLTextAreaElement);
const source = element("textSource", HTMLSelectElement);
const drop = element("drop");

/** The whole text where the area shows a part of it only. */
let whole: string | undefined;

export const currentText = (): string => whole ?? area.value;

/** @param complain is told what is wrong with a file */
export function startTextSource(complain: (key: TextKey, name: string) => void): void {
  source.addEventListener("change", () => void choose());
  area.addEventListener("input", () => {
    source.value = "own";
    countText();
  });
  const file = element("textFile", HTMLInputElement);
  file.addEventListener("change", () => {
    if (file.files?.[0]) void takeFile(file.files[0], complain);
    file.value = "";
  });
  const dragging = (event: DragEvent) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  for (const type of ["dragenter", "dragover"] as const)
    drop.addEventListener(type, (event) => {
      if (!dragging(event)) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  for (const type of ["dragleave", "dragend", "drop"] as const)
    drop.addEventListener(type, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    const dropped = event.dataTransfer?.files[0];
    if (!dropped) return;
    event.preventDefault();
    void takeFile(dropped, complain);
  });
  source.value = language() === "ko" ? "both" : "english";
  void choose();
}

async function choose(): Promise<void> {
  const { value } = source;
  if (value === "english" || value === "korean" || value === "both") show(makeText(value, builtInLength));
  else if (value === "code") {
    const { sourceCode } = await import("./source-code.ts");
    // The choice may have changed while the chunk was on its way.
    if (source.value === "code") show(sourceCode);
  } else {
    show("");
    area.focus();
  }
}

async function takeFile(file: File, complain: (key: TextKey, name: string) => void): Promise<void> {
  if (file.size > largestFile) return complain("fileTooLarge", file.name);
  try {
    show(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
    source.value = "own";
  } catch {
    complain("fileNotText", file.name);
  }
}

function show(given: string): void {
  const content = given.replaceAll("\r\n", "\n");
  whole = content.length > shownAtMost ? content : undefined;
  area.value = content.slice(0, shownAtMost);
  area.readOnly = whole !== undefined;
  area.scrollTop = 0;
  countText();
}

/** Says how long the text is; in UTF-16 units, which is near enough and does not read the whole text. */
export function countText(): void {
  const count = currentText().length;
  element("textCount").textContent =
    whole === undefined ? text("textCount", { count }) : text("textExcerpt", { count, shown: shownAtMost });
}
