// Rows and columns of tables by token. Tokens outside the vocabulary give NaN, and take no gradient.
import { addRow, copyRow, fillRow } from "./rows";

/** output[n] = table[tokens[n]], rows of E numbers. */
export function embeddingGather(tokens: usize, table: usize, output: usize, N: i32, E: i32, V: i32): void {
  const size = (<usize>E) << 2;
  for (let n: i32 = 0; n < N; n++) {
    const token = load<i32>(tokens + ((<usize>n) << 2));
    if (<u32>token < <u32>V) copyRow(E, table + <usize>token * size, output);
    else fillRow(E, NaN, output);
    output += size;
  }
}

/** gradient[tokens[n]] += outputGradient[n], in the order of the text: they need not be grouped by token for that. */
export function embeddingScatter(
  tokens: usize,
  _grouped: usize,
  outputGradient: usize,
  gradient: usize,
  N: i32,
  E: i32,
  V: i32,
): void {
  const size = (<usize>E) << 2;
  for (let n: i32 = 0; n < N; n++) {
    const token = load<i32>(tokens + ((<usize>n) << 2));
    if (<u32>token < <u32>V) addRow(E, outputGradient, gradient + <usize>token * size);
    outputGradient += size;
  }
}

/**
 * y[n,d,:] = weight[d,:,tokens[n]] + bias[d], with y by strides; bias is 0 where there is none. `workspace`: 0, or [D,V,M] numbers,
 * where the weight is put row by row first.
 */
export function columnGather(
  N: i32,
  D: i32,
  M: i32,
  V: i32,
  row: usize,
  batch: usize,
  tokens: usize,
  weight: usize,
  bias: usize,
  y: usize,
  workspace: usize,
): void {
  const size = (<usize>M) << 2;
  for (let d: i32 = 0; d < D; d++) {
    if (workspace) transpose(M, V, weight, bias, workspace);
    for (let n: i32 = 0; n < N; n++) {
      const token = load<i32>(tokens + ((<usize>n) << 2));
      const to = y + <usize>n * row;
      if (<u32>token >= <u32>V) fillRow(M, NaN, to);
      else if (workspace) copyRow(M, workspace + <usize>token * size, to);
      else gatherColumn(M, (<usize>V) << 2, weight + ((<usize>token) << 2), bias, to);
    }
    weight += <usize>V * size;
    if (bias) bias += size;
    y += batch;
  }
}

function gatherColumn(M: i32, stride: usize, from: usize, bias: usize, to: usize): void {
  const end = to + ((<usize>M) << 2);
  for (; to < end; to += 4) {
    let x = load<f32>(from);
    if (bias) {
      x += load<f32>(bias);
      bias += 4;
    }
    store<f32>(to, x);
    from += stride;
  }
}

/** to[v,m] = weight[m,v] + bias[m] */
function transpose(M: i32, V: i32, weight: usize, bias: usize, to: usize): void {
  const stride = (<usize>V) << 2;
  for (let v: i32 = 0; v < V; v++) {
    gatherColumn(M, stride, weight, bias, to);
    weight += 4;
    to += (<usize>M) << 2;
  }
}

/** gradient[d,:,tokens[n]] += outputGradient[n,d,:]. `workspace`: 0, or [V,M] numbers, where rows are added up first. */
export function columnScatter(
  N: i32,
  D: i32,
  M: i32,
  V: i32,
  row: usize,
  batch: usize,
  tokens: usize,
  outputGradient: usize,
  gradient: usize,
  workspace: usize,
): void {
  const size = (<usize>M) << 2;
  const stride = (<usize>V) << 2;
  for (let d: i32 = 0; d < D; d++) {
    if (workspace) memory.fill(workspace, 0, <usize>V * size);
    for (let n: i32 = 0; n < N; n++) {
      const token = load<i32>(tokens + ((<usize>n) << 2));
      const from = outputGradient + <usize>n * row;
      if (<u32>token >= <u32>V) continue;
      if (workspace) addRow(M, from, workspace + <usize>token * size);
      else addColumn(M, from, 4, gradient + ((<usize>token) << 2), stride);
    }
    if (workspace) {
      for (let m: usize = 0; m < <usize>M; m++) addColumn(V, workspace + (m << 2), size, gradient + m * stride, 4);
    }
    outputGradient += batch;
    gradient += <usize>V * size;
  }
}

function addColumn(count: i32, from: usize, fromStride: usize, to: usize, toStride: usize): void {
  for (let i: i32 = 0; i < count; i++) {
    store<f32>(to, load<f32>(to) + load<f32>(from));
    from += fromStride;
    to += toStride;
  }
}

/**
 * Positions of the tokens sorted by token, then where runs of equal ones begin, as shaders/group-tokens.wgsl has them. Sorted by
 * digits of 8 bits, the lowest first. `workspace`: N + 256 numbers.
 */
export function groupTokens(N: i32, V: i32, tokens: usize, grouped: usize, workspace: usize): void {
  const size = (<usize>N) << 2;
  const counts = workspace + size;
  let from = workspace;
  let to = grouped;
  for (let n: i32 = 0; n < N; n++) store<i32>(from + ((<usize>n) << 2), n);
  for (let shift: i32 = 0; shift < 32 && V >> shift !== 0; shift += 8) {
    memory.fill(counts, 0, 1024);
    for (let i: usize = 0; i < size; i += 4) {
      const at = counts + digit(tokens + i, V, shift);
      store<i32>(at, load<i32>(at) + 1);
    }
    let start: i32 = 0;
    for (let at = counts; at < counts + 1024; at += 4) {
      const count = load<i32>(at);
      store<i32>(at, start);
      start += count;
    }
    for (let i: usize = 0; i < size; i += 4) {
      const n = load<i32>(from + i);
      const at = counts + digit(tokens + ((<usize>n) << 2), V, shift);
      const place = load<i32>(at);
      store<i32>(at, place + 1);
      store<i32>(to + ((<usize>place) << 2), n);
    }
    const sorted = to;
    to = from;
    from = sorted;
  }
  if (from !== grouped) memory.copy(grouped, from, size);
  let runs = grouped + size;
  for (let i: usize = 0; i < size; i += 4) {
    if (i > 0 && keyAt(tokens, grouped + i, V) === keyAt(tokens, grouped + i - 4, V)) continue;
    store<i32>(runs, <i32>(i >> 2));
    runs += 4;
  }
  for (; runs < grouped + size * 2; runs += 4) store<i32>(runs, N);
}

/** What a token is sorted by: itself, or V where it is outside the vocabulary. */
function key(token: i32, V: i32): i32 {
  return <u32>token < <u32>V ? token : V;
}

function keyAt(tokens: usize, position: usize, V: i32): i32 {
  return key(load<i32>(tokens + ((<usize>load<i32>(position)) << 2)), V);
}

/** Where a digit is counted, in bytes. */
function digit(token: usize, V: i32, shift: i32): usize {
  return (<usize>((key(load<i32>(token), V) >> shift) & 255)) << 2;
}
