/** What plans consist of, exactly: dispatches, copies and shared memory. Speed is kept here, because counts do not waver. */
import "../support/all-commands.ts";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import {
  adam,
  CharModel,
  type CharModelCell,
  countPlan,
  GRU,
  LSTM,
  type Plan,
  printPlan,
  RNN,
} from "../../src/index.ts";
import { Generator } from "../../src/infer/generate.ts";
import { Program } from "../../src/infer/program.ts";
import type { Module } from "../../src/nn/module.ts";
import type { Recurrent, RecurrentState } from "../../src/nn/recurrent.ts";
import type { RecurrentOptions } from "../../src/nn/recurrent-options.ts";
import { Weights } from "../../src/nn/weights.ts";
import { type BufferSpec, type Command, viewsOf } from "../../src/plan/plan.ts";
import { reuseMemory } from "../../src/plan/reuse-memory.ts";
import type { NumberArray } from "../../src/tensor-data.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { Numbers } from "../support/against-twin.ts";

/** Every plan as the scheduler made it, before its scratch memory was shared, by the plan that came out. */
const unshared = vi.hoisted(() => new Map<object, unknown>());
vi.mock("../../src/plan/reuse-memory.ts", async (original) => {
  const { reuseMemory: real } = await original<typeof import("../../src/plan/reuse-memory.ts")>();
  return {
    reuseMemory(plan: Plan): Plan {
      const shared = real(plan);
      unshared.set(shared, plan);
      return shared;
    },
  };
});

type AnyRecurrent = Recurrent<RecurrentState>;
const kinds = {
  LSTM: (options: RecurrentOptions) => new LSTM(options) as unknown as AnyRecurrent,
  GRU: (options: RecurrentOptions) => new GRU(options) as unknown as AnyRecurrent,
  RNN: (options: RecurrentOptions) => new RNN(options) as unknown as AnyRecurrent,
};
type Kind = keyof typeof kinds;

/** The plan of a layer over T steps, forward only, with its output and final states as outputs. */
async function forwardPlan(kind: Kind, T: number, options: Partial<RecurrentOptions> = {}): Promise<Plan> {
  const layer = kinds[kind]({ inputSize: 6, hiddenSize: 8, ...options });
  const backend = new CpuBackend();
  const program = await Program.compile(backend, new Weights(backend, layer, 0), {
    inputs: { x: { shape: [T, 2, 6] } },
    forward({ x }) {
      const { output, state } = layer.forward(x!);
      return { output, ...state };
    },
  });
  return program.plan;
}

const modelOf = (cell: CharModelCell, hiddenSize: number, numLayers: number) =>
  new CharModel({ vocabSize: 11, cell, embeddingDim: 6, hiddenSize, numLayers });

function trainingPlan(model: Module, T: number, B = 3): Promise<Plan> {
  const backend = new CpuBackend();
  return new Trainer(backend, new Weights(backend, model, 0), { optimizer: adam(), clipNorm: 1 }).plan({ T, B });
}

function generationPlan(model: Module, chunk: number): Plan {
  const backend = new CpuBackend();
  return new Generator(backend, new Weights(backend, model, 0)).plan(chunk);
}

const recurrentKinds = Object.keys(kinds) as Kind[];
const cells = ["lstm", "gru", "rnn_tanh", "rnn_relu"] as const;

