/** What dist/cli/main.js does, for a program that is named: node scripts/run-ts.mjs test/support/run-filtered.ts FILE ARGUMENTS */
import { runFiltered } from "../../src/cli/filtered-process.ts";

await runFiltered([process.execPath, ...process.argv.slice(2)]);
