import type { ctcPaths } from "../kernels/ctc.ts";
import { type Call, Calls } from "./calls.ts";
import { direct } from "./direct.ts";
import type { NativeOf } from "./native.ts";

const ctc: NativeOf<typeof ctcPaths> = (at, p, { wasm, workspace }) => {
  const calls = new Calls();
  const rows = workspace(wasm.ctcWorkspace(p.S));
  calls.add(wasm.ctc as Call, ...Object.values(at), ...Object.values(p), rows);
  return calls.run;
};

export const ctcNatives = { ctc, "ctc-gradient": direct("ctcGradient") };