describe("forward", () => {
  test.each(recurrentKinds)(
    "of %s is T + 1 dispatches: input projected, T steps; R is packed when it changes",
    async (kind) => {
      for (const T of [1, 5, 64]) {
        const counts = countPlan(await forwardPlan(kind, T));
        expect(counts.perKernel).toEqual({ matmul: 1, "recurrent-forward": T });
        expect(counts.derivations).toBe(1);
        // Results are handed out: y, h and for LSTM c. The slots that the first step reads are cleared: of h, and of c.
        expect([counts.copies, counts.clears]).toEqual(kind === "LSTM" ? [3, 2] : [2, 1]);
      }
    },
  );

  test.each(recurrentKinds)("of %s in L layers is L·(T + 1)", async (kind) => {
    const T = 5;
    for (const numLayers of [2, 3]) {
      const { dispatches, perKernel } = countPlan(await forwardPlan(kind, T, { numLayers }));
      expect(dispatches).toBe(numLayers * (T + 1));
      expect(perKernel["recurrent-forward"]).toBe(numLayers * T);
    }
  });

  test.each(recurrentKinds)("of %s in both directions takes no more steps than in one", async (kind) => {
    const { perKernel } = countPlan(await forwardPlan(kind, 5, { bidirectional: true }));
    // The final states of both directions are put together: one copy by strides for h, one for the others.
    const states = kind === "LSTM" ? 2 : 1;
    expect(perKernel).toEqual({ "strided-copy": states, matmul: 1, "recurrent-forward": 5 });
  });

  test("batch first costs a transpose before and one after", async () => {
    const { perKernel } = countPlan(await forwardPlan("GRU", 2, { batchFirst: true, numLayers: 2 }));
    expect(perKernel["strided-copy"]).toBe(2);
  });
});

describe("training", () => {
  test.each(cells)("a character model with %s is 2T + 17 dispatches, and R packed by columns", async (cell) => {
    for (const T of [1, 7, 64]) {
      const counts = countPlan(await trainingPlan(modelOf(cell, 8, 1), T));
      expect(counts.perKernel).toEqual({
        "embedding-gather": 1,
        // Forward: projection, head. Backward: weights and input of the head, W, R and input of the layer.
        matmul: 2 + 5,
        "recurrent-initial": 1, // the state that is carried, into its slot
        "recurrent-forward": T,
        "recurrent-backward": T,
        "cross-entropy-count": 1,
        "cross-entropy": 1,
        "cross-entropy-mean": 1,
        "group-tokens": 1,
        "embedding-scatter": 1,
        "norm-partial": 1,
        "norm-finish": 1,
        adam: 1,
      });
      expect(counts.dispatches).toBe(2 * T + 17);
      expect(counts.derivations).toBe(1); // by rows it is as it stands
    }
  });

  test.each(cells)(
    "with %s in L layers is L·(2T + 5) + 12, and R is packed, twice for H not a multiple of 4",
    async (cell) => {
      const T = 5;
      for (const L of [1, 2, 3]) {
        for (const [H, packed] of [
          [8, 1],
          [7, 2],
        ] as const) {
          const { dispatches, derivations } = countPlan(await trainingPlan(modelOf(cell, H, L), T));
          expect([dispatches, derivations]).toEqual([L * (2 * T + 5) + 12, L * packed]);
        }
      }
    },
  );

  test("memory grows with T by what one step needs", async () => {
    const bytes = async (T: number) => countPlan(await trainingPlan(modelOf("lstm", 8, 1), T)).bytes.scratch;
    const [B, E, H, V] = [3, 6, 8, 11];
    // Embedding, gates, h, c, logits with their gradient and a loss, grouped tokens; all other gradients lie where something
    // dead lay.
    expect((await bytes(40)) - (await bytes(20))).toBe(20 * 4 * B * (E + 4 * H + 2 * H + 2 * V + 1 + 2));
  });
});

describe("generation", () => {
  test.each(cells)(
    "of a chunk of K tokens with %s is 4K dispatches and no copy: W of every token is a table",
    (cell) => {
      for (const K of [2, 8]) {
        const { perKernel, copies, clears, derivations } = countPlan(generationPlan(modelOf(cell, 8, 1), K));
        expect(perKernel).toEqual({
          "column-gather": K,
          matmul: K,
          "recurrent-forward": K,
          sample: K,
        });
        // R by columns, and the table.
        expect([copies, clears, derivations]).toEqual([0, 0, 2]);
      }
    },
  );

  test("in L layers is K·(2 + 2L), in one pass", () => {
    for (const L of [2, 3]) {
      const { dispatches, copies, clears } = countPlan(generationPlan(modelOf("lstm", 8, L), 32));
      expect([dispatches, copies, clears]).toEqual([32 * (2 + 2 * L), 0, 0]);
    }
  });

  test("a chunk that makes too long a plan is refused before it is built", async () => {
    expect(() => generationPlan(modelOf("lstm", 8, 1), 1_000_000)).toThrow(
      /generate: chunk is 1000000, and a token of CharModel takes at least \d+ commands; at most \d+ tokens fit/,
    );
    await expect(trainingPlan(modelOf("lstm", 8, 1), 300_000, 1)).rejects.toThrow(
      /plan "train" needs more than 262144 commands .*; choose a shorter window or chunk/,
    );
  });
});

