/** The worker of every page: it loads the program of the page that it is named after, so that pages share what they have in common. */
import type { Request } from "./messages.ts";

const programs = import.meta.glob<{ readonly default: (request: Request) => void }>("../pages/*/worker.ts");

const scope = globalThis as unknown as { readonly name: string; onmessage: (event: { data: Request }) => void };
// What comes before the program is there waits for it.
const early: Request[] = [];
scope.onmessage = ({ data }) => early.push(data);
// Not awaited here: a program may import what the build put into this file, and would wait for its end.
programs[`../pages/${scope.name}/worker.ts`]!().then(({ default: receive }) => {
  scope.onmessage = ({ data }) => receive(data);
  early.forEach(receive);
});
