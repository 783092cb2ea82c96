/** The recurrent steps forward against their twins: every cell and switch, every variant, in one and two directions. */
import { describe } from "vitest";
import { recurrentForward, recurrentProject } from "../src/kernels/recurrent.ts";
import { gpuForTests } from "./against-twin.ts";
import { testCells } from "./cells-for-tests.ts";
import { inventedCells } from "./invented-cells.ts";
import { forwardCase, projectCase } from "./recurrent-steps.ts";
import { testKernel, testSteps } from "./steps-against-twins.ts";

const gpu = await gpuForTests();

describe("recurrent-forward", () => {
  testSteps(gpu, recurrentForward, [...testCells, ...inventedCells], forwardCase);
});

describe("recurrent-project", () => {
  testKernel(gpu, recurrentProject, projectCase);
});
