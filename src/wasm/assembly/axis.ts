// Entries of an axis of R entries, C numbers apart: the largest or smallest, and those with given numbers.

const NAN_KEY: i32 = i32.MAX_VALUE;

/** What comes first has the larger key: NaN, then the larger numbers, or the smaller ones. 0 and -0 have the same. */
function keyOf(x: f32, smallest: i32): i32 {
  const bits = reinterpret<i32>(x + 0);
  if ((bits & i32.MAX_VALUE) > 0x7f800000) return NAN_KEY;
  const key = bits ^ ((bits >> 31) & i32.MAX_VALUE);
  return smallest ? ~key : key;
}

/** The first K of every row in order, and where they stand; of equal ones the first. */
export function topK(x: usize, y: usize, index: usize, A: i32, R: i32, C: i32, K: i32, smallest: i32): void {
  const step = (<usize>C) << 2;
  const last = <usize>(K - 1) * step;
  for (let a: i32 = 0; a < A; a++) {
    for (let c: i32 = 0; c < C; c++) {
      const place = (<usize>c) << 2;
      let from = x + place;
      let worst: i32 = 0;
      for (let r: i32 = 0; r < R; r++) {
        const value = load<f32>(from);
        const key = keyOf(value, smallest);
        from += step;
        if (r >= K && key <= worst) continue;
        // Those that come after it move on by one.
        let at = r < K ? <usize>r * step : last;
        while (at > 0) {
          const before = load<f32>(y + place + at - step);
          if (keyOf(before, smallest) >= key) break;
          store<f32>(y + place + at, before);
          store<i32>(index + place + at, load<i32>(index + place + at - step));
          at -= step;
        }
        store<f32>(y + place + at, value);
        store<i32>(index + place + at, r);
        if (r + 1 >= K) worst = keyOf(load<f32>(y + place + last), smallest);
      }
    }
    x += <usize>R * step;
    y += <usize>K * step;
    index += <usize>K * step;
  }
}

/** y[a,k,c] = x[a,index[a,k,c],c], NaN where there is no such entry. */
export function gather(x: usize, index: usize, y: usize, A: i32, R: i32, C: i32, K: i32): void {
  const step = (<usize>C) << 2;
  for (let a: i32 = 0; a < A; a++) {
    for (let k: i32 = 0; k < K; k++) {
      for (let place: usize = 0; place < step; place += 4) {
        const r = load<i32>(index);
        store<i32>(y, <u32>r < <u32>R ? load<i32>(x + <usize>r * step + place) : 0x7fc00000);
        index += 4;
        y += 4;
      }
    }
    x += <usize>R * step;
  }
}

/** gradient[a,index[a,k,c],c] += outputGradient[a,k,c] */
export function gatherBackward(
  index: usize,
  outputGradient: usize,
  gradient: usize,
  A: i32,
  R: i32,
  C: i32,
  K: i32,
  accumulate: i32,
): void {
  const step = (<usize>C) << 2;
  if (!accumulate) memory.fill(gradient, 0, <usize>(A * R) * step);
  for (let a: i32 = 0; a < A; a++) {
    for (let k: i32 = 0; k < K; k++) {
      for (let place: usize = 0; place < step; place += 4) {
        const r = load<i32>(index);
        if (<u32>r < <u32>R) {
          const at = gradient + <usize>r * step + place;
          store<f32>(at, load<f32>(at) + load<f32>(outputGradient));
        }
        index += 4;
        outputGradient += 4;
      }
    }
    gradient += <usize>R * step;
  }
}
