import { InternalError, LimitError, OptionError } from "../errors.ts";
import { kernelOf } from "../kernels/kernel.ts";
import { copyStrided } from "../kernels/strided-copy.ts";
import type { BufferSpec, Command, Derivation, Plan, Role, Target, View } from "../plan/plan.ts";
import { showBytes } from "../plan/print-plan.ts";
import { reuseMemory } from "../plan/reuse-memory.ts";
import { bytesOf, type DType, type PackedDType, type Shape, showShape } from "../tensor-data.ts";
import { differentiableTensors, nodesBefore } from "./dependencies.ts";
import type { Differentiation } from "./differentiation.ts";
import { type Emitter, part } from "./op.ts";
import { type ParameterLayout, pageName } from "./parameter-layout.ts";
import { constantTensor, type Node, type Tensor } from "./tensor.ts";
import type { LearnedParameters } from "./update-parameters.ts";

/** What a plan is made from. */
export interface Program {
  readonly name: string;
  readonly target: Target;
  readonly layout: ParameterLayout;
  /** Tensors that the host may read after a replay, by name. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Tensors that are computed for what computing them leaves in states. */
  readonly effects?: readonly Tensor[];
  /** Values that become the state of the next replay. */
  readonly carries?: readonly { readonly from: Tensor; readonly to: Tensor }[];
  /**
   * Let the states of recurrent layers lie in rings of slots, where a replay leaves them as the next one reads them. For calls
   * of one step, which read one slot and write another: which of the two plans that take turns this is.
   */
  readonly ring?: 0 | 1;
  /** Recurrent layers keep h and few of their cell states, and compute again what else backward needs. Default false. */
  readonly recompute?: boolean;
  /** Carried states that lie elsewhere, by name: in a ring of another plan. */
  readonly places?: Readonly<
    Record<string, { readonly buffer: string; readonly length: number; readonly offset: number }>
  >;
  /** The scalar to differentiate; its gradient by itself is 1. */
  readonly loss?: Tensor;
  /** Or: gradients by some tensors, given as inputs. */
  readonly seeds?: readonly { readonly of: Tensor; readonly gradient: Tensor }[];
  /** Inputs whose gradients become the outputs `grad.<name>`. */
  readonly wanted?: Readonly<Record<string, Tensor>>;
  /** Needed for a loss or seeds. */
  readonly differentiation?: Differentiation;
  /** Differentiate by the parameters, or by some of them. */
  readonly parameters?: boolean | ((parameter: object) => boolean);
  /** What is done with their gradients then, such as `updateParameters`; default: those that the plan has none for are cleared. */
  readonly withGradients?: (parameters: LearnedParameters) => void;
}

/** Each takes 256 bytes of uniforms on most adapters, and some microseconds. */
export const MOST_COMMANDS = 2 ** 18;

/** A tensor's name in a printed plan. */
function nameOf({ source, node }: Tensor): string {
  if (!source) return node!.label;
  return source.kind === "parameter" ? source.parameter.name : source.name;
}

class PlanBuilder implements Emitter {
  readonly target: Target;
  readonly buffers: BufferSpec[] = [];
  readonly commands: Command[] = [];
  readonly #derivations: Derivation[] = [];
  readonly #program: Program;
  readonly #views = new Map<Tensor, View>();
  readonly #outputNames = new Map<Tensor, string>();
  readonly #named = new Map<string, View>();
  readonly #once = new Map<Tensor, Map<string, View>>();
  readonly #used = new Set<Tensor>();
  #differentiable: ReadonlySet<Tensor> = new Set();
  readonly #gradients = new Map<Tensor, View>();
  readonly #states: Record<string, { before: View; after: View }> = {};
  nodes: readonly Node[] = [];
  ends: readonly Tensor[] = [];
  readonly ring: Emitter["ring"];
  readonly recompute: boolean;
  readonly weightDtype: PackedDType | undefined;

  constructor(program: Program) {
    this.#program = program;
    ({ target: this.target, ring: this.ring, recompute: this.recompute = false } = program);
    this.weightDtype = program.layout.weightDtype;
  }

