import { DisposedError, OptionError, shown } from "./errors.ts";
import type { WeightsCopy, WeightsMoment } from "./infer/session.ts";
import { Weights } from "./nn/weights.ts";
import type { Allocation, Backend } from "./plan/backend.ts";
import type { StateDict } from "./tensor-data.ts";
import { WasmBackend } from "./wasm/wasm-backend.ts";

/** WebAssembly beside a runtime's own backend, for sessions that are to run there, with copies of their models' weights. */
export class BesideWasm {
  readonly #own: Backend["kind"];
  readonly #copies = new Map<Weights, Copy>();
  #opening: Promise<WasmBackend> | undefined;
  #backend: WasmBackend | undefined;
  #disposed = false;

  /** @param own the runtime's backend */
  constructor(own: Backend["kind"]) {
    this.#own = own;
  }

  /**
   * The backend, which is opened when it is first asked for.
   * @throws OptionError for another one than `wasm`; NoAdapterError where WebAssembly is not to be had
   */
  async open(on: unknown): Promise<Backend> {
    if (on !== "wasm")
      throw new OptionError(
        `session: on is ${shown(on)}, expected "wasm" or the runtime's own, "${this.#own}"; Runtime.open takes every backend`,
      );
    this.#opening ??= WasmBackend.open();
    try {
      this.#backend = await this.#opening;
    } catch (error) {
      // The next session may try again.
      this.#opening = undefined;
      throw error;
    }
    if (!this.#disposed) return this.#backend;
    this.#backend.dispose();
    throw new DisposedError("the runtime was disposed; open a new one");
  }

  /** The copy of a model's weights, or of those that they are a view of. @throws DisposedError when they were released */
  copyOf(weights: Weights): WeightsCopy {
    weights.check();
    const whole = weights.viewOf ?? weights;
    const copy = this.#copies.get(whole) ?? new Copy(this.#backend!, whole);
    this.#copies.set(whole, copy);
    return weights === whole
      ? copy
      : { weights: new Weights(this.#backend!, weights.model, copy.weights), now: () => copy.now() };
  }

  get allocations(): Iterable<Allocation> {
    return this.#backend?.allocations ?? [];
  }

  /** Gives back what was copied of a model that is released. */
  release(weights: Weights): void {
    this.#copies.get(weights)?.weights.dispose();
    this.#copies.delete(weights);
  }

  dispose(): void {
    this.#disposed = true;
    for (const weights of this.#copies.keys()) this.release(weights);
    this.#backend?.dispose();
  }
}

/** A model's weights on a second backend, as they were at the moment of the call that was last to put them there. */
class Copy implements WeightsCopy {
  readonly weights: Weights;
  readonly #of: Weights;
  /** The latest that was asked for, and the one whose weights are there. */
  #latest: Moment | undefined;
  #held: Moment | undefined;

  constructor(backend: Backend, of: Weights) {
    this.#of = of;
    this.weights = new Weights(backend, of.model, 0, `${of.name} on ${backend.kind}`);
  }

  now(): WeightsMoment {
    if (this.#latest?.version !== this.#of.version || this.#latest.hasFailed)
      this.#latest = new Moment(this.#of, (moment, dict) => {
        if (this.#held === moment) return;
        this.weights.load(dict);
        this.#held = moment;
      });
    return this.#latest;
  }
}

class Moment implements WeightsMoment {
  readonly version: number;
  read: Promise<void> | undefined;
  readonly #put: (moment: Moment, dict: StateDict) => void;
  /** What was read. Kept, because a call that waited longer may put older weights there again. */
  #dict: StateDict | undefined;
  #error: unknown;

  constructor(of: Weights, put: (moment: Moment, dict: StateDict) => void) {
    this.version = of.version;
    this.#put = put;
    this.read = of
      .stateDict()
      .then(
        (dict) => {
          this.#dict = dict;
        },
        (error) => {
          this.#error = error;
        },
      )
      .finally(() => {
        this.read = undefined;
      });
  }

  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  put(): void {
    if (!this.#dict) throw this.#error;
    this.#put(this, this.#dict);
  }
}
