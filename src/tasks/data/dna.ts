import { checkCount } from "../../index.ts";
import { type DataOptions, type Draw, makeRows, takeTurns } from "./draw.ts";

const bases = [..."ACGT"];
/** Made up; no two of them have more than half of their bases in common. */
export const motifSequences = { alpha: "TATACGCAAT", beta: "GGCATTGCCA", gamma: "CACGTGTTCG" } as const;
export const motifLabels = ["none", ...(Object.keys(motifSequences) as (keyof typeof motifSequences)[])] as const;
export type MotifLabel = (typeof motifLabels)[number];
const MOTIF_LENGTH = 10;
const MOST_MUTATIONS = 2;

export interface MotifRow {
  /** Of the letters A, C, G and T. */
  readonly sequence: string;
  /** The motif that is in it, or `none`. */
  readonly label: MotifLabel;
  /** Where the motif begins, from 0; -1 for `none`. */
  readonly position: number;
}

export interface MotifOptions extends DataOptions {
  /** Letters of a sequence, at least 10, default 60. */
  readonly length?: number;
  /** How many letters of a motif are replaced at most, 0 to 2, default 1. */
  readonly mutations?: number;
}

const someBases = (draw: Draw, length: number): string => Array.from({ length }, () => draw.pick(bases)).join("");

function mutate(draw: Draw, motif: string, mutations: number): string {
  const letters = [...motif];
  const places = draw.shuffled(letters.map((_, place) => place)).slice(0, draw.below(mutations + 1));
  for (const place of places) letters[place] = draw.pick(bases.filter((base) => base !== letters[place]));
  return letters.join("");
}

/** Where a sequence has any motif with so many letters replaced, or fewer. */
function findMotifs(sequence: string, mutations: number): number[] {
  const motifs = Object.values(motifSequences);
  return Array.from({ length: sequence.length - MOTIF_LENGTH + 1 }, (_, start) => start).filter((start) =>
    motifs.some((motif) => {
      let replaced = 0;
      for (let i = 0; i < MOTIF_LENGTH; i++) replaced += Number(sequence[start + i] !== motif[i]);
      return replaced <= mutations;
    }),
  );
}

/**
 * DNA-like strings with one of three made-up motifs of ten letters at any place, or with none; four classes, as many of
 * each. Up to `mutations` letters of the motif are replaced. No motif is anywhere else, with as many letters replaced.
 *
 * @throws OptionError for an unknown option, or a count, seed, length or number of mutations out of range
 */
export function motifs(options: MotifOptions): MotifRow[] {
  const length = checkCount("motifs", "length", options?.length ?? 60, MOTIF_LENGTH, 1000);
  const mutations = checkCount("motifs", "mutations", options?.mutations ?? 1, 0, MOST_MUTATIONS);
  const nextLabel = takeTurns(motifLabels);
  const make = (draw: Draw, label: MotifLabel): MotifRow => {
    if (label === "none") return { sequence: someBases(draw, length), label, position: -1 };
    const position = draw.below(length - MOTIF_LENGTH + 1);
    const motif = mutate(draw, motifSequences[label], mutations);
    const after = length - MOTIF_LENGTH - position;
    return { sequence: someBases(draw, position) + motif + someBases(draw, after), label, position };
  };
  return makeRows("motifs", options, ["length", "mutations"], (draw) => {
    const label = nextLabel(draw);
    let row = make(draw, label);
    // By chance a motif may be where none was planted.
    while (findMotifs(row.sequence, mutations).some((start) => start !== row.position)) row = make(draw, label);
    return row;
  });
}

/** A letter's place in its codon within a reading frame, or `outside`. */
export const readingFrameLabels = ["outside", "1", "2", "3"] as const;
export type ReadingFrameLabel = (typeof readingFrameLabels)[number];

export interface ReadingFrameRow {
  /** Of the letters A, C, G and T. */
  readonly sequence: string;
  /** One for each letter of the sequence. */
  readonly labels: ReadingFrameLabel[];
}

export interface ReadingFrameOptions extends DataOptions {
  /** Letters of a sequence, default 90. */
  readonly length?: number;
}

const stops = ["TAA", "TAG", "TGA"];

function makeFrames(draw: Draw, length: number): ReadingFrameRow {
  let sequence = "";
  const labels: ReadingFrameLabel[] = [];
  const addFrame = (codons: number) => {
    const inner = Array.from({ length: codons }, () => {
      let codon = someBases(draw, 3);
      while (stops.includes(codon)) codon = someBases(draw, 3);
      return codon;
    });
    for (const codon of ["ATG", ...inner, draw.pick(stops)]) {
      sequence += codon;
      labels.push("1", "2", "3");
    }
  };
  while (sequence.length < length) {
    const codons = 2 + draw.below(9);
    if (draw.chance(0.1) && sequence.length + 3 * (codons + 2) <= length) addFrame(codons);
    else {
      // Outside there is no ATG, so that every one opens a frame.
      sequence += draw.pick(sequence.endsWith("AT") ? ["A", "C", "T"] : bases);
      labels.push("outside");
    }
  }
  return { sequence, labels };
}

/**
 * DNA-like strings with open reading frames on the strand as it stands: from the first ATG, three letters at a time, to the
 * first TAA, TAG or TGA, with 2 to 10 codons between them. A model has to count by three: the letters of a stop that
 * stand across two codons do not end a frame, and ATG within a frame opens no other.
 *
 * @throws OptionError for an unknown option, or a count, seed or length out of range
 */
export function readingFrames(options: ReadingFrameOptions): ReadingFrameRow[] {
  const length = checkCount("readingFrames", "length", options?.length ?? 90);
  return makeRows("readingFrames", options, ["length"], (draw) => makeFrames(draw, length));
}
