/** Sessions: what is refused, by name, and that it changes nothing. */
import { expect, test } from "vitest";
import {
  DisposedError,
  GRU,
  Linear,
  Module,
  OptionError,
  type SessionOptions,
  ShapeError,
  StateDictError,
  type Tensor,
} from "../../src/index.ts";
import { backendsForTests } from "../support/backends.ts";
import { errorOf, wrong } from "../support/mistakes.ts";
import { streamModels as models, numbers, Streams, size } from "../support/stream-models.ts";

const { onEach } = await backendsForTests();

onEach(({ open }) => {
  test("bad calls are refused by name, and change nothing", async () => {
    const runtime = await open();
    const model = models.lstm!();
    const session = await runtime.session(model, { inputs: { x: [1, 2, 3] }, streams: 2 });
    const x = numbers([1, 2, 3], "x");
    await session.run({ x });
    const saved = await session.state();
    const other = await runtime.session(models.gru!(), { inputs: { x: [1, 2, 3] }, streams: 2 });
    const wider = await runtime.session(model, { inputs: { x: [1, 3, 3] }, streams: 3 });
    const cases: readonly (readonly [() => unknown, new (m: string) => Error, RegExp])[] = [
      [
        () => session.run({ x: numbers([1, 3, 3], "x") }),
        ShapeError,
        /input "x" has shape \[1,3,3\], expected \[1,2,3\]/,
      ],
      [() => session.run(wrong({})), ShapeError, /input "x" is missing/],
      [() => session.run(wrong({ x, z: x })), OptionError, /there is no input "z"; inputs are x/],
      [() => session.push(wrong(undefined)), OptionError, /the inputs are undefined, expected \{ x \}/],
      [() => session.reset([2]), OptionError, /reset: stream 2, expected 0 to 1/],
      [() => session.reset(wrong(0)), OptionError, /reset: 0 is no list of streams/],
      [
        () => {
          session.active = [0, 0];
        },
        OptionError,
        /active: stream 0 is there twice/,
      ],
      [
        async () => session.setState(await other.state()),
        StateDictError,
        /the state "c" is missing; this session has .*/,
      ],
      [async () => other.setState(saved), StateDictError, /there is no state "c"; this session has h/],
      [
        async () => session.setState(await wider.state()),
        StateDictError,
        /is \[1,3,5\], this session's is \[1,2,5\]: .* another number of streams/,
      ],
      [() => session.setState(wrong(null)), StateDictError, /the state is null, expected what session.state\(\) gave/],
      [
        () => runtime.session(model, { inputs: { x: [1, 2, 3] }, streams: 3 }),
        ShapeError,
        /session: the state h is \[1,2,5\], expected \[L,3,...\]: a row for each of 3 streams/,
      ],
      [() => runtime.session(model, { inputs: {} }), OptionError, /inputs are \{\}, expected a shape for each/],
      [() => runtime.session(model, { inputs: { x: [1, 0, 3] } }), ShapeError, /input "x" has shape \[1,0,3\]/],
      [
        () => runtime.session(model, wrong<SessionOptions>({ inputs: { x: [1] }, stream: 1 })),
        OptionError,
        /unknown option "stream"/,
      ],
      [
        () => runtime.session(new Linear({ inFeatures: 3, outFeatures: 1 }), { inputs: { x: [1, 3] } }),
        ShapeError,
        /Linear.forward returned a tensor; expected a record of outputs/,
      ],
      [
        () => runtime.session(new Streams(new GRU({ ...size, goBackwards: true })), { inputs: { x: [1, 1, 3] } }),
        OptionError,
        /session: the state h is of a layer that runs from the end/,
      ],
    ];
    for (const [use, type, says] of cases) {
      const error = await errorOf(use);
      expect(error, String(use)).toBeInstanceOf(type);
      expect(String(error)).toMatch(says);
    }
    class NoState extends Module {
      head = new Linear({ inFeatures: 3, outFeatures: 1 });
      forward(given: Tensor) {
        return { y: this.head.forward(given) };
      }
    }
    expect(String(await errorOf(() => runtime.session(new NoState(), { inputs: { x: [1, 3] } })))).toContain(
      "session: NoState returns no state; return { …, state } from forward, or use runtime.compile",
    );
    expect(await session.state()).toEqual(saved);
    expect(session.active).toEqual([0, 1]);
    session.dispose();
    session.dispose();
    for (const use of [
      () => session.run({ x }),
      () => session.push({ x }),
      () => session.reset(),
      () => session.state(),
      () => session.setState(saved),
      () => {
        session.active = [0];
      },
    ])
      expect(await errorOf(use)).toBeInstanceOf(DisposedError);
    const held = await runtime.session(model, { inputs: { x: [1, 2, 3] }, streams: 2 });
    wider.dispose();
    runtime.release(model);
    expect(await errorOf(() => held.run({ x }))).toBeInstanceOf(DisposedError);
    expect(runtime.memory().models.map(({ name }) => name)).not.toContain("Streams");
    runtime.dispose();
  });
});
