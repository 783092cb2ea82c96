// The limit of a machine for kernels that multiply and add in 128 bits without fusing the two, as portable WebAssembly does.
import asc from "assemblyscript/asc";

/** Independent sums: enough that none waits for its last addition, and not more than there are registers. */
const CHAINS = 12;
const LANES = 4;
/** About a millisecond, so that some of many runs are not interrupted. */
const TURNS = 1 << 18;

const names = Array.from({ length: CHAINS }, (_, i) => `s${i}`);
const source = `export function run(turns: i32): f32 {
  const a = f32x4.splat(0.999);
  const b = f32x4.splat(0.001);
  ${names.map((name, i) => `let ${name} = f32x4.splat(${i}.5);`).join("\n  ")}
  for (let i = 0; i < turns; i++) {
    ${names.map((name) => `${name} = f32x4.add(f32x4.mul(${name}, a), b);`).join("\n    ")}
  }
  return f32x4.extract_lane(${names.reduce((sum, name) => `f32x4.add(${sum}, ${name})`)}, 0);
}`;

/** GFLOP/s of one thread. */
export async function peak() {
  let code;
  const { error } = await asc.main(
    ["peak.ts", "--outFile", "peak.wasm", "-O3", "--runtime", "stub", "--enable", "simd"],
    {
      readFile: (name) => (name === "peak.ts" ? source : null),
      writeFile: (name, contents) => {
        if (name === "peak.wasm") code = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw error;
  const { instance } = await WebAssembly.instantiate(code);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    instance.exports.run(TURNS);
    least = Math.min(least, performance.now() - start);
  }
  return (2 * LANES * CHAINS * TURNS) / least / 1e6;
}
