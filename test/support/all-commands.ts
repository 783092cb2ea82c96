/** For tests that build plans without waiting. */
import { loadOnDemand } from "../../src/load-on-demand.ts";

await loadOnDemand();
