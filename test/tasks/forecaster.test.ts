/** Series into the future: what is learned, what is not looked at, what is refused, and what the intervals hold. */
import { afterAll, expect, test } from "vitest";
import { RandomStream, Runtime } from "../../src/index.ts";
import { Forecaster, SequenceClassifier } from "../../src/tasks/index.ts";

const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
afterAll(() => runtime.dispose());

interface Row {
  value: number | null;
}

/** A trend, a season of 8 steps and noise. */
function seasonal(count: number, { seed = 1, noise = 0.3, size = 1 } = {}): { value: number }[] {
  const random = new RandomStream(seed, "seasonal");
  return Array.from({ length: count }, (_, t) => ({
    value: size * (10 + 0.02 * t + 3 * Math.sin((2 * Math.PI * t) / 8) + noise * random.normal()),
  }));
}

const small = { season: 8, hiddenSize: 12, optimizer: { name: "adam", lr: 0.01 }, epochs: 12 } as const;

test("a season with a trend: better than the plain methods, and the interval holds its share", async () => {
  const rows = seasonal(500);
  const reports: number[] = [];
  const fit = Forecaster.fit(runtime, rows.slice(0, 400), small);
  let next = await fit.next();
  for (; !next.done; next = await fit.next()) if (next.value.validation) reports.push(next.value.validation.loss);
  const forecaster = next.value;
  expect(reports.at(-1)!).toBeLessThan(reports[0]! / 2);
  const { methods, targets, folds, horizon } = await forecaster.evaluate(rows.slice(400), {
    history: rows.slice(0, 400),
  });
  expect([folds, horizon, forecaster.historySteps]).toEqual([93, 8, 16]);
  expect(targets).toEqual({ value: methods });
  for (const plain of [methods.naive, methods.seasonalNaive, methods.drift])
    expect(methods.forecaster.mase).toBeLessThan(plain.mase);
  expect(methods.forecaster.coverage).toBeGreaterThan(0.65);
  expect(methods.forecaster.coverage).toBeLessThan(0.92);
  expect(methods.forecaster.rmse).toBeGreaterThan(methods.forecaster.mae);
  // Forecasts go on from the rows of the training unless there are later ones.
  const said = await forecaster.forecast({ steps: 3 });
  expect(said).toEqual(await forecaster.forecast({ history: rows.slice(0, 400), steps: 3 }));
  expect(said).not.toEqual(await forecaster.forecast({ history: rows.slice(0, 401), steps: 3 }));
  expect(said.map(({ step, target }) => [step, target])).toEqual([1, 2, 3].map((step) => [step, "value"]));
  for (const { low, median, high, quantiles } of said) {
    expect(low).toBeLessThanOrEqual(median);
    expect(median).toBeLessThanOrEqual(high);
    expect(quantiles).toEqual({ "0.1": low, "0.5": median, "0.9": high });
  }
  forecaster.dispose();
});

