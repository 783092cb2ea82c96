import { type BufferSpec, type Command, type Plan, type View, viewsOf } from "./plan.ts";

/**
 * Lets scratch buffers share memory: two whose lives (first to last command) do not overlap become one buffer.
 * Whole buffers are shared, never parts, because one dispatch may not bind a buffer for reading and for writing.
 * Greedy, in order of first use, each taking the free buffer that wastes least; unused scratch disappears.
 */
export function reuseMemory(plan: Plan): Plan {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  // Derivations use no scratch.
  plan.commands.forEach((command, at) => {
    for (const { buffer } of viewsOf(command)) {
      if (!first.has(buffer)) first.set(buffer, at);
      last.set(buffer, at);
    }
  });

  const kept: BufferSpec[] = [];
  const target = new Map<number, number>();
  plan.buffers.forEach((buffer, id) => {
    if (buffer.role !== "scratch") target.set(id, kept.push(buffer) - 1);
  });

  interface Slot {
    readonly id: number;
    length: number;
    freeAfter: number;
    readonly names: string[];
    readonly dtype: BufferSpec["dtype"];
  }
  const slots: Slot[] = [];
  const scratch = plan.buffers
    .map((buffer, id) => ({ buffer, id }))
    .filter(({ buffer, id }) => buffer.role === "scratch" && first.has(id));
  scratch.sort((a, b) => first.get(a.id)! - first.get(b.id)!);
  for (const { buffer, id } of scratch) {
    const free = slots.filter((slot) => slot.dtype === buffer.dtype && slot.freeAfter < first.get(id)!);
    // Best: the smallest that is large enough, else the largest (it grows least).
    free.sort((a, b) => {
      const [fitsA, fitsB] = [a.length >= buffer.length, b.length >= buffer.length];
      if (fitsA !== fitsB) return fitsA ? -1 : 1;
      return fitsA ? a.length - b.length : b.length - a.length;
    });
    let slot = free[0];
    if (!slot) {
      slot = { id: kept.length + slots.length, length: 0, freeAfter: -1, names: [], dtype: buffer.dtype };
      slots.push(slot);
    }
    slot.length = Math.max(slot.length, buffer.length);
    slot.freeAfter = last.get(id)!;
    if (!slot.names.includes(buffer.name)) slot.names.push(buffer.name);
    target.set(id, slot.id);
  }

  const move = (view: View): View => ({ ...view, buffer: target.get(view.buffer)! });
  const moved = (command: Command): Command => {
    if (command.type === "dispatch") return { ...command, bindings: command.bindings.map(move) };
    return command.type === "copy"
      ? { ...command, from: move(command.from), to: move(command.to) }
      : { ...command, to: move(command.to) };
  };
  const shared = slots.map(({ names, dtype, length }): BufferSpec => {
    const name = names.length > 3 ? `${names.slice(0, 3).join(" | ")} | ${names.length - 3} more` : names.join(" | ");
    return { name, role: "scratch", dtype, length };
  });
  const id = (buffer: number) => target.get(buffer)!;
  return {
    name: plan.name,
    buffers: [...kept, ...shared],
    derivations: (plan.derivations ?? []).map(({ buffer, from, commands }) => ({
      buffer: id(buffer),
      from: from.map(id),
      commands: commands.map(moved),
    })),
    ...(plan.states && {
      states: Object.fromEntries(
        Object.entries(plan.states).map(([name, { before, after }]) => [
          name,
          { before: move(before), after: move(after) },
        ]),
      ),
    }),
    commands: plan.commands.map(moved),
  };
}
