/** Runs an example beside the page, so that the page stays awake. */
import type { ExampleName } from "./words.ts";

const programs: Readonly<Record<ExampleName, () => Promise<{ main(print: (line: string) => void): Promise<number> }>>> =
  {
    classifier: () => import("./classifier.ts"),
    forecaster: () => import("./forecaster.ts"),
    translator: () => import("./translator.ts"),
    streaming: () => import("./streaming.ts"),
    "from-pytorch": () => import("./from-pytorch.ts"),
    pairs: () => import("./pairs.ts"),
    writer: () => import("./writer.ts"),
    resume: () => import("./resume.ts"),
  };

/** What the worker tells the page. */
export type Message = { readonly line: string } | { readonly done: true } | { readonly failed: string };

const tell = (message: Message) => postMessage(message);

addEventListener("message", async ({ data }: MessageEvent<ExampleName>) => {
  try {
    const { main } = await programs[data]();
    await main((line) => tell({ line }));
    tell({ done: true });
  } catch (error) {
    tell({ failed: String(error) });
  }
});
