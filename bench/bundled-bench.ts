// What `bench.mjs` of a bundle runs.
import { bench, benchCommand } from "./bench.ts";

await bench(benchCommand().parse().opts());
