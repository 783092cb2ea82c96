import { InternalError } from "../errors.ts";
import type { Call } from "./calls.ts";
import type { StartedWorker, WorkerStarter } from "./start-worker.ts";

/** What a mailbox holds where, and what is told in it. Workers get a copy. */
const PROTOCOL = {
  /** Numbers: the last order's, the last one's that is done, what is to be done, its length, and what came of it. */
  ORDER: 0,
  DONE: 1,
  KIND: 2,
  LENGTH: 3,
  STATE: 4,
  /** Bytes of those numbers; what an order says comes after them. */
  HEADER: 64,
  /** Kinds of order. */
  RUN: 0,
  COMPILE: 1,
  /** States. */
  READY: 1,
  FAILED: 2,
  /** How often one looks for an order or its end before more is done: some dozen microseconds, for orders that follow each other. */
  LOOKS: 20_000,
} as const;
const { ORDER, DONE, KIND, LENGTH, STATE, HEADER, RUN, COMPILE, READY, FAILED, LOOKS } = PROTOCOL;
/** Bytes of a mailbox. */
const SIZE = 65536;
/** How long an order may take before its worker counts as gone, in ms. */
const PATIENCE = 30_000;

/** What a worker does. Its text goes to the worker alone: it sees nothing of this file. */
function work(
  {
    memory,
    mailbox,
    modules,
  }: { memory: WebAssembly.Memory; mailbox: SharedArrayBuffer; modules: Uint8Array<ArrayBuffer>[] },
  { ORDER, DONE, KIND, LENGTH, STATE, HEADER, COMPILE, READY, FAILED, LOOKS }: typeof PROTOCOL,
): void {
  const control = new Int32Array(mailbox, 0, HEADER / 4);
  const numbers = new Float64Array(mailbox, HEADER);
  const bytes = new Uint8Array(mailbox, HEADER);
  const functions: ((...numbers: number[]) => void)[] = [];
  const add = (code: Uint8Array<ArrayBuffer>) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
    for (const name of Object.keys(exports)) functions.push(exports[name] as (...numbers: number[]) => void);
  };
  const arguments_: number[][] = [];
  let seen = 0;
  try {
    modules.forEach(add);
    Atomics.store(control, STATE, READY);
  } catch {
    Atomics.store(control, STATE, FAILED);
    return;
  }
  for (;;) {
    for (let look = 0; Atomics.load(control, ORDER) === seen; look++)
      if (look > LOOKS) Atomics.wait(control, ORDER, seen);
    seen = Atomics.load(control, ORDER);
    const length = control[LENGTH]!;
    try {
      if (control[KIND] === COMPILE) add(bytes.slice(0, length));
      else
        for (let at = 0; at < length; ) {
          const call = functions[numbers[at++]!]!;
          const count = numbers[at++]!;
          // An array again and again: a typed one would be gone through by its iterator.
          arguments_[count] ??= new Array<number>(count).fill(0);
          const own = arguments_[count];
          for (let i = 0; i < count; i++) own[i] = numbers[at++]!;
          call(...own);
        }
    } catch {
      Atomics.store(control, STATE, FAILED);
    }
    Atomics.store(control, DONE, seen);
  }
}

interface Member {
  readonly worker: StartedWorker;
  readonly control: Int32Array;
  readonly numbers: Float64Array;
  readonly bytes: Uint8Array;
}

/** Workers that call functions over the same memory, and wait for nobody but us. */
export class Team {
  readonly #members: Member[] = [];
  readonly #ids = new Map<unknown, number>();
  readonly #unsent: Uint8Array<ArrayBuffer>[] = [];
  #known = 0;
  #hasFailed = false;

  /** @param modules code and exports of what every worker begins with, in one order */
  constructor(
    { start }: WorkerStarter,
    others: number,
    memory: WebAssembly.Memory,
    modules: readonly { readonly code: Uint8Array<ArrayBuffer>; readonly exports: object }[],
  ) {
    for (const { exports } of modules) this.#number(exports);
    for (let i = 0; i < others; i++) {
      const mailbox = new SharedArrayBuffer(SIZE);
      const worker = start(`const start = (first) => (${work.toString()})(first, ${JSON.stringify(PROTOCOL)});`);
      worker.postMessage({ memory, mailbox, modules: modules.map(({ code }) => code) });
      this.#members.push({
        worker,
        control: new Int32Array(mailbox, 0, HEADER / 4),
        numbers: new Float64Array(mailbox, HEADER),
        bytes: new Uint8Array(mailbox, HEADER),
      });
    }
  }

  #number(exports: object): void {
    // A worker counts all that a module exports, also what another one exports too: the memory.
    for (const call of Object.values(exports)) this.#ids.set(call, this.#known++);
  }

  /** Whether every worker has started. Until then, and after one has failed, everything runs on one thread. */
  get isReady(): boolean {
    return !this.#hasFailed && this.#members.every(({ control }) => Atomics.load(control, STATE) === READY);
  }

  /** Makes a further module's functions known, to workers when they next have something to do. */
  add(code: Uint8Array<ArrayBuffer>, exports: object): void {
    this.#number(exports);
    this.#unsent.push(code);
  }

  /** Calls as numbers, for `run`: each a function, how many numbers it takes, and these. Undefined for what does not fit. */
  encode(functions: readonly Call[], numbers: readonly (readonly number[])[]): Float64Array | undefined {
    if (!functions.every((call) => this.#ids.has(call))) return undefined;
    const list = functions.flatMap((call, i) => [this.#ids.get(call)!, numbers[i]!.length, ...numbers[i]!]);
    return list.length * 8 > SIZE - HEADER ? undefined : Float64Array.from(list);
  }

  /**
   * Has workers make one list of calls each, while we make our own.
   * @throws InternalError when a worker fails or does not answer; what follows runs on one thread then
   */
  run(lists: readonly Float64Array[], own: () => void): void {
    if (this.#unsent.length > 0) this.#send();
    for (let i = 0; i < lists.length; i++) {
      const member = this.#members[i]!;
      member.numbers.set(lists[i]!);
      this.#tell(member, RUN, lists[i]!.length);
    }
    own();
    for (let i = 0; i < lists.length; i++) this.#wait(this.#members[i]!);
  }

  #send(): void {
    for (const code of this.#unsent.splice(0)) {
      for (const member of this.#members) {
        member.bytes.set(code);
        this.#tell(member, COMPILE, code.length);
      }
      for (const member of this.#members) this.#wait(member);
    }
  }

  #tell({ control }: Member, kind: number, length: number): void {
    control[KIND] = kind;
    control[LENGTH] = length;
    Atomics.add(control, ORDER, 1);
    Atomics.notify(control, ORDER);
  }

  #wait({ control }: Member): void {
    const order = Atomics.load(control, ORDER);
    let until = 0;
    for (let look = 1; Atomics.load(control, DONE) !== order; look++) {
      if (look % LOOKS !== 0) continue;
      until ||= performance.now() + PATIENCE;
      if (performance.now() > until) this.#fail(`a worker did not answer for ${PATIENCE / 1000} s`);
    }
    if (Atomics.load(control, STATE) === FAILED) this.#fail("a worker failed");
  }

  #fail(what: string): never {
    this.dispose();
    throw new InternalError(
      `WebAssembly's threads: ${what}; what was begun is not done, and all that follows runs on one thread`,
    );
  }

  dispose(): void {
    this.#hasFailed = true;
    for (const { worker } of this.#members) worker.terminate();
  }
}
