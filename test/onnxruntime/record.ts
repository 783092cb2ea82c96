// Writes what ONNX Runtime gives: test/recorded/onnx-operators.jsonl for the graphs of test/support/onnx-*cases.ts, and
// test/recorded/onnx-models.jsonl for the models in shared/models beside the repository, where they are.
// npm ci --prefix test/onnxruntime --ignore-scripts && node scripts/run-ts.mjs test/onnxruntime/record.ts
import { writeFileSync } from "node:fs";
import { sizeOf } from "../../src/tensor-data.ts";
import { allCases } from "../support/onnx-all-cases.ts";
import { numbers, onnxFile } from "../support/onnx-graphs.ts";
import { pathOf, publishedModels, type RecordedModel, recordedCalls, someOf } from "../support/onnx-models.ts";
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
function write(file: string, lines: readonly object[]): void {
  writeFileSync(
    new URL(`../recorded/${file}`, import.meta.url),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  console.log(`${lines.length} lines in ${file}`);
}
write(
  "onnx-operators.jsonl",
  Object.entries(recorded).map(([name, outputs]) => ({ name, outputs })),
);

if (publishedModels.every(pathOf)) {
  const models: RecordedModel[] = [];
  for (const published of publishedModels) {
    const { name, state, output, at } = published;
    const model = await ReferenceModel.open(pathOf(published)!);
    let carried = numbers("FLOAT", Array(sizeOf(state.shape)).fill(0), state.shape);
    const outputs: Record<string, readonly number[]> = {};
    for (let call = 1; call <= recordedCalls.at(-1)!; call++) {
      const got = await model.run({ ...at(call), [state.input]: carried });
      carried = numbers("FLOAT", got[state.output]!.data, state.shape);
      if (recordedCalls.some((one) => one === call))
        outputs[call] = someOf(got[output]!.data).map((x) => Number(x.toPrecision(9)));
    }
    models.push({ name, outputs });
    await model.close();
  }
  write("onnx-models.jsonl", models);
}
process.exit();
