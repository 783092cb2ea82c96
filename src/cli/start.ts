import { fileURLToPath } from "node:url";
import { asFilteredChild } from "./filtered-process.ts";
import { run } from "./program.ts";

// Imported by main.ts, or a process of its own.
if (process.argv[1] === fileURLToPath(import.meta.url)) asFilteredChild();

// A reader that has seen enough (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

await run(process.argv.slice(2));
