// Deliberate mistakes in the kernels of recurrent layers. `edits` are [text, replacement], made one after the other; each
// text must stand in the file exactly once.

/** @type {readonly { name: string, file: string, edits: readonly (readonly [string, string])[] }[]} */
export const mutations = [
  {
    name: "LSTM: gates i and f swapped",
    file: "cells/lstm.wgsl",
    edits: [
      ["let vi = x.i + r.i +", "let vi = x.f + r.f +"],
      ["let vf = x.f + r.f +", "let vf = x.i + r.i +"],
    ],
  },
  {
    name: "GRU: gates r and z swapped",
    file: "cells/gru.wgsl",
    edits: [
      ["normed(x.r + recurrent.r,", "normed(x.z + recurrent.z,"],
      ["let nz = normed(x.z + recurrent.z,", "let nz = normed(x.r + recurrent.r,"],
    ],
  },
  {
    name: "R transposed in the forward product",
    file: "recurrent-forward.wgsl",
    edits: [
      [
        "w[g] = weightAt(weightBase + (k * GATES + g) * words);",
        `for (var l = 0u; l < 4u; l++) {
          let column = (matrix * params.K + unit[l]) * GATES + FROM + g;
          w[g][l] = weightAt(params.weightOffset / NUMBERS + column * words + k / 4u)[k % 4u];
        }`,
      ],
    ],
  },
  {
    name: "R not transposed in the backward product",
    file: "lib/recurrent-product.wgsl",
    edits: [
      [
        "let w = weightAt(weightBase + k * words);",
        `var w = vec4f(0.0);
      for (var l = 0u; l < 4u; l++) {
        let line = (d * params.product.weightGates + params.product.weightGate + g) * params.product.K + unit[l];
        w[l] = weightAt(params.weightOffset / NUMBERS + line * words + k / 4u)[k % 4u];
      }`,
      ],
    ],
  },
  {
    name: "recurrent bias dropped",
    file: "recurrent-forward.wgsl",
    edits: [["if (params.hasBias != 0u) {", "if (params.hasBias > 1u) {"]],
  },
  {
    name: "lengths and masks ignored",
    file: "lib/recurrent-noise.wgsl",
    edits: [["return params.layer.hasMask != 0u &&", "return params.layer.hasMask > 1u &&"]],
  },
  {
    name: "reverse direction begins at T, not at each sequence's end",
    file: "lib/recurrent-noise.wgsl",
    edits: [
      [
        "if (isMasked(time, row)) {",
        "if (isMasked(time, row) && params.layer.steps[d].before < params.layer.steps[d].after) {",
      ],
    ],
  },
  {
    name: "initial c ignored",
    file: "recurrent-initial.wgsl",
    edits: [["= cellStates0[given];", "= 0.0 * cellStates0[given];"]],
  },
  {
    name: "initial h ignored",
    file: "recurrent-initial.wgsl",
    edits: [["h[to] = value;", "h[to] = 0.0 * value;"]],
  },
  {
    name: "peepholes i and f swapped",
    file: "cells/lstm.wgsl",
    edits: [
      ["r.i + p.peepholeI * prev.c;", "r.i + p.peepholeF * prev.c;"],
      ["r.f + p.peepholeF * prev.c;", "r.f + p.peepholeI * prev.c;"],
    ],
  },
  {
    name: "peephole o sees the cell before the step",
    file: "cells/lstm.wgsl",
    edits: [["r.o + p.peepholeO * c;", "r.o + p.peepholeO * prev.c;"]],
  },
  {
    name: "backward goes through masked steps",
    file: "recurrent-backward.wgsl",
    edits: [
      [
        "straight[s] = keep(s, time, row, d, unit) * grad[s];",
        "straight[s] = select(keep(s, time, row, d, unit), vec4f(0.0), isMasked(time, row)) * grad[s];",
      ],
    ],
  },
  {
    name: "GRU backward: z in place of 1 - z",
    file: "cells/gru.wgsl",
    edits: [["let nn = grad.h * (1.0 - z) *", "let nn = grad.h * z *"]],
  },
  {
    name: "GRU with reset before, backward: nothing flows straight to h through r * h",
    file: "cells/gru-before.wgsl",
    edits: [["State(grad * r)", "State(grad * 0.0)"]],
  },
  {
    name: "gradient by the initial h lacks Rᵀ times the first step",
    file: "recurrent-backward.wgsl",
    edits: [
      ["if (hasProduct && params.product.count > 0u) {", "if (hasProduct && params.product.count > 0u && !FINISH) {"],
    ],
  },
  {
    name: "a layer of a stack goes on when its steps are done",
    file: "lib/stack.wgsl",
    edits: [["time >= d + params.T;", "time > d + params.T;"]],
  },
  {
    name: "a layer of a stack reads its own output in place of the one below",
    file: "lib/stack-forward.wgsl",
    edits: [["min(row0 + b, B - 1u), d - 1u)", "min(row0 + b, B - 1u), d)"]],
  },
  {
    name: "a stack forgets b_ih of its upper layers",
    file: "lib/stack-forward.wgsl",
    edits: [["if (params.hasBias != 0u) {", "if (false) {"]],
  },
  {
    name: "int8 weights are read as if they had no sign",
    file: "lib/weights-int8.wgsl",
    edits: [["vec4i(i32(weight[i]))", "vec4u(weight[i])"]],
  },
  {
    name: "the halves of f16 weights change places",
    file: "lib/weights-f16.wgsl",
    edits: [["unpack2x16float(weight[2u * i])", "unpack2x16float(weight[2u * i]).yx"]],
  },
  {
    name: "the gradient by a layer's output comes from a step too far",
    file: "lib/stack-backward-product.wgsl",
    edits: [["withAbove(product, flowing,", "withAbove(product, flowing + 1u,"]],
  },
  {
    name: "a layer of a stack reads the mask of another time",
    file: "lib/stack-forward-step.wgsl",
    edits: [["time -= d;", ""]],
  },
  {
    name: "projection's backward ignores the mask",
    file: "recurrent-project-backward.wgsl",
    edits: [
      [
        "let straight = keep(0u, step.time, row, d, unit) * grad;",
        "let straight = select(keep(0u, step.time, row, d, unit), vec4f(0.0), isMasked(step.time, row)) * grad;",
      ],
    ],
  },
  {
    name: "c not clipped",
    file: "cells/lstm.wgsl",
    edits: [["let c = limited(f * prev.c + i * g);", "let c = f * prev.c + i * g;"]],
  },
  {
    name: "derivative of the clip of c ignored",
    file: "cells/lstm.wgsl",
    edits: [[" * limitedDerivative(sum);", ";"]],
  },
  {
    name: "layer normalisation's gradient without the mean of the products",
    file: "lib/layer-norm.wgsl",
    edits: [[" - hat * meanOverUnits(byHat * hat)", ""]],
  },
  {
    name: "recurrent dropout draws other units in backward",
    file: "recurrent-backward.wgsl",
    edits: [["product * dropFactor(row, d, unit);", "product * dropFactor(row + 1u, d, unit);"]],
  },
  {
    name: "noise counts rows only, so all units of a row are drawn alike",
    file: "lib/recurrent-noise.wgsl",
    edits: [
      ["(row * params.layer.D + d) * params.layer.H + unit;", "vec4u((row * params.layer.D + d) * params.layer.H);"],
    ],
  },
];
