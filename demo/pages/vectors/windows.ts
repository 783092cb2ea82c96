/** Days of a market as the numbers that networks read. */
import { RandomStream } from "webgpu-rnn";
import type { Day } from "./data.ts";

export const WINDOW = 14;
/** The last days are kept apart. */
const HELD_OUT = 56;

/** Numbers with a mean of 0 and a standard deviation of 1, and back. */
function scaling(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { to: (value: number) => (value - mean) / deviation, from: (value: number) => value * deviation + mean };
}

/** The days, the last of them kept apart, as batches of windows. */
export function windowsOf(days: readonly Day[], seed: number) {
  const training = days.slice(0, -HELD_OUT);
  const price = scaling(training.map((day) => day.price));
  const temperature = scaling(training.map((day) => day.temperature));
  /** Today's price, and the temperature that is forecast for tomorrow. */
  const numbersOf = (t: number) => [price.to(days[t]!.price), temperature.to(days[t + 1]!.temperature)];
  /** Windows that begin on these days. Weekday and weather are tomorrow's. */
  const batchOf = (starts: readonly number[], length: number, hasCategories: boolean) => {
    const at = Array.from({ length }, (_, t) => starts.map((start) => start + t)).flat();
    const shape = [length, starts.length];
    const category = (name: "weekday" | "weather") => ({ shape, data: Int32Array.from(at, (t) => days[t + 1]![name]) });
    const numbers = at.flatMap(numbersOf);
    return {
      x: {
        numbers: { shape: [...shape, 2], data: Float32Array.from(numbers) },
        ...(hasCategories && { weekday: category("weekday"), weather: category("weather") }),
      },
      target: { shape: [...shape, 1], data: Float32Array.from(at, (t) => price.to(days[t + 1]!.price)) },
    };
  };
  const random = new RandomStream(seed, "windows");
  /** Days by chance on which windows begin. */
  const drawn = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random.next() * (training.length - WINDOW - 1)));
  // The last day of training says the first of those.
  const heldOut = { first: training.length - 1, days: days.slice(training.length) };
  return { price, numbersOf, batchOf, heldOut, drawn };
}
