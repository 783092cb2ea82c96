/** x·y + sum by one instruction, rounded once, where the processor has it. */
export function madd(x: v128, y: v128, sum: v128): v128 {
  return f32x4.relaxed_madd(x, y, sum);
}
