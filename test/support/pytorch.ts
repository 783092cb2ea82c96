/** A Python that has PyTorch, for tests that compare with it. */
import { spawnSync } from "node:child_process";

// The distribution's own Python too: the first one on the PATH is often another, without its packages.
const pythons = [process.env.PYTHON, "python3", "/usr/bin/python3"].filter((python) => python !== undefined);

/** Undefined where there is none. */
export const pythonWithTorch = pythons.find((candidate) => spawnSync(candidate, ["-c", "import torch"]).status === 0);

export const noTorch = "no Python with PyTorch was found; set PYTHON to one";
