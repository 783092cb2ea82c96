// norm[0] = global norm of the gradient; norm[1] = what the optimizer multiplies it with, min(1, clipNorm / (norm + 1e-6))
// as torch.nn.utils.clip_grad_norm_ does, or 1 without a limit.

struct Params {
  N: u32, // partial sums
  clipNorm: f32, // 0: no limit
  partialOffset: u32,
  normOffset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>; // [N]
@group(0) @binding(2) var<storage, read_write> norm: array<f32>; // [2]

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < params.N; i++) {
    sum += partial[params.partialOffset + i];
  }
  let length = sqrt(sum);
  norm[params.normOffset] = length;
  norm[params.normOffset + 1u] = select(1.0, min(1.0, params.clipNorm / (length + 1e-6)), params.clipNorm > 0.0);
}
