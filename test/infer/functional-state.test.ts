/** A recurrent layer that is written with functions of tensors: trained, streamed, and carried like any other. */
import { expect, test } from "vitest";
import { adam, functional as F, init, Linear, Module, Parameter, type Tensor } from "../../src/index.ts";
import { Numbers } from "../support/against-twin.ts";
import { backendsForTests } from "../support/backends.ts";

const { onEach } = await backendsForTests();

/** A leaky integrator: h = (1 - a)·h + a·tanh(W·x + U·h + b) with a learned rate a for every unit. */
class Leaky extends Module {
  input = new Linear({ inFeatures: 3, outFeatures: 5 });
  recurrent = new Parameter([5, 5], init.uniform(-0.5, 0.5));
  rate = new Parameter([5], init.uniform(-1, 1));
  head = new Linear({ inFeatures: 5, outFeatures: 2 });

  forward(x: Tensor, before?: { h: Tensor }) {
    const [T, B] = x.shape as [number, number];
    const drive = this.input.forward(x);
    const a = this.rate.tensor.sigmoid();
    let h = before?.h.squeeze(0) ?? F.constant(new Array(B * 5).fill(0), { shape: [B, 5] });
    const all: Tensor[] = [];
    for (let t = 0; t < T; t++) {
      const next = drive.select(t).add(h.matmul(this.recurrent.tensor)).tanh();
      h = h.add(next.sub(h).mul(a));
      all.push(h);
    }
    return { logits: this.head.forward(F.stack(all)), state: { h: h.unsqueeze(0) } };
  }
}

onEach(({ open }) => {
  test("a session of single steps and of chunks is the whole sequence", async () => {
    const runtime = await open();
    const model = new Leaky();
    runtime.initialize(model, { seed: 2 });
    const data = new Numbers("leaky").floats(6 * 2 * 3);
    const whole = await runtime.compile(model, {
      inputs: { x: { shape: [6, 2, 3] } },
      forward: ({ x }) => ({ y: model.forward(x).logits }),
    });
    const { y } = await whole.run({ x: { shape: [6, 2, 3], data } });
    for (const T of [1, 3]) {
      const session = await runtime.session(model, { inputs: { x: [T, 2, 3] }, streams: 2 });
      const streamed: number[] = [];
      for (let t = 0; t < 6; t += T) {
        const { logits } = await session.run({ x: { shape: [T, 2, 3], data: data.slice(t * 6, (t + T) * 6) } });
        streamed.push(...logits!.data);
      }
      streamed.forEach((value, i) => {
        expect(Math.abs(value - y.data[i]!), `T ${T} [${i}]`).toBeLessThan(1e-6);
      });
      // A stream that takes no part keeps its state.
      session.active = [1];
      const before = (await session.state()).h!.data.slice(0, 5);
      session.push({ x: { shape: [T, 2, 3], data: data.slice(0, T * 6) } });
      expect((await session.state()).h!.data.slice(0, 5)).toEqual(before);
      session.dispose();
    }
    runtime.dispose();
  });

  test("it learns, with its state carried from window to window", async () => {
    const runtime = await open();
    const model = new Leaky();
    const trainer = runtime.trainer(model, { optimizer: adam({ lr: 0.05 }), carryState: true });
    const numbers = new Numbers("windows");
    let last = 0;
    function* batches() {
      for (;;) {
        // The class of a step is the sign of the first value of the step before, also where that was in another window.
        const x = numbers.floats(4 * 1 * 3);
        const target = Int32Array.from({ length: 4 }, (_, t) => Number((t === 0 ? last : x[3 * (t - 1)]!) > 0));
        last = x[9]!;
        yield { x: { shape: [4, 1, 3], data: x }, target: { shape: [4, 1], data: target } };
      }
    }
    const losses: number[] = [];
    for await (const { loss } of trainer.fit(batches(), { steps: 300 })) losses.push(loss);
    const mean = (some: number[]) => some.reduce((a, b) => a + b, 0) / some.length;
    expect(mean(losses.slice(-30))).toBeLessThan(0.7 * mean(losses.slice(0, 30)));
    runtime.dispose();
  });
});
