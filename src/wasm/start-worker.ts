/** A worker as browsers and Node have it, as far as it is needed here. */
export interface StartedWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** How workers that share memory are started. */
export interface WorkerStarter {
  /** How many threads can work at once. */
  readonly processors: number;
  /** @param code of a script that defines `start`, which takes the worker's first message */
  start(code: string): StartedWorker;
}

/** What of a page is asked for here; Node's types have a part of it only. */
interface Page {
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly Worker?: new (url: string) => StartedWorker;
}

/** In a page that shares memory: one that is isolated from other origins. */
function pageStarter(): WorkerStarter | undefined {
  const { crossOriginIsolated, navigator, Worker } = globalThis as Page;
  if (!crossOriginIsolated || !Worker) return undefined;
  return {
    processors: navigator?.hardwareConcurrency ?? 1,
    start(code) {
      const script = new Blob([`${code}\nonmessage = ({ data }) => start(data);`], { type: "text/javascript" });
      const url = URL.createObjectURL(script);
      try {
        return new Worker(url);
      } finally {
        URL.revokeObjectURL(url);
      }
    },
  };
}

let find: () => WorkerStarter | undefined = pageStarter;

/** Lets the Node entry say how workers are started there. */
export function setWorkerStarter(starter: WorkerStarter): void {
  find = () => starter;
}

/** How workers are started here; undefined where memory cannot be shared. */
export const workerStarter = (): WorkerStarter | undefined => find();
