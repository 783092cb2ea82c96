/** `webgpu-rnn export --to onnx`. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CharModel, makeTraining, Runtime, saveTraining, Vocabulary } from "../../src/index.ts";
import { inspectOnnx } from "../../src/onnx/index.ts";
import { decode } from "../../src/onnx/proto.ts";
import { commandLine, rhyme, small, temporaryFolder, train } from "../support/command-line.ts";

const { at } = temporaryFolder();

test("writes a character model with its states and its vocabulary, and replaces nothing unasked", async () => {
  writeFileSync(at("rhyme.txt"), rhyme);
  await train(
    at("rhyme.txt"),
    "--out",
    at("m.safetensors"),
    "--steps",
    "3",
    "--cell",
    "gru",
    "--num-layers",
    "2",
    ...small,
  );
  const out = at("m.onnx");
  const ran = await commandLine("export", at("m.safetensors"), out, "--to", "onnx");
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const V = new Set(rhyme).size;
  expect(ran.stdout).toContain(`inputs tokens [T,B], state.h [2,B,24]; outputs logits [T,B,${V}], next.h [2,B,24]`);
  const file = readFileSync(out);
  expect(inspectOnnx(file).operators.GRU).toBe(2);
  const [vocabulary] = decode("ModelProto", file).metadataProps;
  expect(vocabulary!.key).toBe("vocabulary");
  expect(Vocabulary.fromJSON(JSON.parse(vocabulary!.value!)).size).toBe(V);

  const again = await commandLine("export", at("m.safetensors"), out, "--to", "onnx");
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("is there already; name another file, or replace it with --force");
  expect((await commandLine("export", at("m.safetensors"), out, "--to", "onnx", "--force")).code).toBe(0);
  const text = await commandLine(
    "export",
    at("m.safetensors"),
    out,
    "--to",
    "onnx",
    "--text",
    at("rhyme.txt"),
    "--force",
  );
  expect(text.code).toBe(2);
});

test("refuses a task's file with the way out, and writes nothing", async () => {
  const runtime = await Runtime.open({ backend: "cpu" });
  const training = makeTraining(runtime, new CharModel({ vocabSize: 2 }), { optimizer: { name: "sgd" } });
  runtime.initialize(training.model, { seed: 1 });
  writeFileSync(at("task.safetensors"), await saveTraining(training, { task: "SequenceClassifier" }));
  runtime.dispose();
  const ran = await commandLine("export", at("task.safetensors"), at("task.onnx"), "--to", "onnx");
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(
    /is the training of a SequenceClassifier; export takes character models .+exportOnnx\(task\.model/s,
  );
  expect(existsSync(at("task.onnx"))).toBe(false);
});
