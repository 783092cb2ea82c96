/** Cells that no layer has, with more of everything than the others: what the engine promises any cell. */
import { defineCell, type FullCell } from "../../src/cells/index.ts";

/** Three states, two learned vectors, a kept value, and two products that stand separate. */
const separate = defineCell({
  name: "invented, with separate products",
  gates: ["a", "b", "c"],
  separate: ["rb", "rc"],
  states: ["h", "p", "q"],
  kept: ["k"],
  learned: [{ name: "u" }, { name: "v" }],
  fragment: {
    source: `
fn cellForward(x: Gates, recurrent: Gates, prev: State, learned: Learned) -> Forward {
  let a = x.a + recurrent.a;
  let b = x.b + 2.0 * recurrent.b;
  let c = x.c - recurrent.c * a * learned.u;
  let state = State(a + prev.p, b * prev.h, c - 3.0 * prev.q + learned.v);
  return Forward(state, Saved(a, b, c, 4.0 * recurrent.b, recurrent.c, prev.p, 0.5 * prev.q, a - c));
}

fn cellBackward(saved: Saved, prev: State, grad: State, learned: Learned) -> Backward {
  var grads = Saved(grad.h * saved.a, grad.p + saved.b, grad.q - saved.c, prev.h * saved.rb, grad.p + saved.rc,
    saved.u * learned.v, saved.v - learned.u, saved.k);
  return Backward(grads, State(prev.p - grad.h, prev.q + grad.h, saved.k * grad.p));
}
`,
  },
  forward(x, r, prev, learned) {
    const a = x.a! + r.a!;
    const b = x.b! + 2 * r.b!;
    const c = x.c! - r.c! * a * learned.u!;
    return {
      state: { h: a + prev.p!, p: b * prev.h!, q: c - 3 * prev.q! + learned.v! },
      saved: { a, b, c, rb: 4 * r.b!, rc: r.c!, u: prev.p!, v: 0.5 * prev.q!, k: a - c },
    };
  },
  backward: (saved, prev, grad, learned) => ({
    grads: {
      a: grad.h! * saved.a!,
      b: grad.p! + saved.b!,
      c: grad.q! - saved.c!,
      rb: prev.h! * saved.rb!,
      rc: grad.p! + saved.rc!,
      u: saved.u! * learned.v!,
      v: saved.v! - learned.u!,
      k: saved.k!,
    },
    state: { h: prev.p! - grad.h!, p: prev.q! + grad.h!, q: saved.k! * grad.p! },
  }),
});

/** Two of four gates read an intermediate vector that is made of everything. */
const intermediate = defineCell({
  name: "invented, with an intermediate product",
  gates: ["a", "b", "c", "d"],
  states: ["h", "p"],
  kept: ["m", "n"],
  learned: [{ name: "u" }],
  fragment: {
    source: `
fn cellIntermediate(x: Gates, prev: State, learned: Learned) -> Real {
  return x.a * prev.h - learned.u * prev.p + 0.5 * x.b + 0.25 * x.d;
}

fn cellForward(x: Gates, recurrent: Gates, prev: State, learned: Learned) -> Forward {
  let c = x.c + recurrent.c;
  let d = x.d - recurrent.d;
  let state = State(x.a * c + prev.p * learned.u, d - x.b * prev.h);
  return Forward(state, Saved(x.a, x.b, c, d, prev.h * d, c + d, c - d));
}

fn cellBackward(saved: Saved, prev: State, grad: State, learned: Learned) -> Backward {
  var grads = saved;
  grads.c = grad.h * saved.a;
  grads.d = grad.p + saved.d;
  grads.u = grad.h * prev.p;
  grads.m = saved.m + grad.p;
  return Backward(grads, State(grad.p * saved.b, grad.h * learned.u));
}

fn cellIntermediateBackward(saved: Saved, prev: State, grad: Real, learned: Learned) -> Backward {
  var grads = saved;
  grads.a = grad * prev.h + saved.m;
  grads.b = 0.5 * grad - saved.n;
  grads.u = saved.u - grad * prev.p;
  return Backward(grads, State(grad * saved.n, -grad * learned.u));
}
`,
  },
  forward(x, r, prev, learned) {
    const c = x.c! + r.c!;
    const d = x.d! - r.d!;
    return {
      state: { h: x.a! * c + prev.p! * learned.u!, p: d - x.b! * prev.h! },
      saved: { a: x.a!, b: x.b!, c, d, u: prev.h! * d, m: c + d, n: c - d },
    };
  },
  backward: (saved, prev, grad, learned) => ({
    grads: {
      ...saved,
      c: grad.h! * saved.a!,
      d: grad.p! + saved.d!,
      u: grad.h! * prev.p!,
      m: saved.m! + grad.p!,
    },
    state: { h: grad.p! * saved.b!, p: grad.h! * learned.u! },
  }),
  intermediate: {
    gates: 2,
    forward: (x, prev, learned) => x.a! * prev.h! - learned.u! * prev.p! + 0.5 * x.b! + 0.25 * x.d!,
    backward: (saved, prev, grad, learned) => ({
      grads: {
        ...saved,
        a: grad * prev.h! + saved.m!,
        b: 0.5 * grad - saved.n!,
        u: saved.u! - grad * prev.p!,
      },
      state: { h: grad * saved.n!, p: -grad * learned.u! },
    }),
  },
});

/** No R, and means over the units of a row, which depend on each other. */
const alone = defineCell({
  name: "invented, without R, with means",
  gates: ["a", "b"],
  states: ["h", "p"],
  recurrent: false,
  acrossUnits: true,
  learned: [{ name: "u" }],
  fragment: {
    source: `
fn cellForward(x: Gates, recurrent: Gates, prev: State, learned: Learned) -> Forward {
  let mean = meanOverUnits(x.a * learned.u);
  let b = x.b - meanOverUnits(prev.p + mean) + recurrent.b;
  return Forward(State(b * prev.h + mean, x.a - prev.p), Saved(x.a, b, Real(mean)));
}

fn cellBackward(saved: Saved, prev: State, grad: State, learned: Learned) -> Backward {
  let mean = meanOverUnits(grad.h * saved.a);
  return Backward(Saved(grad.p - mean, grad.h * prev.h, saved.u * prev.p), State(grad.h * saved.b, mean - grad.p));
}
`,
  },
  forward(x, r, prev, learned, unit) {
    const mean = unit.mean(x.a! * learned.u!);
    const b = x.b! - unit.mean(prev.p! + mean) + r.b!;
    return { state: { h: b * prev.h! + mean, p: x.a! - prev.p! }, saved: { a: x.a!, b, u: mean } };
  },
  backward(saved, prev, grad, _learned, unit) {
    const mean = unit.mean(grad.h! * saved.a!);
    return {
      grads: { a: grad.p! - mean, b: grad.h! * prev.h!, u: saved.u! * prev.p! },
      state: { h: grad.h! * saved.b!, p: mean - grad.p! },
    };
  },
});

export const inventedCells: readonly FullCell[] = [separate, intermediate, alone];