/** Everything that a plan leaves behind after two replays from the same numbers. Scratch memory of the CPU begins as NaN. */
async function outcome(plan: Plan, seed: string): Promise<Record<string, NumberArray>> {
  const numbers = new Numbers(seed);
  const loaded = await new CpuBackend().load(plan);
  const kept = plan.buffers.filter(({ role }) => role !== "scratch");
  for (const { name, role, dtype, length } of kept) {
    // Means of squares and what the host sends are never negative.
    const floats = role === "parameter" ? numbers.floats(length) : numbers.floats(length).map((x) => Math.abs(x) + 0.1);
    loaded.write(name, dtype === "i32" ? numbers.integers(length, 0, 3) : floats);
  }
  loaded.run();
  const values = await loaded.runAndRead(kept.map(({ name }) => name));
  return Object.fromEntries(kept.map(({ name }, i) => [name, values[i]!]));
}

/** Which unshared buffers lie in which shared one, and whether two of them are ever alive at once. */
function overlaps(before: Plan, after: Plan): string[] {
  const lives = new Map<number, { first: number; last: number; place: number }>();
  before.commands.forEach((command, at) => {
    const moved = viewsOf(after.commands[at]!);
    viewsOf(command).forEach(({ buffer }, i) => {
      const life = lives.get(buffer);
      if (life && life.place !== moved[i]!.buffer) throw new Error(`buffer ${buffer} moves while it is in use`);
      lives.set(buffer, { first: life?.first ?? at, last: at, place: moved[i]!.buffer });
    });
  });
  const faults: string[] = [];
  for (const [a, one] of lives) {
    const { role, length, dtype } = before.buffers[a]!;
    const place = after.buffers[one.place]!;
    if (place.length < length || place.dtype !== dtype || place.role !== role) faults.push(`${a} does not fit`);
    for (const [b, other] of lives) {
      if (a >= b || one.place !== other.place) continue;
      if (one.first <= other.last && other.first <= one.last) faults.push(`${a} and ${b} are alive at once`);
    }
  }
  return faults;
}

