/** State dicts whose names begin otherwise than the model's: which prefix would fit is told. */
import { afterAll, expect, test } from "vitest";
import { adam, CharModel, Runtime, type StateDict, StateDictError } from "../../src/node.ts";
import { errorOf } from "../support/mistakes.ts";

const runtime = await Runtime.open({ backend: "cpu" });
afterAll(() => runtime.dispose());
const model = new CharModel({ vocabSize: 5, cell: "gru", embeddingDim: 3, hiddenSize: 4 });
const dict = await runtime.stateDict(model);

const renamed = (from: string, to: string): StateDict =>
  Object.fromEntries(
    Object.entries(dict).map(([name, tensor]) => [name.startsWith(from) ? to + name.slice(from.length) : name, tensor]),
  );
const messageOf = async (given: StateDict): Promise<string> => {
  const error = await errorOf(() => runtime.loadStateDict(model, given));
  expect(error).toBeInstanceOf(StateDictError);
  return (error as Error).message;
};

test("a prefix in front of all names: its way out, run, gives the model's names", async () => {
  const given = renamed("", "module.");
  const says = await messageOf(given);
  expect(says).toMatch(/its names begin with "module\.", the model's do not; missing: embedding\.weight/);
  const [, wayOut] = /rename them: (.*)$/.exec(says)!;
  const mended = new Function("dict", `return ${wayOut}`)(given) as StateDict;
  expect(Object.keys(mended)).toEqual(Object.keys(dict));
  runtime.loadStateDict(model, mended);
});

test("another prefix for some names", async () => {
  const says = await messageOf(renamed("rnn.", "net.gru."));
  expect(says).toMatch(/its names begin with "net\.gru\.", the model's begin with "rnn\."; missing: rnn\.weight_ih_l0/);
  expect(says).toContain('name.replace("net.gru.", "rnn.")');
});

test("a prefix that is not there", async () => {
  expect(await messageOf(renamed("rnn.", ""))).toMatch(
    /the model's names begin with "rnn\.", those of the state dict do not; missing: rnn\..*; put "rnn\." in front of them$/,
  );
});

test("the state dict of a trainer, and weights alone for one", async () => {
  const trainer = runtime.trainer(model, { optimizer: adam() });
  const saved = await trainer.stateDict();
  expect(await messageOf(saved)).toMatch(
    /name\.replace\("model\.", ""\).*; the state dict of a trainer is for trainer\.loadStateDict$/,
  );
  const error = await errorOf(() => trainer.loadStateDict(dict, 1));
  expect(error).toBeInstanceOf(StateDictError);
  expect(String(error)).toMatch(
    /no name begins with "model\.", .* \(it has embedding\.weight, .*\); load weights alone with runtime\.loadStateDict/,
  );
  trainer.dispose();
});

test("names that are alike only at the end are no prefix", async () => {
  const says = await messageOf({ "other.bias": { shape: [5], data: new Float32Array(5) } });
  expect(says).toMatch(
    /^the state dict does not fit the model; missing: embedding\.weight.*; unexpected: other\.bias; build/,
  );
});
