// jax-js, which has no recurrent layers: the steps of an LSTM are written out and jitted together. Its GRU is left out.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { offerAdapter } from "./adapter.mjs";

/** Steps × rows × units above which tracing and memory take too long. */
const MOST = 64 * 128;

export async function open() {
  await offerAdapter();
  const { defaultDevice, init, jit, nn, numpy: np } = await import("@jax-js/jax");
  await init("webgpu");
  defaultDevice("webgpu");
  const array = ({ shape, data }) => np.array(data).reshape([...shape]);

  /** An operation uses its arguments up, unless `ref` keeps them. */
  function lstm(x, W, R, bias, T, B, I, H) {
    const projected = np
      .matmul(x.reshape([T * B, I]), W.transpose())
      .add(bias)
      .reshape([T, B, 4 * H]);
    const Rt = R.transpose();
    let [h, c] = [np.zeros([B, H]), np.zeros([B, H])];
    const outputs = [];
    for (let t = 0; t < T; t++) {
      const gates = np.matmul(h, Rt.ref).add(projected.ref.slice(t));
      const [i, f, g, o] = [0, 1, 2, 3].map((k) => gates.ref.slice([], [k * H, (k + 1) * H]));
      gates.dispose();
      c = nn
        .sigmoid(f)
        .mul(c)
        .add(nn.sigmoid(i).mul(np.tanh(g)));
      h = nn.sigmoid(o).mul(np.tanh(c.ref));
      outputs.push(h.ref);
    }
    for (const rest of [h, c, Rt, projected]) rest.dispose();
    return np.stack(outputs);
  }

  const { version } = JSON.parse(
    readFileSync(join(dirname(createRequire(import.meta.url).resolve("@jax-js/jax")), "..", "package.json"), "utf8"),
  );
  return {
    about: `jax-js ${version} webgpu`,
    async prepare({ kind, cell, T, B, I, H }, { weights, given }) {
      if (kind !== "forward" || cell !== "lstm" || T * B * H > MOST) return undefined;
      const held = ["weight_ih_l0", "weight_hh_l0"].map((name) => array(weights[name]));
      held.push(array(weights.bias_ih_l0).add(array(weights.bias_hh_l0)));
      const call = jit((x, W, R, bias) => lstm(x, W, R, bias, T, B, I, H));
      const run = () => call(array(given.x), ...held.map((weight) => weight.ref)).data();
      return {
        compared: run,
        unit: run,
        dispose() {
          call.dispose?.();
          for (const weight of held) weight.dispose();
        },
      };
    },
  };
}
