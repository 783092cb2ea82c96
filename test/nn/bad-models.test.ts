/** State dicts, prompts and shapes inside a model that are refused. */
import { describe, expect, test } from "vitest";
import * as api from "../../src/node.ts";
import { runtimesForTests } from "../support/backends.ts";
import { expectErrors, mistake, wrong } from "../support/mistakes.ts";

const { CharModel, GRU, Linear, LSTM, adam } = api;

const { onEach, runtimes } = await runtimesForTests();

onEach(({ kind }) => {
  const runtime = runtimes[kind];

  const V = 5;
  const model = new CharModel({ vocabSize: V, cell: "gru", embeddingDim: 3, hiddenSize: 4 });
  const data = (n: number, value = 0) => new Int32Array(n).fill(value);

  describe("state dicts", () => {
    const changed = (change: (dict: api.StateDict) => void) => async () => {
      const dict = { ...(await runtime.stateDict(model)) };
      change(dict);
      const before = JSON.stringify(Object.values(await runtime.stateDict(model)).map(({ data: d }) => [...d]));
      try {
        runtime.loadStateDict(model, dict);
      } finally {
        // Nothing is changed by a dict that does not fit.
        expect(JSON.stringify(Object.values(await runtime.stateDict(model)).map(({ data: d }) => [...d]))).toBe(before);
      }
    };
    const saved = async () => {
      const training = runtime.trainer(model, { optimizer: adam(), carryState: true });
      const tokens = { shape: [3, 2], data: data(6) };
      for await (const _ of training.fit([{ x: tokens, target: tokens }]));
      return { training, dict: await training.stateDict() };
    };
    const resumed = (change: (dict: api.StateDict) => void, step: number) => async () => {
      const { training, dict } = await saved();
      const weights = JSON.stringify([...(await runtime.stateDict(model))["head.bias"]!.data]);
      dict["model.head.bias"] = { shape: [V], data: new Float32Array(V).fill(7) };
      change(dict);
      try {
        training.loadStateDict(dict, step);
      } finally {
        expect(JSON.stringify([...(await runtime.stateDict(model))["head.bias"]!.data])).toBe(weights);
      }
    };
    expectErrors([
      mistake(
        "a name missing",
        api.StateDictError,
        /missing: head.bias; to load a part of the weights, add the others: { \.\.\.\(await runtime.stateDict\(model\)\), \.\.\.part }/,
        changed((dict) => {
          delete dict["head.bias"];
        }),
      ),
      mistake(
        "a name too many",
        api.StateDictError,
        /unexpected: tail.weight/,
        changed((dict) => {
          dict["tail.weight"] = { shape: [1], data: new Float32Array(1) };
        }),
      ),
      mistake(
        "another shape",
        api.StateDictError,
        /other shapes or types: head.weight has \[4,5\], the model \[5,4\]/,
        changed((dict) => {
          dict["head.weight"] = { shape: [4, 5], data: new Float32Array(20) };
        }),
      ),
      mistake(
        "fewer numbers than the shape says",
        api.StateDictError,
        /head.weight has 19 values, its shape \[5,4\] needs 20/,
        changed((dict) => {
          dict["head.weight"] = { shape: [5, 4], data: new Float32Array(19) };
        }),
      ),
      mistake(
        "whole numbers in place of floats",
        api.StateDictError,
        /head.bias holds i32, the model f32/,
        changed((dict) => {
          dict["head.bias"] = { shape: [5], data: data(5) };
        }),
      ),
      mistake(
        "a checkpoint without the optimizer's numbers",
        api.StateDictError,
        /optimizer.exp_avg.head.bias is missing: the checkpoint was not made with adam and these options/,
        resumed((dict) => {
          delete dict["optimizer.exp_avg.head.bias"];
        }, 1),
      ),
      mistake(
        "optimizer's numbers of another shape",
        api.StateDictError,
        /optimizer.exp_avg_sq.head.bias has \[4\], the model \[5\]/,
        resumed((dict) => {
          dict["optimizer.exp_avg_sq.head.bias"] = { shape: [4], data: new Float32Array(4) };
        }, 1),
      ),
      mistake(
        "a carried state of another batch",
        api.StateDictError,
        /carry.h has shape \[1,3,4\], this trainer's is \[1,2,4\]; resume with the same batch size/,
        resumed((dict) => {
          dict["carry.h"] = { shape: [1, 3, 4], data: new Float32Array(12) };
        }, 1),
      ),
      mistake(
        "a checkpoint of another model",
        api.StateDictError,
        /missing: embedding.weight/,
        resumed((dict) => {
          delete dict["model.embedding.weight"];
        }, 1),
      ),
      mistake(
        "a step below 0",
        api.OptionError,
        /loadStateDict: step is -1/,
        resumed(() => {}, -1),
      ),
    ]);
  });

  describe("generation", () => {
    const generate = (options: unknown) => () => runtime.generate(model, wrong(options));
    const plain = { prompt: [1], length: 3 };
    expectErrors([
      mistake(
        "an empty prompt",
        api.DataError,
        /generate: the prompt is empty; give at least one token to start from/,
        generate({ ...plain, prompt: [] }),
      ),
      mistake(
        "no prompt",
        api.OptionError,
        /generate: prompt is undefined, expected a list of tokens/,
        generate({ length: 3 }),
      ),
      mistake(
        "a token beyond the vocabulary",
        api.DataError,
        /generate: prompt\[1\] is token 5, expected 0 to 4; encode the prompt with the model's own vocabulary/,
        generate({ ...plain, prompt: [0, 5] }),
      ),
      mistake(
        "a token with a fraction",
        api.DataError,
        /prompt\[0\] is token 0.5/,
        generate({ ...plain, prompt: [0.5] }),
      ),
      mistake(
        "text in place of tokens",
        api.OptionError,
        /generate: prompt is a string, expected a list of tokens; encode it with the model's vocabulary/,
        generate({ ...plain, prompt: "abc" }),
      ),
      mistake("a length below 0", api.OptionError, /generate: length is -1/, generate({ ...plain, length: -1 })),
      mistake("no length", api.OptionError, /generate: length is undefined/, generate({ prompt: [1] })),
      mistake(
        "a temperature below 0",
        api.OptionError,
        /generate: temperature is -1, expected a finite number in \[0/,
        generate({ ...plain, temperature: -1 }),
      ),
      mistake(
        "a temperature that is no number",
        api.OptionError,
        /temperature is NaN/,
        generate({ ...plain, temperature: Number.NaN }),
      ),
      mistake("topK below 0", api.OptionError, /generate: topK is -1/, generate({ ...plain, topK: -1 })),
      mistake("topP 0", api.OptionError, /generate: topP is 0, expected/, generate({ ...plain, topP: 0 })),
      mistake("topP above 1", api.OptionError, /generate: topP is 1.1/, generate({ ...plain, topP: 1.1 })),
      mistake("a chunk of 0", api.OptionError, /generate: chunk is 0/, generate({ ...plain, chunk: 0 })),
      mistake("a seed below 0", api.OptionError, /seed is -1/, generate({ ...plain, seed: -1 })),
      mistake(
        "a seed beyond 32 bits",
        api.OptionError,
        /seed is 4294967296, expected a whole number from 0 to 4294967295/,
        generate({ ...plain, seed: 2 ** 32 }),
      ),
      mistake(
        "an unknown option",
        api.OptionError,
        /generate: unknown option "maxLength"/,
        generate({ ...plain, maxLength: 1 }),
      ),
    ]);
  });

  describe("shapes inside a model", () => {
    const layer = new LSTM({ inputSize: 3, hiddenSize: 4, numLayers: 2 });
    const first = new GRU({ inputSize: 3, hiddenSize: 4, batchFirst: true });
    const head = new Linear({ inFeatures: 4, outFeatures: 2 });
    const compile =
      (
        of: api.Module,
        shapes: Readonly<Record<string, readonly number[]>>,
        forward: (inputs: Readonly<Record<string, api.Tensor>>) => unknown,
        more: object = {},
      ) =>
      () =>
        runtime.compile(
          of,
          wrong<api.ProgramOptions>({
            inputs: Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }])),
            forward,
            ...more,
          }),
        );
    const output = ({ x }: Readonly<Record<string, api.Tensor>>) => ({ output: layer.forward(x!).output });
    const x = [5, 2, 3];
    expectErrors([
      mistake(
        "another last axis",
        api.ShapeError,
        /LSTM: x has shape \[5,3,7\], expected \[T,B,3\] \(inputSize 3\)/,
        compile(layer, { x: [5, 3, 7] }, output),
      ),
      mistake(
        "two axes",
        api.ShapeError,
        /LSTM: x has shape \[5,3\], expected \[T,B,3\]/,
        compile(layer, { x: [5, 3] }, output),
      ),
      mistake(
        "another last axis, batch first",
        api.ShapeError,
        /GRU: x has shape \[5,2,4\], expected \[B,T,3\]/,
        compile(first, { x: [5, 2, 4] }, (i) => ({ y: first.forward(i.x!).output })),
      ),
      mistake(
        "no tensor",
        api.ShapeError,
        /LSTM: x is undefined, expected a symbolic tensor \[T,B,3\]/,
        compile(layer, { x }, () => output({})),
      ),
      mistake(
        "half a state",
        api.ShapeError,
        /LSTM: state has h, expected \{ h, c \}, each a tensor \[2,2,4\]/,
        compile(layer, { x, h: [2, 2, 4] }, (i) => ({ y: layer.forward(i.x!, wrong({ h: i.h })).output })),
      ),
      mistake(
        "a state of another shape",
        api.ShapeError,
        /LSTM: state.c has shape \[1,2,4\], expected \[L\*D,B,H\] = \[2,2,4\]/,
        compile(layer, { x, h: [2, 2, 4], c: [1, 2, 4] }, (i) => ({
          y: layer.forward(i.x!, { h: i.h!, c: i.c! }).output,
        })),
      ),
      mistake(
        "features that do not fit",
        api.ShapeError,
        /Linear: x is f32 \[5,3\], expected f32 \[..., 4\] \(inFeatures 4\)/,
        compile(head, { x: [5, 3] }, (i) => ({ y: head.forward(i.x!) })),
      ),
      mistake(
        "an output that is no tensor",
        api.OptionError,
        /compile: forward's output "y" is 3, expected a symbolic tensor/,
        compile(head, { x: [5, 4] }, () => ({ y: 3 })),
      ),
      mistake(
        "an output with an input's name",
        api.OptionError,
        /compile: "x" is an input and an output; give the output another name/,
        compile(head, { x: [5, 4] }, (i) => ({ x: head.forward(i.x!) })),
      ),
      mistake(
        "a seed that is no output",
        api.OptionError,
        /compile: there is no output "z"; there are y/,
        compile(head, { x: [5, 4] }, (i) => ({ y: head.forward(i.x!) }), { seeds: ["z"] }),
      ),
      mistake(
        "a gradient by what is no input",
        api.OptionError,
        /compile: there is no input "z"; there are x/,
        compile(head, { x: [5, 4] }, (i) => ({ y: head.forward(i.x!) }), { seeds: ["y"], gradients: ["z"] }),
      ),
      mistake(
        "gradients of nothing",
        api.OptionError,
        /compile: gradients need seeds/,
        compile(head, { x: [5, 4] }, (i) => ({ y: head.forward(i.x!) }), { parameterGradients: true }),
      ),
      mistake(
        "an input without entries",
        api.ShapeError,
        /input "x" has shape \[0,4\], expected every axis to be at least 1/,
        compile(head, { x: [0, 4] }, (i) => ({ y: head.forward(i.x!) })),
      ),
      mistake(
        "an unknown option",
        api.OptionError,
        /compile: unknown option "gradient"/,
        compile(head, { x: [5, 4] }, (i) => ({ y: head.forward(i.x!) }), { gradient: [] }),
      ),
    ]);

    const program = () =>
      runtime.compile(head, { inputs: { x: { shape: [5, 4] } }, forward: (i) => ({ y: head.forward(i.x!) }) });
    const run = (inputs: api.StateDict) => async () => (await program()).run(wrong(inputs));
    const floats = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    expectErrors([
      mistake("an input missing", api.ShapeError, /input "x" is missing: expected/, run({})),
      mistake(
        "an input too many",
        api.OptionError,
        /run: there is no input "z"; inputs are x/,
        run({ x: floats(5, 4), z: floats(1) }),
      ),
      mistake(
        "an input of another shape",
        api.ShapeError,
        /input "x" has shape \[4,5\], expected \[5,4\]/,
        run({ x: floats(4, 5) }),
      ),
      mistake(
        "an input of another type",
        api.ShapeError,
        /input "x" holds i32, expected f32 \(a Float32Array or Float64Array\)/,
        run({ x: { shape: [5, 4], data: data(20) } }),
      ),
    ]);

    test("one tensor may be two outputs, and an input may be an output under another name", async () => {
      const both = await runtime.compile(head, {
        inputs: { x: { shape: [1, 4] }, i: { shape: [2], dtype: "i32" } },
        forward(inputs) {
          const y = head.forward(inputs.x!);
          return { y, again: y, same: inputs.x!, whole: inputs.i! };
        },
      });
      const result = await both.run({
        x: { shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) },
        i: { shape: [2], data: Int32Array.of(7, -8) },
      });
      expect(result.again).toEqual(result.y);
      expect([...result.same!.data]).toEqual([1, 2, 3, 4]);
      expect(result.whole!.data).toEqual(Int32Array.of(7, -8));
    });
  });
});
