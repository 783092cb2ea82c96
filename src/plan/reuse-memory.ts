import { type BufferSpec, type Command, type Plan, type View, viewsOf } from "./plan.ts";

/**
 * Lets scratch buffers share memory: two whose lives (first to last command) do not overlap become one buffer.
 * Whole buffers are shared, never parts, because one dispatch may not bind a buffer for reading and for writing.
 * The largest take their places first, so that no small one that lives long lies in a large place (greedy by size: Pisarchyk and
 * Lee 2020, "Efficient Memory Management for Deep Neural Net Inference"); each takes the smallest place that is free while it
 * lives. Unused scratch disappears.
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
    readonly length: number;
    readonly lives: (readonly [first: number, last: number])[];
    readonly names: string[];
    readonly dtype: BufferSpec["dtype"];
  }
  const slots: Slot[] = [];
  const scratch = plan.buffers
    .map((buffer, id) => ({ buffer, id }))
    .filter(({ buffer, id }) => buffer.role === "scratch" && first.has(id));
  scratch.sort((a, b) => b.buffer.length - a.buffer.length);
  for (const { buffer, id } of scratch) {
    const { name, dtype, length } = buffer;
    const [begin, end] = [first.get(id)!, last.get(id)!];
    const isFree = (slot: Slot) => slot.lives.every(([from, to]) => end < from || begin > to);
    let slot = slots.findLast((one) => one.dtype === dtype && isFree(one));
    if (!slot) {
      slot = { id: kept.length + slots.length, length, lives: [], names: [], dtype };
      slots.push(slot);
    }
    slot.lives.push([begin, end]);
    if (!slot.names.includes(name)) slot.names.push(name);
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
