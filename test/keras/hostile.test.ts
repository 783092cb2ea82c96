/** Keras files that were damaged, or made to harm their reader. */
import { readFileSync } from "node:fs";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { importKeras, readKerasWeights } from "../../src/keras/index.ts";
import { readDamaged, refusalOf } from "../support/damage.ts";

const folder = new URL("../recorded/keras/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where a text stands in a file. */
function placesOf(bytes: Uint8Array, text: string): number[] {
  const found: number[] = [];
  const wanted = strToU8(text);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1))
    if (wanted.every((byte, i) => bytes[at + i] === byte)) found.push(at);
  return found;
}

describe("HDF5", () => {
  test("whose trees share their nodes is given up, and not walked for ever", () => {
    const bytes = bytesOf("keras-2-weights.h5");
    const node = placesOf(bytes, "TREE")[0]!;
    // The root's tree becomes 200 levels high, each of 8 entries that are the node below.
    const LEVELS = 200;
    const SIZE = 24 + 17 * 8;
    const large = new Uint8Array(bytes.length + LEVELS * SIZE);
    large.set(bytes);
    const view = viewOf(large);
    for (let level = 0; level < LEVELS; level++) {
      const at = level === LEVELS - 1 ? node : bytes.length + level * SIZE;
      large.set(strToU8("TREE"), at);
      view.setUint8(at + 5, level);
      view.setUint16(at + 6, 8, true);
      for (let i = 0; i < 8 && level > 0; i++)
        view.setBigUint64(at + 32 + 16 * i, BigInt(bytes.length + (level - 1) * SIZE), true);
    }
    expect(refusalOf(() => readKerasWeights(large))).toMatch(/reading them would not end/);
  });

  test("with a group that holds itself is not followed for ever", () => {
    const bytes = bytesOf("sequential.weights.h5");
    const view = viewOf(bytes);
    // Every entry of every table of symbols leads to the root.
    const root = view.getBigUint64(64, true);
    for (const at of placesOf(bytes, "SNOD"))
      for (let i = 0; i < view.getUint16(at + 6, true); i++) view.setBigUint64(at + 8 + 40 * i + 8, root, true);
    try {
      readKerasWeights(bytes);
    } catch (error) {
      expect(String(error)).toMatch(/nested more than 32 deep|would not end|cannot be read/);
    }
  });

  test("with tensors of 2^40 and 2^64 elements is refused before memory is taken", () => {
    const bytes = bytesOf("keras-2-weights.h5");
    const view = viewOf(bytes);
    // The dataspace of dense/kernel:0: version 1, two axes, 6 and 2, and as many at most.
    const sizes = [6n, 2n, 6n, 2n];
    const found: number[] = [];
    for (let at = 0; at + 40 <= bytes.length; at += 8)
      if (
        view.getUint8(at) === 1 &&
        view.getUint8(at + 1) === 2 &&
        sizes.every((n, i) => view.getBigUint64(at + 8 + 8 * i, true) === n)
      )
        found.push(at);
    expect(found).toHaveLength(1);
    for (const huge of [2n ** 40n, 2n ** 63n]) {
      const copy = bytes.slice();
      viewOf(copy).setBigUint64(found[0]! + 8, huge, true);
      expect(refusalOf(() => readKerasWeights(copy))).toMatch(/would have shape \[\d+,2\]/);
    }
  });

  /** Where the type and the dataspace of the attribute layer_names stand: behind its name, padded to 16 bytes. */
  function layerNames(bytes: Uint8Array): { type: number; dataspace: number } {
    const view = viewOf(bytes);
    for (const name of placesOf(bytes, "layer_names\0")) {
      const type = name + 16;
      const dataspace = type + 8;
      if (view.getUint8(dataspace) === 1 && view.getBigUint64(dataspace + 8, true) === 3n) return { type, dataspace };
    }
    throw new Error("there is no attribute layer_names of three texts");
  }

  test("with an attribute of 2^40 values is refused", () => {
    const bytes = bytesOf("keras-2-weights.h5");
    viewOf(bytes).setBigUint64(layerNames(bytes).dataspace + 8, 2n ** 40n, true);
    expect(refusalOf(() => readKerasWeights(bytes))).toMatch(/would have 1099511627776 values/);
  });

  test("with texts of no length, many times, is refused", () => {
    const bytes = bytesOf("keras-2-weights.h5");
    viewOf(bytes).setUint32(layerNames(bytes).type + 4, 0, true);
    expect(refusalOf(() => readKerasWeights(bytes))).toMatch(/values of 0 bytes/);
  });

  test("cut off anywhere, it is refused", () => {
    for (const name of ["keras-2-weights.h5", "sequential.weights.h5"]) {
      const bytes = bytesOf(name);
      for (let length = 0; length < bytes.length - 2048; length += 997)
        refusalOf(() => readKerasWeights(bytes.slice(0, length)));
    }
  });

  test.each([
    ["sequential.weights.h5", readKerasWeights],
    ["keras-2-weights.h5", readKerasWeights],
    ["sequential.h5", importKeras],
  ] as const)("damaged %s", (name, read) => {
    expect(readDamaged(bytesOf(name), (bytes) => read(bytes), 40, 21)).toBeGreaterThan(5);
  });
});

