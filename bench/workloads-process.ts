// Measures when its parent asks (compare.ts): what is compared runs in two processes that live side by side and work in turns.
import * as library from "../src/node.ts";
import type { Ready } from "./measure.ts";
import { COMPARED, workloadsOf } from "./workloads.ts";

/** Written in by bundle.ts. */
declare const BUNDLED_FROM: { readonly version: string; readonly commit?: string };

export type Request = { readonly prepare: number } | "round" | "dispose" | "end";
export type Answer =
  | { readonly names: readonly string[]; readonly from: typeof BUNDLED_FROM; readonly info: library.RuntimeInfo }
  | { readonly done: true }
  | { readonly ms: number }
  | { readonly error: string };

if (!process.send) {
  console.error("this file is run by compare.mjs");
  process.exit(2);
}

const workloads = workloadsOf(library).slice(0, COMPARED);
const runtime = await library.Runtime.open({ backend: process.argv[2] as "gpu" | "wasm" });
let ready: Ready | undefined;

async function answer(request: Request): Promise<Answer> {
  if (request === "round") return { ms: await ready!.round() };
  if (request === "dispose") ready!.dispose();
  else if (request === "end") process.disconnect();
  else ready = await workloads[request.prepare]!.prepare(runtime);
  return { done: true };
}

const send = (message: Answer) => process.connected && process.send!(message);
process.on("message", (request: Request) => {
  answer(request).then(send, (error: Error) => send({ error: error.stack ?? String(error) }));
});
send({ names: workloads.map(({ name }) => name), from: BUNDLED_FROM, info: runtime.info() });
