/** The worker of every page: it loads the program of the page that it is named after, so that pages share what they have in common. */
const programs = import.meta.glob("../pages/*/worker.ts");

const scope = globalThis as unknown as { readonly name: string; onmessage: ((event: MessageEvent) => void) | null };
// What comes before the program is there waits for it.
const early: MessageEvent[] = [];
scope.onmessage = (event) => early.push(event);
await programs[`../pages/${scope.name}/worker.ts`]!();
for (const event of early) scope.onmessage(event);