test("seeds, files, and training that goes on", async () => {
  const rows = seasonal(120);
  const options = { ...small, epochs: 3, seed: 4 };
  const [one, other] = [await Forecaster.fit(runtime, rows, options), await Forecaster.fit(runtime, rows, options)];
  const said = await one.forecast();
  expect(await other.forecast()).toEqual(said);
  const loaded = await Forecaster.load(runtime, await one.save());
  expect(await loaded.forecast()).toEqual(said);
  expect(await loaded.evaluate(rows)).toEqual(await one.evaluate(rows));
  const losses = async (task: Forecaster) => {
    const found: number[] = [];
    for await (const { loss } of task.fit(rows, { epochs: 2 })) found.push(loss);
    return found;
  };
  const went = await losses(one);
  expect(await losses(loaded)).toEqual(went);
  expect(went.length).toBeGreaterThan(2);
  expect(await loaded.forecast()).toEqual(await one.forecast());
  expect(await loaded.forecast()).not.toEqual(said);
  const bytes = await one.save();
  await expect(SequenceClassifier.load(runtime, bytes)).rejects.toThrow(
    /of a forecaster, not of a sequence classifier/,
  );
  const damaged = Buffer.from(bytes)
    .toString("latin1")
    .replace(/horizon(\\*"):8/, "horizon$1:9");
  await expect(Forecaster.load(runtime, Buffer.from(damaged, "latin1"))).rejects.toThrow(
    /the file of a forecaster is damaged: widenings is .* expected a list of 9/,
  );
  for (const task of [one, other, loaded]) task.dispose();
});

test.each([
  { strategy: "direct" },
  { strategy: "recursive" },
  { differencing: 1, seasonalDifferencing: 1 },
  { strategy: "recursive", seasonalDifferencing: 1 },
] as const)("no look-ahead: %o", async (options) => {
  const rows = seasonal(150).map(({ value }, t) => ({ value, other: value ** 2, day: t % 7 }));
  const who = { ...small, ...options, epochs: 1, horizon: 4, window: 10, known: ["day"], target: ["value", "other"] };
  const task = await Forecaster.fit(runtime, rows.slice(0, 100), who);
  // The backtest sees what came later, and what it says is what a forecast says that does not.
  const changed = rows.map((row, t) => (t < 120 ? row : { ...row, value: -1000 * row.value, other: 7 }));
  for (const [all, folds] of [
    [changed.slice(0, 124), 1],
    [changed.slice(0, 128), 5],
  ] as const) {
    const errors: number[] = [];
    for (let origin = all.length - 3 - folds; origin <= all.length - 4; origin++) {
      const known = all.slice(origin, origin + 4).map(({ day }) => ({ day }));
      const said = await task.forecast({ history: all.slice(0, origin), known });
      expect(said).toEqual(await task.forecast({ history: all.slice(60, origin), known }));
      for (const { step, target, median } of said)
        if (target === "value") errors.push(Math.abs(all[origin + step - 1]!.value - median));
    }
    expect(errors).toHaveLength(4 * folds);
    const { value } = (await task.evaluate(all, { folds })).targets;
    const mean = errors.reduce((sum, e) => sum + e, 0) / errors.length;
    expect(value!.forecaster.mae / mean).toBeCloseTo(1, 5);
  }
  task.dispose();
});

test("columns that are known ahead say what no past can: an event, as a category and as a number", async () => {
  const random = new RandomStream(2, "events");
  const rows = Array.from({ length: 400 }, () => {
    const isOn = random.next() < 0.3;
    const sales = 20 + (isOn ? 10 : 0) + random.normal();
    return { sales, event: isOn ? "fair" : "none", price: isOn ? 2 : 3 };
  });
  const learned = { horizon: 3, hiddenSize: 12, epochs: 15, optimizer: { name: "adam", lr: 0.01 } } as const;
  for (const known of [["event"], ["price"]]) {
    const task = await Forecaster.fit(runtime, rows, { ...learned, target: "sales", known });
    const ahead = [
      { event: "none", price: 3 },
      { event: "fair", price: 2 },
      { event: "none", price: 3 },
    ];
    const said = await task.forecast({ known: ahead });
    // Fewer steps than the horizon need no more rows than they are, here and in a backtest.
    expect(await task.forecast({ known: ahead.slice(0, 2), steps: 2 })).toEqual(said.slice(0, 2));
    expect((await task.evaluate(rows.slice(0, 40), { horizon: 1, folds: 2 })).folds).toBe(2);
    const [first, fair, last] = said.map(({ median }) => median) as [number, number, number];
    for (const plain of [first, last]) expect(fair - plain).toBeGreaterThan(7);
    await expect(task.forecast()).rejects.toThrow(/the series has 0 rows in known, and 3 steps need as many/);
    task.dispose();
  }
});

test("past columns: numbers and categories that run ahead of the target", async () => {
  const random = new RandomStream(6, "leads");
  const orders = Array.from({ length: 401 }, () => random.normal());
  const rows = orders.slice(1).map((order, t) => ({
    sales: 50 + 4 * orders[t]! + 0.2 * random.normal(),
    order: 300 + 20 * order,
    size: order > 0 ? "large" : "small",
  }));
  const history = rows.slice(0, 320);
  const mase = async (past: readonly string[], options: object = {}) => {
    const learned = { hiddenSize: 12, epochs: 15, optimizer: { name: "adam", lr: 0.01 }, ...options } as const;
    const task = await Forecaster.fit(runtime, history, { ...learned, target: "sales", past });
    const { methods } = await task.evaluate(rows.slice(320), { history });
    task.dispose();
    return methods.forecaster.mase;
  };
  const without = await mase([]);
  expect(await mase(["order"])).toBeLessThan(without * 0.4);
  expect(await mase(["size"], { cell: "lstm", numLayers: 2, bidirectional: true })).toBeLessThan(without * 0.8);
});

test("several series in one model: each by itself or all together, and of any size", async () => {
  const groups = { a: seasonal(100), b: seasonal(90, { seed: 2, size: 1000 }) };
  const rows = Object.entries(groups).flatMap(([shop, all]) => all.map((row) => ({ shop, ...row })));
  const task = await Forecaster.fit(runtime, rows, { ...small, epochs: 30, series: "shop" });
  const both = await task.forecast();
  expect(both.map(({ series }) => series)).toEqual(["a", "b"].flatMap((name) => Array(8).fill(name)));
  const alone = await task.forecast({ history: rows.filter(({ shop }) => shop === "b") });
  expect(alone).toEqual(both.slice(8));
  expect(Math.min(...alone.map(({ median }) => median))).toBeGreaterThan(5000);
  // Rows of several series may take turns.
  const turns = Array.from({ length: 100 }, (_, t) => [rows[t]!, ...(t < 90 ? [rows[100 + t]!] : [])]).flat();
  expect(await task.forecast({ history: turns })).toEqual(both);
  const { folds, methods } = await task.evaluate(rows, { folds: 5, stride: 2 });
  expect(folds).toBe(10);
  expect(methods.forecaster.mase).toBeLessThan(methods.naive.mase);
  await expect(task.forecast({ history: rows.slice(0, 3) })).rejects.toThrow(
    /series "a" has 3 rows, and a forecast reads 16/,
  );
  task.dispose();
});

test("gaps: counted and named, or filled from the past alone", async () => {
  const rows: Row[] = seasonal(120);
  rows[30] = { value: null };
  rows[31] = { value: Number.NaN };
  rows[119] = { value: null };
  await expect(Forecaster.fit(runtime, rows, small)).rejects.toThrow(
    /there are 3 gaps, the first is row 30: value is null; fill them, or say missing: "interpolate"/,
  );
  const task = await Forecaster.fit(runtime, rows, { ...small, epochs: 1, missing: "interpolate" });
  // The last value stands in for the gap at the end.
  const said = await task.forecast();
  expect(said).toEqual(await task.forecast({ history: [...rows.slice(0, 119), rows[118]!] }));
  // A gap is not compared with anything.
  const { methods } = await task.evaluate(rows, { horizon: 1, folds: 2 });
  const once = await task.evaluate(rows.slice(0, 119), { horizon: 1, folds: 1 });
  expect(methods.forecaster.mae).toBeCloseTo(once.methods.forecaster.mae, 9);
  const none = rows.map((row, t) => (t > 40 && t < 80 ? { value: null } : row));
  await expect(Forecaster.fit(runtime, none, { ...small, missing: "interpolate" })).rejects.toThrow(
    /value has no number from row 41 to row 56/,
  );
  const late = rows.map((row, t) => (t > 90 && t < 110 ? { value: null } : row));
  const steps: number[] = [];
  const inValidation = async () => {
    for await (const { step } of Forecaster.fit(runtime, late, { ...small, missing: "interpolate" })) steps.push(step);
  };
  await expect(inValidation()).rejects.toThrow(/value has no number from row 91 to row 106/);
  expect(steps).toEqual([]);
  task.dispose();
});

test("what is refused, before training begins", async () => {
  const rows = seasonal(60);
  const two = rows.map(({ value }, t) => ({ value, other: t, name: "x" }));
  const refused = (all: readonly object[], options: object) =>
    expect(Forecaster.fit(runtime, all, { ...small, ...options })).rejects;
  await refused([], {}).toThrow(/the rows are \[\]/);
  await refused(two, {}).toThrow(/the columns value, other have numbers; say which one, or several, with target/);
  await refused([{ name: "x" }], {}).toThrow(/no column has numbers to forecast/);
  await refused(two, { target: "none" }).toThrow(/row 0 has no column "none", but value, other, name/);
  await refused([...rows.slice(0, 50), {}], {}).toThrow(/row 50 has no column "value", but none/);
  await refused([...rows, { value: "7" }], {}).toThrow(/row 60: value is "7", expected a finite number/);
  await refused([...rows, { value: Number.POSITIVE_INFINITY }], {}).toThrow(/row 60: value is Infinity/);
  await refused([...rows, null as never], {}).toThrow(/row 60 is null, expected an object/);
  await refused(rows.slice(0, 20), {}).toThrow(
    /the series has 20 rows to train on, and a forecast reads 16 and says 8; give at least 24/,
  );
  await refused(rows, { validation: rows.slice(0, 3) }).toThrow(/the validation has no 8 steps in a row/);
  await refused(rows, { season: 0 }).toThrow(/season is 0/);
  await refused(rows, { window: 2.5 }).toThrow(/window is 2.5/);
  await refused(rows, { differencing: 2 }).toThrow(/differencing is 2, expected 0 or 1/);
  await refused(rows, { season: 1, seasonalDifferencing: 1 }).toThrow(/there is no season/);
  await refused(rows, { quantiles: [0.1, 0.9] }).toThrow(/0.5 in the middle/);
  await refused(rows, { quantiles: [0.2, 0.5, 0.9] }).toThrow(/symmetric about 0.5/);
  await refused(rows, { strategy: "both" }).toThrow(/strategy is "both"/);
  await refused(rows, { missing: "drop" }).toThrow(/missing is "drop"/);
  await refused(rows, { hidden_size: 3 }).toThrow(/did you mean hiddenSize/);
  await refused(two, { target: "value", known: ["value"] }).toThrow(/"value" is named twice/);
  await refused(two, { target: "value", past: ["other"], strategy: "recursive" }).toThrow(/past is other/);
  const task = await Forecaster.fit(runtime, rows, { ...small, epochs: 1 });
  await expect(task.forecast({ steps: 9 })).rejects.toThrow(/steps is 9, and .* a horizon of 8/);
  await expect(task.forecast({ history: rows.slice(0, 5) })).rejects.toThrow(/has 5 rows, and a forecast reads 16/);
  await expect(task.forecast({ known: rows })).rejects.toThrow(/no column is known ahead/);
  await expect(task.evaluate(rows.slice(0, 10))).rejects.toThrow(/has 10 rows; .* give at least 24, or history/);
  task.dispose();
});

test("on the twins: the same forecast", async () => {
  const rows = seasonal(40);
  const options = { ...small, window: 6, horizon: 2, hiddenSize: 3, epochs: 2, validation: 0.3 };
  const twins = await Runtime.open({ backend: "cpu" });
  const [there, here] = [await Forecaster.fit(twins, rows, options), await Forecaster.fit(runtime, rows, options)];
  const [exact, fast] = [await there.forecast(), await here.forecast()];
  for (const [i, { median, low, high }] of exact.entries()) {
    expect(fast[i]!.median).toBeCloseTo(median, 3);
    expect(fast[i]!.low).toBeCloseTo(low, 3);
    expect(fast[i]!.high).toBeCloseTo(high, 3);
  }
  here.dispose();
  twins.dispose();
});
