/** Cells around a few lines of WGSL, for tests of the compiler. */
import { defineCell, type FullCell } from "../../src/cells/index.ts";
import { compileCell } from "../../src/wasm/compile/cell-module.ts";
import { instance } from "./compile-run.ts";

let count = 0;

/**
 * A cell without R whose new state h is `result`, made of `v`, its one gate. `before` stands in front of its functions, `body`
 * in front of the result.
 */
export const cellOf = (result: string, { before = "", body = "", acrossUnits = false } = {}): FullCell =>
  defineCell({
    name: `compiled ${count++}`,
    gates: ["a"],
    states: ["h"],
    recurrent: false,
    acrossUnits,
    fragment: {
      source: `// #include "lib/activations.wgsl"
${before}
fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let v = x.a;
  ${body}
  var saved: Saved;
  return Forward(State(${result}), saved);
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward { return Backward(saved, prev); }`,
    },
    // Not what is tested.
    forward: () => ({ state: { h: 0 }, saved: { a: 0 } }),
    backward: () => ({ grads: { a: 0 }, state: { h: 0 } }),
  }) as FullCell;

const forward = { part: "forward", direction: 0, save: false, hasBias: false } as const;

/** What such a cell makes of numbers, one for each unit. */
export function valuesOf(cell: FullCell, of: Float32Array, direction: 0 | 1 = 0): Float32Array {
  const compiled = compileCell(cell, { ...forward, direction });
  if ("refused" in compiled) throw new Error(compiled.refused);
  const H = of.length;
  const bytes = 4 * (H + 4);
  const { run, memory } = instance(compiled.code, Math.ceil((3 * bytes + compiled.scratchBytes(H)) / 65536));
  memory.set(of);
  const [gates, prev, next, scratch] = [0, bytes, 2 * bytes, 3 * bytes];
  run(1, H, gates, 0, 0, 0, 0, 0, scratch, prev, 0, next, 0);
  return memory.slice(next / 4, next / 4 + H);
}

/** Why such a cell is refused; undefined where it is not. */
export function refusalOf(cell: FullCell): string | undefined {
  const compiled = compileCell(cell, forward);
  return "refused" in compiled ? compiled.refused : undefined;
}
