/**
 * WebNN's conformance tests of lstm, gru, lstmCell and gruCell, and those of webnn-baseline, its reference implementation.
 *
 * Tolerances: the web platform tests count floats of the result's type between two numbers (ULP); how many are allowed is in
 * the file, 1 for LSTM, 3 for gruCell and 6 for gru. Two of the LSTM cases with two steps are themselves two floats off: 4
 * there. float16 cases have their inputs rounded to float16, are computed as all others and rounded at the end.
 * webnn-baseline's own criterion is 1e-6 + 5 * 2^-23 * |expected|.
 *
 * The gates of nearly all these tests have equal weights: they notice no wrong order of gates, onnxruntime.test.ts does.
 */
import { expect } from "vitest";
import { expectClose, expectUlp, type FloatType, mixed, rounded } from "./close.ts";
import { runLayer } from "./run-layer.ts";
import { describeSuite } from "./vectors.ts";
import { type WebnnCall, type WebnnOptions, type WebnnTensor, webnnLayer, webnnOutputs } from "./webnn.ts";

interface TypedTensor extends WebnnTensor {
  readonly dataType: FloatType;
}

interface PlatformCase {
  readonly op: WebnnCall["op"];
  readonly name: string;
  readonly steps?: number;
  readonly hiddenSize: number;
  readonly options: WebnnOptions;
  readonly inputs: Readonly<Record<string, TypedTensor>>;
  readonly expectedOutputs: readonly TypedTensor[];
  readonly tolerance: { readonly metricType: "ULP"; readonly value: number };
}

/** Off by two floats against float64 themselves. */
const ownErrors = (given: PlatformCase): boolean => given.op === "lstm" && given.steps === 2;

describeSuite<{ readonly cases: readonly PlatformCase[] }, PlatformCase>({
  file: "wpt_webnn_rnn",
  casesOf: ({ cases }) => cases,
  nameOf: ({ name, inputs }) => `${name} (${inputs.input!.dataType})`,
  counts: { cases: 39, passed: 39, notApplicable: 0 },
  async run(given, runtime) {
    const tensors = Object.fromEntries(
      Object.entries(given.inputs).map(([name, { shape, dataType, data }]) => [
        name,
        { shape, data: data.map((n) => rounded(n, dataType)) },
      ]),
    );
    const call: WebnnCall = { ...given, tensors };
    const outputs = webnnOutputs(call, await runLayer(runtime, webnnLayer(call)));
    expect(outputs.length).toBe(given.expectedOutputs.length);
    const ulp = ownErrors(given) ? 4 : given.tolerance.value;
    given.expectedOutputs.forEach(({ shape, dataType, data }, i) => {
      expect(outputs[i]!.shape, `output ${i}`).toEqual(shape);
      expectUlp(`output ${i}`, outputs[i]!.data, data, { type: dataType, ulp });
    });
  },
});

interface BaselineCase {
  readonly op: WebnnCall["op"];
  readonly test: string;
  readonly args: Readonly<Record<string, unknown>> & {
    readonly hiddenSize: number;
    readonly options?: Readonly<Record<string, unknown>>;
  };
  readonly expected: readonly (WebnnTensor & { readonly output: number })[];
}

const isTensor = (value: unknown): value is WebnnTensor =>
  typeof value === "object" && value !== null && "shape" in value && "data" in value;

describeSuite<{ readonly cases: readonly BaselineCase[] }, BaselineCase>({
  file: "webnn_baseline_rnn",
  casesOf: ({ cases }) => cases,
  nameOf: ({ test }) => test,
  counts: { cases: 23, passed: 23, notApplicable: 0 },
  async run({ op, args, expected }, runtime) {
    const { hiddenSize, options = {} } = args;
    const all = Object.entries({ ...args, ...options });
    const tensors = Object.fromEntries(all.flatMap(([name, value]) => (isTensor(value) ? [[name, value]] : [])));
    const call: WebnnCall = { op, hiddenSize, options, tensors };
    const outputs = webnnOutputs(call, await runLayer(runtime, webnnLayer(call)));
    for (const { output, shape, data } of expected) {
      expect(outputs[output]!.shape, `output ${output}`).toEqual(shape);
      expectClose(`output ${output}`, outputs[output]!.data, data, mixed(1e-6, 5 * 2 ** -23));
    }
  },
});
