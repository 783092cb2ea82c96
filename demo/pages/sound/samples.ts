/** dB, where a sine of amplitude 1 has -3. */
export function level(samples: Float32Array): number {
  const power = samples.reduce((sum, x) => sum + x * x, 0) / Math.max(1, samples.length);
  return 10 * Math.log10(power + 1e-10);
}
