import { rowOffsets } from "../data/batch.ts";
import { ShapeError, StateDictError } from "../errors.ts";
import { carryName } from "../graph/trace.ts";
import type { Backend, DeviceBuffer } from "../plan/backend.ts";
import { type Shape, type StateDict, sameShape, showShape, sizeOf } from "../tensor-data.ts";

interface Carry {
  readonly shape: Shape;
  readonly buffer: DeviceBuffer;
}

/** The states that go on from batch to batch, by path, each in memory of its own that all plans share. */
export class Carries {
  readonly #backend: Backend;
  readonly #byPath = new Map<string, Carry>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  #add(path: string, shape: Shape): Carry {
    const carry = { shape, buffer: this.#backend.allocate(carryName(path), "f32", sizeOf(shape)) };
    this.#byPath.set(path, carry);
    return carry;
  }

  /** Makes room for what is not there yet. @throws ShapeError for a state that is there in another shape */
  make(states: readonly { readonly path: string; readonly shape: Shape }[]): void {
    for (const { path, shape } of states) {
      const known = this.#byPath.get(path);
      if (known && !sameShape(known.shape, shape)) {
        throw new ShapeError(
          `the carried state ${path} is ${showShape(known.shape)}, this batch needs ${showShape(shape)}; keep the number of rows, or train with carryState: false`,
        );
      }
      if (!known) this.#add(path, shape);
    }
  }

  get buffers(): readonly DeviceBuffer[] {
    return [...this.#byPath.values()].map(({ buffer }) => buffer);
  }

  /** Sets the states to zero, in all rows or in some. @throws ShapeError for a row that is not there */
  reset(rows?: readonly number[]): void {
    for (const [path, { shape, buffer }] of this.#byPath) {
      if (rows === undefined) this.#backend.write(buffer, new Float32Array(sizeOf(shape)));
      else for (const at of rowOffsets(path, shape, rows)) this.#backend.write(buffer, new Float32Array(shape[2]!), at);
    }
  }

  /** The states as `carry.<path>`. */
  async stateDict(): Promise<StateDict> {
    const carries = [...this.#byPath];
    const values = await this.#backend.read(this.buffers);
    return Object.fromEntries(carries.map(([path, { shape }], i) => [carryName(path), { shape, data: values[i]! }]));
  }

  /** @throws StateDictError when states, by path, do not have the shapes that they have here */
  check(states: StateDict): void {
    for (const [path, { shape }] of Object.entries(states)) {
      const known = this.#byPath.get(path);
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
    for (const [path, { shape, data }] of Object.entries(states))
      this.#backend.write((this.#byPath.get(path) ?? this.#add(path, shape)).buffer, data);
  }

  dispose(): void {
    for (const buffer of this.buffers) this.#backend.free(buffer);
  }
}
