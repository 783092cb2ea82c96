import { DisposedError } from "../errors.ts";
import type { LoadedPlan } from "./backend.ts";

/** How much the plans that are kept loaded may be. */
export interface PlanLimits {
  /** Plans; default 64. */
  readonly count?: number;
  /** Bytes of their own (inputs, outputs, uniforms), scratch not counted; default 256 MiB. */
  readonly bytes?: number;
}

interface Entry {
  readonly loaded: LoadedPlan;
  /** Unloads it. */
  readonly drop: () => void;
  /** Calls that are using it now. */
  uses: number;
}

/** Which loaded plans of a backend stay: the least recently used go first, those in use never. */
export class PlanBudget {
  readonly #limits: Required<PlanLimits>;
  /** In the order of their last use. */
  readonly #entries = new Set<Entry>();
  /** More than there should be, all of them in use. */
  #isOver = false;

  constructor({ count = 64, bytes = 2 ** 28 }: PlanLimits = {}) {
    this.#limits = { count, bytes };
  }

  /** Notes that a plan is being used, and drops others where there are too many. */
  begin(entry: Entry): void {
    entry.uses++;
    const isNew = !this.#entries.delete(entry);
    this.#entries.add(entry);
    if (isNew) this.#trim();
  }

  end(entry: Entry): void {
    entry.uses--;
    if (this.#isOver) this.#trim();
  }

  forget(entry: Entry): void {
    this.#entries.delete(entry);
  }

  #trim(): void {
    let count = this.#entries.size;
    let bytes = [...this.#entries].reduce((sum, { loaded }) => sum + loaded.bytes, 0);
    const isOver = () => count > this.#limits.count || bytes > this.#limits.bytes;
    for (const entry of [...this.#entries]) {
      if (!isOver()) break;
      if (entry.uses > 0) continue;
      count--;
      bytes -= entry.loaded.bytes;
      entry.drop();
    }
    this.#isOver = isOver();
  }
}

/** A plan, and what is to go with it. */
interface Loaded {
  readonly loaded: LoadedPlan;
  dispose?(): void;
}

function disposeOf(made: Loaded): void {
  made.loaded.dispose();
  made.dispose?.();
}

interface Slot<T> {
  readonly loading: Promise<T>;
  /** Once it is loaded. */
  made?: T;
  entry?: Entry;
}

/** Loaded plans by key (their shapes, mostly), each made once; one that could not be made is tried again next time. */
export class LoadedPlans<T extends Loaded> {
  readonly #budget: PlanBudget;
  readonly #byKey = new Map<string, Slot<T>>();
  /** Keys of the plans that `holdAlone` has given. */
  readonly #alone = new Set<string>();
  #disposed = false;

  constructor(budget: PlanBudget) {
    this.#budget = budget;
  }

  /** Calls `use` with the plan of this key, which stays loaded until what it returns is settled. */
  async use<R>(key: string, load: () => Promise<T>, use: (made: T) => R | Promise<R>): Promise<R> {
    const { made, release } = await this.hold(key, load);
    try {
      return await use(made);
    } finally {
      release();
    }
  }

  /** As `use`, and tells when `use` was called: from then on its result is under way. `begun` fails if that never happens. */
  start<R>(
    key: string,
    load: () => Promise<T>,
    use: (made: T) => Promise<R>,
  ): { readonly begun: Promise<void>; readonly result: Promise<R> } {
    let begin = () => {};
    const isBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const result = this.use(key, load, (made) => {
      const value = use(made);
      begin();
      return value;
    });
    return { begun: Promise.race([isBegun, result.then(() => {})]), result };
  }

  /** As `hold`, of a plan that no other call has meanwhile: its states are in its memory. */
  async holdAlone(key: string, load: () => Promise<T>): Promise<{ readonly made: T; release(): void }> {
    let n = 0;
    while (this.#alone.has(`${key} ${n}`)) n++;
    const own = `${key} ${n}`;
    this.#alone.add(own);
    try {
      const { made, release } = await this.hold(own, load);
      return {
        made,
        release: () => {
          release();
          this.#alone.delete(own);
        },
      };
    } catch (error) {
      this.#alone.delete(own);
      throw error;
    }
  }

  /**
   * The plan of this key, which stays loaded until `release` is called.
   * @throws DisposedError when this was disposed meanwhile; what loading the plan throws
   */
  async hold(key: string, load: () => Promise<T>): Promise<{ readonly made: T; release(): void }> {
    if (this.#disposed) throw new DisposedError(`what made the plan of ${key} was disposed; make it again`);
    const slot = this.#byKey.get(key) ?? this.#load(key, load);
    const made = await slot.loading;
    if (this.#byKey.get(key) !== slot) {
      return this.hold(key, load); // another call was done with it, and it had to make room
    }
    slot.entry ??= { loaded: made.loaded, uses: 0, drop: () => this.#drop(key, slot) };
    const { entry } = slot;
    this.#budget.begin(entry);
    return { made, release: () => this.#budget.end(entry) };
  }

  #load(key: string, load: () => Promise<T>): Slot<T> {
    const slot: Slot<T> = { loading: load() };
    this.#byKey.set(key, slot);
    slot.loading.then(
      (made) => {
        slot.made = made;
        if (this.#byKey.get(key) !== slot) disposeOf(made); // unloaded before it was there
      },
      () => {
        if (this.#byKey.get(key) === slot) this.#byKey.delete(key);
      },
    );
    return slot;
  }

  #drop(key: string, slot: Slot<T>): void {
    this.#byKey.delete(key);
    if (slot.entry) this.#budget.forget(slot.entry);
    if (slot.made) disposeOf(slot.made);
  }

  /** Unloads all plans but that of a key. */
  keepOnly(key: string): void {
    for (const [other, slot] of [...this.#byKey]) if (other !== key) this.#drop(other, slot);
  }

  dispose(): void {
    this.#disposed = true;
    for (const [key, slot] of [...this.#byKey]) this.#drop(key, slot);
  }
}
