import { test } from "vitest";
import { recurrentForward } from "../src/kernels/recurrent.ts";
import { expectTwins, gpuForTests } from "./against-twin.ts";
import { testCells } from "./cells-for-tests.ts";
import { forwardCase, table } from "./recurrent-steps.ts";
const gpu = await gpuForTests();
const c = { ROWS: 1, LANES: 32, HEADS: false, WHOLE: true, FIRST: true, SAVE: false, INNER: false };
test("x", async () => {
  for (let k = 0; k < 4; k++)
  for (const s of table) {
    const t0 = performance.now();
    const given = forwardCase(testCells.find((c) => c.acrossUnits)!, c, s);
    const t1 = performance.now();
    await expectTwins(gpu, { a: given });
    console.log(JSON.stringify(s), Math.round(t1 - t0), Math.round(performance.now() - t1));
  }
});
