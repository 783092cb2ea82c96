/** The recurrent steps backward against their twins: every cell and switch, every variant, in one and two directions. */
import { describe } from "vitest";
import {
  recurrentBackward,
  recurrentInnerBackward,
  recurrentProjectBackward,
} from "../../src/kernels/recurrent-gradient.ts";
import { gpuForTests } from "../support/against-twin.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { inventedCells } from "../support/invented-cells.ts";
import { backwardCase, innerBackwardCase, projectBackwardCase } from "../support/recurrent-steps.ts";
import { testKernel, testSteps } from "../support/steps-against-twins.ts";

const gpu = await gpuForTests();
const cells = [...testCells, ...inventedCells];

describe("recurrent-backward", () => {
  testSteps(gpu, recurrentBackward, cells, backwardCase);
});

describe("recurrent-inner-backward", () => {
  testSteps(gpu, recurrentInnerBackward, cells, innerBackwardCase);
});

describe("recurrent-project-backward", () => {
  testKernel(gpu, recurrentProjectBackward, projectBackwardCase);
});
