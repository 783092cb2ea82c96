// Writes test/recorded/onnx-operators.jsonl: what ONNX Runtime gives for the graphs of test/support/onnx-*cases.ts.
// npm ci --prefix test/onnxruntime --ignore-scripts && node scripts/run-ts.mjs test/onnxruntime/record.ts
import { writeFileSync } from "node:fs";
import { allCases } from "../support/onnx-all-cases.ts";
import { onnxFile } from "../support/onnx-graphs.ts";
import { ReferenceModel } from "./onnxruntime.ts";

const recorded: Record<string, Record<string, { shape: readonly number[]; data: readonly number[] }>> = {};
for (const { name, graph, inputs } of allCases) {
  try {
    const model = await ReferenceModel.open(onnxFile(graph));
    const outputs = Object.entries(await model.run(inputs));
    // Nine digits tell every float32.
    recorded[name] = Object.fromEntries(
      outputs.map(([output, { shape, data }]) => [output, { shape, data: data.map((x) => Number(x.toPrecision(9))) }]),
    );
    await model.close();
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
const file = new URL("../recorded/onnx-operators.jsonl", import.meta.url);
const lines = Object.entries(recorded).map(([name, outputs]) => JSON.stringify({ name, outputs }));
writeFileSync(file, `${lines.join("\n")}\n`);
console.log(`${lines.length} cases recorded`);
process.exit();
