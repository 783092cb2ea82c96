/** What a plan says of itself on WebAssembly: which of its dispatches are native, and which their kernels' twins. */
import { afterAll, expect, test } from "vitest";
import { CharModel, printPlan, Runtime } from "../../src/index.ts";
import { type Command, commandsOf, type Dispatch } from "../../src/plan/plan.ts";
import type { Native } from "../../src/wasm/native.ts";
import { natives } from "../../src/wasm/natives.ts";

const runtime = await Runtime.open({ backend: "wasm" });
afterAll(() => runtime.dispose());

const planOn = async (on: Runtime) => {
  const model = new CharModel({ vocabSize: 5, embeddingDim: 3, hiddenSize: 4 });
  const program = await on.compile(model, {
    inputs: { x: { shape: [3, 2], dtype: "i32" } },
    forward: ({ x }) => ({ logits: model.forward(x).logits }),
  });
  return program.plan;
};
const plan = await planOn(runtime);
const kernel = (name: string) => (command: Command) => command.type === "dispatch" && command.kernel === name;
const wayOf = (name: string) => runtime.runs!(commandsOf(plan).find(kernel(name))!);

/** For as long as a test lasts, `native` stands for a kernel's. */
async function withNative(name: string, native: Native | undefined, check: () => void): Promise<void> {
  const table = natives as Map<string, Native>;
  const before = table.get(name);
  const put = (one: Native | undefined) => (one ? table.set(name, one) : table.delete(name));
  put(native);
  try {
    check();
  } finally {
    put(before);
  }
}

test("a kernel without a native is run by its twin, and so is a case that its native leaves to it", async () => {
  await withNative("matmul", undefined, () => expect(wayOf("matmul")).toBe("twin"));
  await withNative(
    "matmul",
    () => undefined,
    () => expect(wayOf("matmul")).toBe("twin"),
  );
  await withNative(
    "matmul",
    () => () => {},
    () => expect(wayOf("matmul")).toBe("native"),
  );
  expect(wayOf("matmul")).toBe("native");
});

test("asking needs no memory", async () => {
  const { bytes } = runtime.memory();
  const wanted: number[] = [];
  const native: Native = (_, __, { workspace }) => {
    wanted.push(workspace(2 ** 31));
    return () => {};
  };
  await withNative("matmul", native, () => expect(wayOf("matmul")).toBe("native"));
  expect(wanted).toEqual([0]);
  expect(runtime.memory().bytes).toBe(bytes);
});

test("what natives are asked with tells buffers apart, and says where in them a view begins", async () => {
  const seen: number[][] = [];
  const native: Native = (at) => void seen.push(Object.values(at));
  const products = commandsOf(plan).filter(kernel("matmul")) as Dispatch[];
  await withNative("matmul", native, () => {
    for (const one of products) runtime.runs!(one);
  });
  expect(seen.map((addresses) => addresses.map((at) => at % 2 ** 32))).toEqual(
    products.map(({ bindings }) => bindings.map(({ offset }) => 4 * offset)),
  );
  const alike = (numbers: number[]) => numbers.map((number) => numbers.indexOf(number));
  expect(seen.map((addresses) => alike(addresses.map((at) => Math.floor(at / 2 ** 32))))).toEqual(
    products.map(({ bindings }) => alike(bindings.map(({ buffer }) => buffer))),
  );
});

test("a printed plan has a column for it, and a total", async () => {
  await withNative("recurrent-forward", undefined, () => {
    const text = printPlan(plan, runtime);
    expect(text).toMatch(/^ {9}dispatch {2}native {2}head: matmul /m);
    expect(text).toMatch(/^ {5}3 x dispatch {2}twin {4}rnn step 0: recurrent-forward/m);
    const ways = plan.commands.map(runtime.runs!);
    const count = (way: string) => ways.filter((one) => one === way).length;
    expect(text).toContain(`\n  ${count("native")} native, ${count("twin")} by twins\n`);
  });
});

test("steps of one kernel that run in different ways are not folded", async () => {
  let asked = 0;
  await withNative(
    "recurrent-forward",
    () => (asked++ % 2 === 0 ? () => {} : undefined),
    () => {
      const lines = printPlan(plan, runtime)
        .split("\n")
        .filter((line) => line.includes(": recurrent-forward"));
      expect(lines.length).toBeGreaterThan(1);
    },
  );
});

test("on other backends there is no such column", async () => {
  const cpu = await Runtime.open({ backend: "cpu" });
  const text = printPlan(await planOn(cpu), cpu);
  expect(cpu.runs).toBeUndefined();
  expect(text).toBe(printPlan(await planOn(cpu)));
  expect(text).not.toMatch(/native|twin/);
  cpu.dispose();
});