describe("shared memory", () => {
  const plans: readonly (readonly [string, () => Plan | Promise<Plan>])[] = [
    ["training an lstm in two layers", () => trainingPlan(modelOf("lstm", 7, 2), 4)],
    ["training a gru", () => trainingPlan(modelOf("gru", 8, 1), 3)],
    ["training an rnn in three layers", () => trainingPlan(modelOf("rnn_tanh", 5, 3), 2)],
    ["generating", () => generationPlan(modelOf("lstm", 8, 2), 5)],
  ];
  test.each(plans)(
    "%s: nothing that is alive at once lies in one place, and results are the same",
    async (name, make) => {
      const after = await make();
      const before = unshared.get(after) as Plan;
      expect(overlaps(before, after)).toEqual([]);
      expect(countPlan(after).bytes.scratch).toBeLessThan(countPlan(before).bytes.scratch);
      const [shared, apart] = [await outcome(after, name), await outcome(before, name)];
      expect(shared).toEqual(apart);
      for (const values of Object.values(shared)) expect(values.every(Number.isFinite)).toBe(true);
    },
  );

  test("holds for random plans", async () => {
    const random = fc.record({
      lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
      steps: fc.array(fc.tuple(fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 25 }),
    });
    await fc.assert(
      fc.asyncProperty(random, async ({ lengths, steps }) => {
        const input: BufferSpec = { name: "input", role: "input", dtype: "f32", length: 9 };
        const output = (i: number): BufferSpec => ({ name: `output ${i}`, role: "output", dtype: "f32", length: 9 });
        const scratch = lengths.map(
          (length, i): BufferSpec => ({ name: `s${i}`, role: "scratch", dtype: "f32", length }),
        );
        const buffers = [input, output(0), output(1), ...scratch];
        const written = new Map<number, number>([[0, 9]]);
        const commands = steps.map(([a, b], i): Command => {
          // From something that holds numbers to anything else; never to the input.
          const from = [...written.keys()][a % written.size]!;
          const others = buffers.map((_, id) => id).filter((id) => id !== from && id !== 0);
          const to = others[b % others.length]!;
          const length = Math.min(written.get(from)!, buffers[to]!.length);
          written.set(to, length);
          const view = (buffer: number) => ({ buffer, offset: 0, length });
          return { type: "copy", label: `${i}`, from: view(from), to: view(to) };
        });
        const before: Plan = { name: "random", buffers, commands };
        const after = reuseMemory(before);
        expect(overlaps(before, after)).toEqual([]);
        expect(await outcome(after, "random")).toEqual(await outcome(before, "random"));
      }),
      { seed: 5, numRuns: 60 },
    );
  });
});

test("a plan prints its buffers, its commands with runs of alike ones folded, and its totals", () => {
  const view = (buffer: number, length: number, offset = 0) => ({ buffer, offset, length });
  const step = (t: number): Command => ({
    type: "dispatch",
    kernel: "recurrent-forward",
    label: `rnn step ${t}`,
    cell: "lstm",
    constants: { ROWS: 4 },
    bindings: [view(0, 64, 128), view(2, 512), view(2, 512)],
    params: [t],
    grid: [3, 1, 2],
  });
  const plan: Plan = {
    name: "small",
    buffers: [
      { name: "parameters 0", role: "parameter", dtype: "f32", length: 1000 },
      { name: "x", role: "input", dtype: "i32", length: 20 },
      { name: "h | gates", role: "scratch", dtype: "f32", length: 3_000_000 },
      { name: "y", role: "output", dtype: "f32", length: 16 },
    ],
    commands: [
      { type: "clear", label: "state", to: view(2, 16) },
      ...[0, 1, 2].map(step),
      { ...(step(3) as Command & { type: "dispatch" }), constants: { ROWS: 1 } },
      { type: "copy", label: "y", from: view(2, 16, 48), to: view(3, 16) },
    ],
  };
  expect(printPlan(plan)).toMatchInlineSnapshot(`
    "plan "small"

    buffers
      parameter   3.91 KiB  f32  parameters 0
      input           80 B  i32  x
      scratch     11.4 MiB  f32  h | gates
      output          64 B  f32  y

    commands
             clear     state: h | gates (64 B)
         3 x dispatch  rnn step 0: recurrent-forward<lstm> [3x1x2] (parameters 0+128, h | gates)
             dispatch  rnn step 3: recurrent-forward<lstm> [3x1x2] (parameters 0+128, h | gates)
             copy      y: h | gates+48 -> y (64 B)

    totals
      4 dispatches, 1 copies, 1 clears
           4 x recurrent-forward
      memory 11.4 MiB: parameter 3.91 KiB, input 80 B, output 64 B, scratch 11.4 MiB"
  `);
  expect(countPlan(plan)).toEqual({
    dispatches: 4,
    copies: 1,
    clears: 1,
    derivations: 0,
    perKernel: { "recurrent-forward": 4 },
    totalBytes: 12_004_144,
    bytes: {
      parameter: 4000,
      derived: 0,
      gradient: 0,
      moment: 0,
      state: 0,
      constant: 0,
      input: 80,
      output: 64,
      scratch: 12_000_000,
    },
  });
});
