/** Errors are told apart by `instanceof`, by `code` and by `name`, and bundlers rename classes. */
import { expect, test } from "vitest";
import * as errors from "../src/errors.ts";
import { ShaderError } from "../src/kernels/wgsl-text.ts";

test("every error is named as its class is in the sources", () => {
  const made = {
    ShaderError: new ShaderError({ file: "matmul.wgsl", line: 1 }, "?"),
    DivergedError: new errors.DivergedError(1, "?"),
    ShapeError: new errors.ShapeError("?"),
    OptionError: new errors.OptionError("?"),
    StateDictError: new errors.StateDictError("?"),
    FileFormatError: new errors.FileFormatError("?"),
    DataError: new errors.DataError("?"),
    NoAdapterError: new errors.NoAdapterError("?"),
    LimitError: new errors.LimitError("?"),
    CellError: new errors.CellError("?"),
    DeviceLostError: new errors.DeviceLostError("?"),
    BusyError: new errors.BusyError("?"),
    DisposedError: new errors.DisposedError("?"),
    InternalError: new errors.InternalError("?"),
  };
  for (const [name, error] of Object.entries(made)) {
    expect(error.name).toBe(name);
    expect(error).toBeInstanceOf(errors.WebGpuRnnError);
  }
  const classes = Object.keys(errors).filter((name) => name.endsWith("Error") && name !== "WebGpuRnnError");
  expect(Object.keys(made)).toEqual(expect.arrayContaining(classes));
});
