/** The steps of layers that go on together against their twins: every cell and switch, every variant. */
import { describe } from "vitest";
import { recurrentStackBackward, recurrentStackForward } from "../../src/kernels/recurrent-stack.ts";
import { backendsForTests } from "../support/backends.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { stackBackwardCase, stackForwardCase } from "../support/stack-kernel-cases.ts";
import { testSteps } from "../support/steps-against-twins.ts";

const { onFloat32 } = await backendsForTests();

onFloat32(({ backend }) => {
  describe("recurrent-stack-forward", () => {
    testSteps(backend, recurrentStackForward, testCells, stackForwardCase, { once: true });
  });

  describe("recurrent-stack-backward", () => {
    testSteps(backend, recurrentStackBackward, testCells, stackBackwardCase, { once: true });
  });
});
