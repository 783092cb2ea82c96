/** The recurrent part of a task's model, by the names of its cells. */
import { expect, test, vi } from "vitest";
import { loadCell, recurrentDefaults, recurrentLayer, taskCells } from "../../src/tasks/recurrent-layer.ts";

const oneWay = ["mingru", "minlstm"];

test.each(taskCells)("%s: can be made, in both directions where it has them", async (cell) => {
  await loadCell(cell);
  for (const both of [false, true]) {
    const options = recurrentDefaults("task", { cell, numLayers: 2 }, { bidirectional: both });
    expect(options.bidirectional).toBe(both && !oneWay.includes(cell));
    expect(() => recurrentLayer(3, options)).not.toThrow();
  }
  const asked = () => recurrentDefaults("task", { cell, bidirectional: true }, { bidirectional: false }).bidirectional;
  if (oneWay.includes(cell)) expect(asked).toThrow(/task: cell min\w+ runs in one direction; leave bidirectional out/);
  else expect(asked()).toBe(true);
});

test("a file brings its cell along, though nothing asked for it before", async () => {
  const rows = Array.from({ length: 8 }, (_, i) => ({ x: [i % 2, 1, i % 3], label: i % 2 }));
  const inFresh = async () => {
    vi.resetModules();
    const { Runtime } = await import("../../src/index.ts");
    const { SequenceClassifier } = await import("../../src/tasks/index.ts");
    return { SequenceClassifier, runtime: await Runtime.open({ backend: "cpu" }) };
  };
  const { SequenceClassifier, runtime } = await inFresh();
  const task = await SequenceClassifier.fit(runtime, rows, { cell: "sru", hiddenSize: 2, epochs: 1 });
  const [file, said] = [await task.save(), await task.predict(rows)];
  const fresh = await inFresh();
  const again = await fresh.SequenceClassifier.load(fresh.runtime, file);
  expect(await again.predict(rows)).toEqual(said);
  runtime.dispose();
  fresh.runtime.dispose();
});
