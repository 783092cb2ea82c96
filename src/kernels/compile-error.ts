import type { FullCell } from "../cells/cell.ts";
import { InternalError } from "../errors.ts";
import { refuseOwnCell } from "./cell-fragment.ts";
import type { CompilerMessage, Composed } from "./compose.ts";

/** Each message with the real file and line, and the line it complains about. */
export function describeMessages(composed: Composed, messages: Iterable<CompilerMessage>): string {
  const lines = composed.code.split("\n");
  return Array.from(messages, ({ type, message, lineNum, linePos }) => {
    // Line 0 means that the message belongs to no line.
    if (lineNum < 1) return `${type}: ${message}`;
    const at = composed.origin(lineNum);
    return `${at.file}:${at.line}:${linePos}: ${type}: ${message}\n    ${lines[lineNum - 1]?.trim() ?? ""}`;
  }).join("\n");
}

/**
 * Tells why the device's compiler refused a kernel.
 * @param ownCell the cell whose WGSL was given with it
 * @throws CellError for the WGSL of such a cell, InternalError for the package's own
 */
export function refuseKernel(
  label: string,
  composed: Composed,
  messages: Iterable<CompilerMessage>,
  cause: unknown,
  ownCell: FullCell | undefined,
): never {
  const errors = [...messages].filter(({ type }) => type === "error");
  if (ownCell && errors.length > 0) refuseOwnCell(ownCell, composed, errors);
  const described = errors.length > 0 ? describeMessages(composed, errors) : String(cause);
  throw new InternalError(`kernel ${label} does not compile: ${described}`);
}
