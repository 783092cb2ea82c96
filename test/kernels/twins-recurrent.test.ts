/** The recurrent steps forward against their twins: every cell and switch, every variant, in one and two directions. */
import { describe } from "vitest";
import { recurrentForward, recurrentInitial } from "../../src/kernels/recurrent.ts";
import { recurrentProject } from "../../src/kernels/recurrent-projection.ts";
import { backendsForTests } from "../support/backends.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { inventedCells } from "../support/invented-cells.ts";
import { forwardCase, initialCase, projectCase } from "../support/recurrent-kernel-cases.ts";
import { testKernel, testSteps } from "../support/steps-against-twins.ts";

const { onFloat32 } = await backendsForTests();

onFloat32(({ backend }) => {
  describe("recurrent-forward", () => {
    testSteps(backend, recurrentForward, [...testCells, ...inventedCells], forwardCase);
  });

  describe("recurrent-initial", () => {
    testKernel(backend, recurrentInitial, initialCase);
  });

  describe("recurrent-project", () => {
    testKernel(backend, recurrentProject, projectCase);
  });
});
