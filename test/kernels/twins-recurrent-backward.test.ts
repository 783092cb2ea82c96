/** The recurrent steps backward against their twins: every cell and switch, every variant, in one and two directions. */
import { describe } from "vitest";
import { recurrentBackward } from "../../src/kernels/recurrent-gradient.ts";
import { recurrentIntermediateBackward } from "../../src/kernels/recurrent-intermediate.ts";
import { recurrentProjectBackward } from "../../src/kernels/recurrent-projection.ts";
import { backendsForTests } from "../support/backends.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { inventedCells } from "../support/invented-cells.ts";
import { backwardCase, intermediateBackwardCase, projectBackwardCase } from "../support/recurrent-kernel-cases.ts";
import { testKernel, testSteps } from "../support/steps-against-twins.ts";

const { onFloat32 } = await backendsForTests();
const cells = [...testCells, ...inventedCells];

onFloat32(({ backend }) => {
  describe("recurrent-backward", () => {
    testSteps(backend, recurrentBackward, cells, backwardCase);
  });

  describe("recurrent-intermediate-backward", () => {
    testSteps(backend, recurrentIntermediateBackward, cells, intermediateBackwardCase);
  });

  describe("recurrent-project-backward", () => {
    testKernel(backend, recurrentProjectBackward, projectBackwardCase);
  });
});