describe("a .keras archive", () => {
  /** The archive with another description of the model. */
  function changed(
    name: string,
    change: (config: {
      class_name: string;
      config: { layers: Record<string, unknown>[] } & Record<string, unknown>;
    }) => unknown,
  ): Uint8Array {
    const files = unzipSync(bytesOf(name));
    const config = JSON.parse(strFromU8(files["config.json"]!));
    const result = change(config) ?? config;
    return zipSync(
      { ...files, "config.json": typeof result === "string" ? strToU8(result) : strToU8(JSON.stringify(result)) },
      { level: 0 },
    );
  }
  const layerOf = (config: { config: { layers: Record<string, unknown>[] } }, name: string) =>
    config.config.layers.find((layer) => (layer.config as { name: string }).name === name) as {
      config: Record<string, unknown>;
      inbound_nodes: unknown[];
    };

  test.each([
    ["without its weights", () => zipSync({ "config.json": strToU8("{}") }), /without model\.weights\.h5/],
    ["with a description that is no JSON", () => changed("functional.keras", () => "{"), /is not JSON/],
    ["with lists in each other", () => changed("functional.keras", () => "[".repeat(100_000)), /nested more than/],
    [
      "of a class of its own",
      () => changed("functional.keras", (config) => Object.assign(config, { class_name: "MyModel" })),
      /class "MyModel", whose code is not in the file/,
    ],
    [
      "without layers",
      () => changed("functional.keras", ({ config }) => void Object.assign(config, { layers: [] })),
      /lists no layers/,
    ],
    [
      "with an output that no layer gives",
      () =>
        changed("functional.keras", ({ config }) => void Object.assign(config, { output_layers: [["nobody", 0, 0]] })),
      /call 0 of the layer "nobody"/,
    ],
    [
      "with an output of a call that is not there",
      () =>
        changed("functional.keras", ({ config }) => void Object.assign(config, { output_layers: [["shared", 7, 0]] })),
      /call 7 of the layer "shared"/,
    ],
    [
      "that is a circle",
      () =>
        changed(
          "functional.keras",
          (config) =>
            void layerOf(config, "elu").inbound_nodes.splice(0, 1, layerOf(config, "shared").inbound_nodes[1]),
        ),
      /is a circle through the layer "elu"/,
    ],
    [
      "with two layers of one name",
      () =>
        changed("functional.keras", (config) => void Object.assign(layerOf(config, "flat").config, { name: "many" })),
      /two layers of one name/,
    ],
    [
      "with other units than its weights",
      () =>
        changed(
          "functional.keras",
          (config) => void Object.assign(layerOf(config, "encoder").config, { units: 2 ** 40 }),
        ),
      /has units 1099511627776, and weights/,
    ],
    [
      "with the weights of another layer",
      () =>
        changed("functional.keras", (config) => {
          for (const layer of config.config.layers) if (layer.class_name === "Dense") layer.class_name = "LSTM";
        }),
      /units|weights/,
    ],
  ] as const)("%s is refused", (_, make, message) => {
    expect(refusalOf(() => importKeras(make()))).toMatch(message);
  });

  test("of ten thousand layers is read", () => {
    const bytes = changed("sequential.keras", (config) => {
      const [input, ...others] = config.config.layers;
      const many = Array.from({ length: 10_000 }, (_, i) => ({
        class_name: "Activation",
        config: { name: `a${i}`, activation: "linear" },
      }));
      config.config.layers = [input!, ...others, ...many];
    });
    expect(importKeras(bytes).outputNames).toEqual(["output"]);
  });

  test("that is damaged is read or refused", () => {
    expect(readDamaged(bytesOf("functional.keras"), (bytes) => importKeras(bytes), 80, 5)).toBeGreaterThan(10);
  });
});