  #buffer(name: string, role: Role, length: number, dtype: DType = "f32", initial?: readonly number[]): View {
    const bytes = length * bytesOf(dtype);
    if (bytes > this.target.maxBufferSize) {
      throw new LimitError(
        `plan "${this.#program.name}": ${name} needs ${showBytes(bytes)} in one buffer, this adapter allows ${showBytes(this.target.maxBufferSize)}; a batch or window ${Math.ceil(bytes / this.target.maxBufferSize)} times smaller fits`,
      );
    }
    this.buffers.push({ name, role, dtype, length, ...(initial && { initial }) });
    return { buffer: this.buffers.length - 1, offset: 0, length };
  }

  /** The buffer of this name, made at the first call. */
  #shared(name: string, role: Role, length: number, dtype: DType = "f32"): View {
    const view = this.#named.get(name) ?? this.#buffer(name, role, length, dtype);
    this.#named.set(name, view);
    return view;
  }

  emit(...commands: readonly Command[]): void {
    for (const command of commands) this.commands.push(this.#withoutAliases(this.#checked(command)));
  }

  expect(count: number): void {
    if (this.commands.length + count > MOST_COMMANDS)
      throw new LimitError(
        `plan "${this.#program.name}" needs more than ${MOST_COMMANDS} commands (${this.commands.length + count} so far); choose a shorter window or chunk`,
      );
  }

  #checked(command: Command): Command {
    const { name } = this.#program;
    this.expect(1);
    const most = this.target.maxWorkgroups;
    if (command.type === "dispatch" && command.grid.some((n) => n > most)) {
      throw new LimitError(
        `plan "${name}": ${command.label} needs ${command.grid.join("x")} workgroups, this adapter allows ${most} along an axis; choose a smaller batch, window or model`,
      );
    }
    return command;
  }

  /**
   * A command may not read a buffer that it writes, not even elsewhere in it. This happens where gradients lie side by
   * side, such as those of two states that are one tensor: what is read is then copied out first.
   */
  #withoutAliases(command: Command): Command {
    if (command.type === "clear") return command;
    const copied = (view: View): View => {
      const to = this.scratch("copy of what a command writes", view.length);
      this.commands.push({ type: "copy", label: command.label, from: view, to });
      return to;
    };
    if (command.type === "copy")
      return command.from.buffer === command.to.buffer ? { ...command, from: copied(command.from) } : command;
    const access = kernelOf(command).bindings.map((binding) => binding.access);
    const written = new Set(command.bindings.filter((_, i) => access[i] !== "read").map(({ buffer }) => buffer));
    const shared = (view: View, i: number) => access[i] === "read" && written.has(view.buffer);
    if (!command.bindings.some(shared)) return command;
    return { ...command, bindings: command.bindings.map((view, i) => (shared(view, i) ? copied(view) : view)) };
  }

  #leaf(tensor: Tensor): View {
    const { source } = tensor;
    if (!source) throw new InternalError(`plan "${this.#program.name}": a tensor is read before it is computed`);
    if (source.kind === "constant")
      return this.#buffer(source.name, "constant", tensor.size, tensor.dtype, source.values);
    const place = source.kind === "state" ? this.#program.places?.[source.name] : undefined;
    if (place) return part(this.#shared(place.buffer, "state", place.length, tensor.dtype), place.offset, tensor.size);
    if (source.kind !== "parameter") return this.#shared(source.name, source.kind, tensor.size, tensor.dtype);
    return this.#parameterPart("parameter", source.parameter);
  }

  #parameterPart(role: "parameter" | "gradient", parameter: { readonly name: string; readonly shape: Shape }): View {
    const { places, pages } = this.#program.layout;
    const place = places.get(parameter);
    if (!place)
      throw new OptionError(
        `plan "${this.#program.name}": a layer is used that is not found in the model (its parameter is "${parameter.name}", ${showShape(parameter.shape)}); layers are fields of the model, or lie in arrays or plain objects in its fields, before it is first used: not in Maps or #private fields, not made in forward, and not another model's`,
      );
    return part(this.#shared(pageName[role](place.page), role, pages[place.page]!), place.offset, place.length);
  }

  view(tensor: Tensor): View {
    const view = this.#views.get(tensor) ?? this.#leaf(tensor);
    this.#views.set(tensor, view);
    return view;
  }

  allocate(tensor: Tensor, name: string): View {
    const output = this.#outputNames.get(tensor);
    const view =
      output === undefined
        ? this.#buffer(name, "scratch", tensor.size, tensor.dtype)
        : this.#shared(output, "output", tensor.size, tensor.dtype);
    this.#views.set(tensor, view);
    return view;
  }

  define(tensor: Tensor, view: View): void {
    this.#views.set(tensor, view);
  }

  scratch(what: string, length: number, dtype: DType = "f32"): View {
    return this.#buffer(what, "scratch", length, dtype);
  }

  once(tensor: Tensor, kind: string, make: () => View): View {
    const kinds = this.#once.get(tensor) ?? new Map<string, View>();
    this.#once.set(tensor, kinds);
    const view = kinds.get(kind) ?? make();
    kinds.set(kind, view);
    return view;
  }

  derived(
    tensor: Tensor,
    kind: string,
    length: number,
    make: (to: View) => readonly Command[],
    others: readonly Tensor[] = [],
    dtype?: DType,
  ): View {
    const all = [tensor, ...others];
    return this.once(tensor, [kind, ...others.map(({ id }) => id)].join(" "), () => {
      if (all.some(({ source }) => source?.kind !== "parameter")) {
        const to = this.scratch(`${nameOf(tensor)} ${kind}`, length, dtype);
        this.emit(...make(to));
        return to;
      }
      const from = all.map((one) => this.view(one));
      // The places tell parameters apart, also where two bear one name.
      const places = from.map(({ buffer, offset }) => `${this.buffers[buffer]!.name}+${offset}`).join(", ");
      const to = this.#shared(`${nameOf(tensor)} ${kind} (${places})`, "derived", length, dtype);
      this.#derivations.push({
        buffer: to.buffer,
        from: [...new Set(from.map(({ buffer }) => buffer))],
        commands: make(to).map((c) => this.#checked(c)),
      });
      return to;
    });
  }

  carriedFrom(state: Tensor): Tensor | undefined {
    return this.#program.carries?.find(({ to }) => to === state)?.from;
  }

  state(name: string, length: number): View {
    return this.#shared(name, "state", length);
  }

  keepIn(state: Tensor, before: View, after: View): void {
    const { source } = state;
    if (source?.kind !== "state") throw new InternalError(`plan "${this.#program.name}": what is kept is no state`);
    this.#views.set(state, before);
    this.#states[source.name] = { before, after };
  }

  isUsed(tensor: Tensor): boolean {
    return this.#used.has(tensor);
  }

  needsGradient(tensor: Tensor | undefined): tensor is Tensor {
    return tensor !== undefined && this.#differentiable.has(tensor);
  }

  gradient(tensor: Tensor): View | undefined {
    return this.#gradients.get(tensor);
  }

  isLoss(tensor: Tensor): boolean {
    return tensor === this.#program.loss;
  }

  gradientInto(tensor: Tensor): { view: View; accumulate: boolean } {
    const existing = this.#gradients.get(tensor);
    if (existing) return { view: existing, accumulate: true };
    const { source } = tensor;
    const view =
      source?.kind === "parameter"
        ? this.#parameterPart("gradient", source.parameter)
        : this.#buffer(`gradient of ${nameOf(tensor)}`, "scratch", tensor.size);
    this.#gradients.set(tensor, view);
    return { view, accumulate: false };
  }

  contribute(tensor: Tensor, view: View): void {
    if (!this.#gradients.has(tensor) && tensor.source?.kind !== "parameter") {
      this.#gradients.set(tensor, { ...view, length: tensor.size });
      return;
    }
    const { view: to, accumulate } = this.gradientInto(tensor);
    this.#put("add gradients", { ...view, length: tensor.size }, to, accumulate);
  }

  build(): Plan {
    const { name, outputs, effects = [], carries = [], loss, seeds = [], wanted = {} } = this.#program;
    const differentiated = [...(loss ? [loss] : []), ...seeds.map(({ of }) => of)];
    const ends = [...Object.values(outputs), ...effects, ...carries.map(({ from }) => from), ...differentiated];
    const nodes = nodesBefore(ends);
    this.nodes = nodes;
    this.ends = ends;
    for (const tensor of ends) this.#used.add(tensor);
    for (const { inputs } of nodes) for (const input of inputs) if (input) this.#used.add(input);
    for (const [output, tensor] of Object.entries(outputs))
      if (tensor.node && !this.#outputNames.has(tensor)) this.#outputNames.set(tensor, output);
    const { parameters = false } = this.#program;
    const isLearned = (parameter: object) => (typeof parameters === "function" ? parameters(parameter) : parameters);
    const by = new Set(Object.values(wanted));
    const isStart = (tensor: Tensor) =>
      by.has(tensor) || (tensor.source?.kind === "parameter" && isLearned(tensor.source.parameter));
    this.#differentiable = differentiableTensors(differentiated, isStart);

    const saved = new Map<Node, unknown>();
    for (const node of nodes) saved.set(node, node.op.forward(node, this));
    for (const { of, gradient } of seeds) this.#seed(of, gradient);
    if (loss && !(loss.node?.op.startsGradient && loss === loss.node.outputs[0]))
      this.#seed(loss, constantTensor("one", [1], loss.shape));
    for (const node of [...nodes].reverse()) {
      if (node.outputs.some((tensor) => this.needsGradient(tensor))) this.#backward(node, saved.get(node));
    }
    for (const [input, tensor] of Object.entries(wanted))
      this.#output(`grad.${input}`, tensor.size, this.#gradients.get(tensor));
    const { withGradients } = this.#program;
    if (withGradients) withGradients(this.#learnedParameters());
    else if (parameters) this.#differentiation.clearOtherGradients(this.#learnedParameters());
    this.#carry(carries);
    for (const [output, tensor] of Object.entries(outputs)) {
      const { name, role } = this.buffers[this.view(tensor).buffer]!;
      if (role !== "output" || name !== output) this.#output(output, tensor.size, this.view(tensor), tensor.dtype);
    }
    const { buffers, commands } = this;
    return reuseMemory({ name, buffers, derivations: this.#derivations, states: this.#states, commands });
  }

  /** Copied, because ops may add to the gradient and the host's input must stay as it is. */
  #seed(of: Tensor, gradient: Tensor): void {
    if (!this.needsGradient(of)) return;
    const { view: to, accumulate } = this.gradientInto(of);
    this.#put("gradient given", { ...this.view(gradient), length: of.size }, to, accumulate);
  }

  /** Copies numbers, or adds them to what is there. */
  #put(label: string, from: View, to: View, accumulate: boolean): void {
    const lengths = [1, 1, 1, from.length] as const;
    const strides = [0, 0, 0, 1] as const;
    if (accumulate) this.emit(copyStrided(this.target, { label, from, to, lengths, strides, accumulate }));
    else this.emit({ type: "copy", label, from, to });
  }

  #backward(node: Node, saved: unknown): void {
    const isEnd = node.outputs.some((tensor) => this.isLoss(tensor));
    if (!isEnd && !node.outputs.some((tensor) => this.#gradients.has(tensor))) return;
    if (node.op.backwardElsewhere) this.#differentiation.backward[node.op.name]!(node, this, saved);
    else node.op.backward?.(node, this, saved);
  }

  get #differentiation(): Differentiation {
    const { name, differentiation } = this.#program;
    if (!differentiation) throw new InternalError(`plan "${name}": it has gradients, and was given no differentiation`);
    return differentiation;
  }

  /** Copies a value to where the host can read it; zero when nothing depends on it. */
  #output(name: string, length: number, from: View | undefined, dtype: DType = "f32"): void {
    const to = this.#shared(name, "output", length, dtype);
    if (from) this.emit({ type: "copy", label: name, from: { ...from, length }, to });
    else this.emit({ type: "clear", label: name, to });
  }

  /** One parallel assignment: what one copy overwrites and another one reads is copied out first. */
  #carry(carries: NonNullable<Program["carries"]>): void {
    const copies = carries
      .filter(({ from, to }) => from !== to && !(to.source?.kind === "state" && to.source.name in this.#states))
      .map(({ from, to }) => {
        const target = this.view(to);
        return { from: { ...this.view(from), length: target.length }, to: target };
      });
    const overwritten = new Set(copies.map(({ to }) => to.buffer));
    const kept = copies.map(({ from }) => {
      if (!overwritten.has(from.buffer)) return from;
      const copy = this.scratch("carried state", from.length, this.buffers[from.buffer]!.dtype);
      this.emit({ type: "copy", label: "carry", from, to: copy });
      return copy;
    });
    copies.forEach(({ to }, i) => {
      this.emit({ type: "copy", label: "carry", from: kept[i]!, to });
    });
  }

  /** What is done with gradients begins with: the parameters as they stand after the backward pass. */
  #learnedParameters(): LearnedParameters {
    const learned = new Set<object>();
    for (const { source } of this.#gradients.keys()) if (source?.kind === "parameter") learned.add(source.parameter);
    return {
      target: this.target,
      layout: this.#program.layout,
      learned,
      view: (tensor) => this.view(tensor),
      emit: (...commands) => this.emit(...commands),
      scratch: (what, length) => this.scratch(what, length),
      shared: (name, role, length) => this.#shared(name, role, length),
    };
  }
}

/**
 * Differentiates and schedules: from symbolic tensors to a plan. Pure; needs no GPU.
 * @throws LimitError when a buffer would pass the target's limit
 */
export const buildPlan = (program: Program): Plan => new PlanBuilder(program).build();
