import { rowOffsets } from "../data/batch.ts";
import { ShapeError, StateDictError } from "../errors.ts";
import { type CarriedSpec, carryName } from "../graph/trace.ts";
import type { Backend, DeviceBuffer, Memory, Owner } from "../plan/backend.ts";
import {
  type DType,
  type NumberArray,
  type Shape,
  type StateDict,
  sameShape,
  showShape,
  sizeOf,
} from "../tensor-data.ts";

interface State {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly parts: readonly { readonly name: string; readonly shape: Shape }[];
}

/**
 * States that go on from call to call, by path, in memory of their own that several plans may share. Memory is made when a plan
 * is loaded that carries them; values that are set before that wait for it.
 */
export class CarriedState {
  readonly #backend: Backend;
  readonly #owner: Owner;
  readonly #states = new Map<string, State>();
  readonly #buffers = new Map<string, DeviceBuffer>();
  #waiting: StateDict = {};

  constructor(backend: Backend, owner: Owner) {
    this.#backend = backend;
    this.#owner = owner;
  }

  /** Whether a plan carries a state that is there in another shape. */
  fits(specs: readonly CarriedSpec[]): boolean {
    return specs.every(({ path, shape }) => {
      const known = this.#shapeOf(path);
      return !known || sameShape(known, shape);
    });
  }

  #shapeOf(path: string): Shape | undefined {
    return this.#states.get(path)?.shape ?? this.#waiting[path]?.shape;
  }

  /** @throws ShapeError when a plan carries a state that is there in another shape */
  check(specs: readonly CarriedSpec[]): void {
    for (const { path, shape } of specs) {
      const known = this.#shapeOf(path);
      if (known && !sameShape(known, shape))
        throw new ShapeError(
          `the carried state ${path} is ${showShape(known)}, this batch needs ${showShape(shape)}; keep the number of rows, or train with carryState: false`,
        );
    }
  }

  /** The memory of a plan that carries these states; `rest` is that of everything else. */
  memory(specs: readonly CarriedSpec[], rest: Memory): Memory {
    const pathOf = new Map(specs.flatMap((spec) => spec.parts.map(({ name }) => [name, spec] as const)));
    return {
      find: (spec) => (spec.role === "state" ? this.#buffers.get(spec.name) : rest.find(spec)),
      ownerOf: (spec) => (spec.role === "state" ? this.#owner : rest.ownerOf(spec)),
      keep: (buffer) => {
        if (buffer.role !== "state") return rest.keep(buffer);
        this.#buffers.set(buffer.name, buffer);
        const spec = pathOf.get(buffer.name);
        if (spec) this.#take(spec);
      },
    };
  }

  /** Notes a state once all of its parts have memory, and writes what waited for that. */
  #take({ path, shape, parts }: CarriedSpec): void {
    if (!parts.every(({ name }) => this.#buffers.has(name))) return;
    const { dtype } = parts[0]!.to;
    this.#states.set(path, { shape, dtype, parts: parts.map(({ name, to }) => ({ name, shape: to.shape })) });
    const waiting = this.#waiting[path];
    delete this.#waiting[path];
    if (waiting) this.#write(path, waiting.data);
  }

  /** Sets a state. @param data of all its parts, one after the other */
  #write(path: string, data: NumberArray): void {
    let at = 0;
    for (const { name, shape } of this.#states.get(path)!.parts) {
      const size = sizeOf(shape);
      this.#backend.write(this.#buffers.get(name)!, data.subarray(at, at + size));
      at += size;
    }
  }

  /** In the order in which `values` wants their numbers. */
  get buffers(): readonly DeviceBuffer[] {
    return [...this.#states.values()].flatMap(({ parts }) => parts.map(({ name }) => this.#buffers.get(name)!));
  }

  /**
   * Sets the states to what they begin with, in all rows or in some.
   * @param starts by path, where that is not zero
   * @throws ShapeError for a row that is not there
   */
  reset(rows?: readonly number[], starts: Readonly<Record<string, NumberArray>> = {}): void {
    if (rows === undefined) {
      this.#waiting = {};
      for (const [path, { shape, dtype }] of this.#states) this.#write(path, starts[path] ?? zeros(dtype, shape));
      return;
    }
    // All of them are looked at before the first is written.
    const writes = [...this.#states].flatMap(([path, { parts, dtype }]) => {
      let begin = 0;
      return parts.flatMap(({ name, shape }) => {
        const offsets = rowOffsets(path, shape, rows);
        const from = begin;
        begin += sizeOf(shape);
        const row = shape[2]!;
        return offsets.map((at) => () => {
          const data = starts[path]?.subarray(from + at, from + at + row) ?? zeros(dtype, [row]);
          this.#backend.write(this.#buffers.get(name)!, data, at);
        });
      });
    });
    for (const write of writes) write();
  }

  /** The states as `carry.<path>`, from the numbers of `buffers`. */
  stateDict(values: readonly NumberArray[]): StateDict {
    const dict: StateDict = {};
    let next = 0;
    for (const [path, { shape, dtype, parts }] of this.#states) {
      const data = zeros(dtype, shape, values[next]);
      let at = 0;
      for (const _ of parts) {
        const value = values[next++]!;
        data.set(value, at);
        at += value.length;
      }
      dict[carryName(path)] = { shape, data };
    }
    for (const [path, tensor] of Object.entries(this.#waiting)) dict[carryName(path)] = tensor;
    return dict;
  }

  /** @throws StateDictError when states, by path, do not have the shapes that they have here */
  checkDict(states: StateDict): void {
    for (const [path, { shape }] of Object.entries(states)) {
      const known = this.#states.get(path);
      if (known && !sameShape(known.shape, shape)) {
        throw new StateDictError(
          `carry.${path} has shape ${showShape(shape)}, this trainer's is ${showShape(known.shape)}; resume with the same batch size`,
        );
      }
    }
  }

  /** Sets the states, by path; those that are not given start at zero. */
  load(states: StateDict): void {
    this.reset();
    for (const [path, tensor] of Object.entries(states)) {
      if (this.#states.has(path)) this.#write(path, tensor.data);
      else this.#waiting[path] = tensor;
    }
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#backend.free(buffer);
    this.#buffers.clear();
    this.#states.clear();
  }
}

/** As the values that they stand beside, float64 on the CPU. */
function zeros(dtype: DType, shape: Shape, like?: NumberArray): NumberArray {
  if (dtype === "i32") return new Int32Array(sizeOf(shape));
  return like instanceof Float64Array ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
}
