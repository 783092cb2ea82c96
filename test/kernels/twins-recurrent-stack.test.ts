/** The steps of layers that go on together against their twins: every variant. */
import { describe } from "vitest";
import { gruCell, lstmCell, rnnCell } from "../../src/cells/index.ts";
import { recurrentStackBackward, recurrentStackForward } from "../../src/kernels/recurrent-stack.ts";
import { backendsForTests } from "../support/backends.ts";
import { stackBackwardCase, stackForwardCase } from "../support/stack-kernel-cases.ts";
import { testSteps } from "../support/steps-against-twins.ts";

const { onFloat32 } = await backendsForTests();
// With two products a step takes software adapters up to 20 seconds to compile: these cells have every tile between them, one and
// several gates, a cell state, a gradient that is separate, and means over units.
const cells = [rnnCell("RNN"), lstmCell("LSTM"), gruCell("GRU", { layerNorm: true })];

onFloat32(({ backend }) => {
  describe("recurrent-stack-forward", () => {
    testSteps(backend, recurrentStackForward, cells, stackForwardCase, { once: true });
  });

  describe("recurrent-stack-backward", () => {
    testSteps(backend, recurrentStackBackward, cells, stackBackwardCase, { once: true });
  });
});
