/** A vector with a 1 in one place and 0 in all others. */
export const oneHot = (size: number, place: number): number[] =>
  Array.from({ length: size }, (_, i) => (i === place ? 1 : 0));

/** A vector times a matrix, given by its rows. */
export const times = (vector: readonly number[], matrix: readonly (readonly number[])[]): number[] =>
  matrix[0]!.map((_, column) => matrix.reduce((sum, row, i) => sum + vector[i]! * row[column]!, 0));
