/** The module worker: a session on the other side of postMessage. */
import type { Report, Request } from "./messages.ts";
import { Session } from "./session.ts";

/** The part of DedicatedWorkerGlobalScope that is used; lib.dom types globalThis as a window. */
interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(report: Report, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const session = new Session((report, transfer = []) => scope.postMessage(report, transfer));
scope.onmessage = ({ data }) => session.receive(data);
