#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { runFiltered } from "./filtered-process.ts";

// Dawn's warnings come with Vulkan, which it uses on Linux. Options of Node, such as those of a debugger, are meant for the
// process that computes, and so are the sources, which Node does not run itself.
const direct = process.platform !== "linux" || process.execArgv.length > 0 || import.meta.url.endsWith(".ts");

if (direct || process.argv.includes("--verbose")) await import("./start.ts");
else {
  const start = fileURLToPath(new URL("start.js", import.meta.url));
  await runFiltered([process.execPath, start, ...process.argv.slice(2)]);
}
