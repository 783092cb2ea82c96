/** The recurrent part of a task's model, by the names of its cells. */
import { expect, test } from "vitest";
import { recurrentDefaults, recurrentLayer, taskCells } from "../../src/tasks/recurrent-layer.ts";

const oneWay = ["mingru", "minlstm"];

test.each(taskCells)("%s: can be made, in both directions where it has them", (cell) => {
  for (const both of [false, true]) {
    const options = recurrentDefaults("task", { cell, numLayers: 2 }, { bidirectional: both });
    expect(options.bidirectional).toBe(both && !oneWay.includes(cell));
    expect(() => recurrentLayer(3, options)).not.toThrow();
  }
  const asked = () => recurrentDefaults("task", { cell, bidirectional: true }, { bidirectional: false }).bidirectional;
  if (oneWay.includes(cell)) expect(asked).toThrow(/task: cell min\w+ runs in one direction; leave bidirectional out/);
  else expect(asked()).toBe(true);
});
