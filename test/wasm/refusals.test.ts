/** A cell whose WGSL is more than the compiler knows still computes what it says, and the runtime tells why it is slow. */
import { expect, test } from "vitest";
import { defineCell, Recurrent, Runtime } from "../../src/node.ts";

const wave = defineCell({
  name: "wave",
  gates: ["a"],
  states: ["h"],
  forward: (x, r, prev) => ({ state: { h: Math.sin(x.a + r.a) + prev.h }, saved: { a: Math.cos(x.a + r.a) } }),
  backward: (saved, _prev, grad) => ({ grads: { a: grad.h * saved.a }, state: { h: grad.h } }),
  fragment: {
    source: `fn cellForward(x: Gates, r: Gates, prev: State, p: Learned) -> Forward {
  let s = x.a + r.a;
  return Forward(State(sin(s) + prev.h), Saved(cos(s)));
}
fn cellBackward(saved: Saved, prev: State, grad: State, p: Learned) -> Backward {
  return Backward(Saved(grad.h * saved.a), State(grad.h));
}`,
  },
});

test("info says which cell runs its twin, and for which line", async () => {
  const x = { shape: [3, 2, 2], data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)) };
  const outputs: ArrayLike<number>[] = [];
  for (const backend of ["wasm", "cpu"] as const) {
    const runtime = await Runtime.open({ backend });
    expect(runtime.info().refusals).toBeUndefined();
    const model = new Recurrent({ cell: wave, inputSize: 2, hiddenSize: 5 });
    outputs.push((await runtime.predict(model, x)).output.data);
    expect(runtime.info().refusals).toEqual(
      backend === "wasm" ? ['cell "wave" runs its twin, slowly: line 3: sin is not for WebAssembly'] : undefined,
    );
    runtime.dispose();
  }
  const [wasm, cpu] = outputs;
  for (let i = 0; i < cpu!.length; i++) expect(Math.abs(wasm![i]! - cpu![i]!)).toBeLessThan(1e-5);
});
