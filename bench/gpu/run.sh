#!/usr/bin/env bash
# This library on WebGPU beside PyTorch (cuDNN in f32 without TF32, with TF32, and in f16; on the CPU where there is no CUDA), after
# the parity cases and the kernels alone. Runs in a checkout, or where bench/gpu/pack.sh has packed it.
#   run.sh [--out FOLDER] [--python PROGRAM] [--kernels TEXT] [--steps N] [--only TEXT] [--rounds N]
# FOLDER (default runs/gpu) gets machine.txt, verify.txt, kernels.jsonl, pytorch.jsonl and pytorch.md. --kernels measures the kernels
# and workloads with TEXT in their names (default all, "none" for none); what else is given goes to the comparison with PyTorch.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=runs/gpu python=python3 kernels="" compared=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=$2 ;;
    --python) python=$2 ;;
    --kernels) kernels=$2 ;;
    *) compared+=("$1" "${2:?$1 needs a value}") ;;
  esac
  shift 2
done
mkdir -p "$out"
out=$(cd "$out" && pwd)

if [ -x "$here/bin/node" ]; then
  app=$here/app bundle=$here/app/bundle
  export PATH="$here/bin:$PATH" LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
else
  # Where its import of the webgpu package finds it.
  app=$(cd "$here/../.." && pwd)
  bundle=$app/node_modules/.gpu-bundle
  (cd "$app" && node scripts/build.mjs --if-stale && npm run -s bench -- --bundle "$bundle" > /dev/null)
fi

if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  for file in /usr/share/vulkan/icd.d/nvidia_icd.json /etc/vulkan/icd.d/nvidia_icd.json /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
    if [ -f "$file" ]; then export VK_DRIVER_FILES=$file VK_ICD_FILENAMES=$file; break; fi
  done
  # Containers have the driver's library without the file that names it.
  library=$(ldconfig -p | awk '/libGLX_nvidia\.so\.0|libEGL_nvidia\.so\.0/ { print $NF; exit }')
  if [ -z "${VK_DRIVER_FILES:-}" ] && [ -n "$library" ]; then
    printf '{ "file_format_version": "1.0.0", "ICD": { "library_path": "%s", "api_version": "1.3.0" } }\n' "$library" > "$out/nvidia_icd.json"
    export VK_DRIVER_FILES=$out/nvidia_icd.json VK_ICD_FILENAMES=$out/nvidia_icd.json
  fi
fi

{
  date -u
  uname -srm
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv 2> /dev/null || echo "no nvidia-smi"
  "$python" -c 'import torch; print("PyTorch", torch.__version__, "CUDA", torch.version.cuda, torch.cuda.is_available())' || true
} | tee "$out/machine.txt"

node "$bundle/verify.mjs" "$bundle/cases" --backend gpu > "$out/verify.txt" 2>&1 || true
tail -n 1 "$out/verify.txt"
[ "$kernels" = none ] || node "$bundle/bench.mjs" --backend gpu --only "$kernels" --json "$out/kernels.jsonl"
node "$app/bench/peers/main.mjs" pytorch --python "$python" --json "$out/pytorch.jsonl" "${compared[@]}"
node "$app/bench/peers/main.mjs" pytorch --markdown "$out/pytorch.jsonl" > "$out/pytorch.md"
echo "results are in $out"
