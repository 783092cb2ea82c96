#!/usr/bin/env bash
# Packs all that bench/gpu/run.sh needs on an x86-64 Linux machine with a GPU's driver and PyTorch, and without npm and network:
#   bench/gpu/pack.sh FOLDER      in a checkout, after npm ci, on x86-64 Debian or Ubuntu
# There: FOLDER/run.sh
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=$(mkdir -p "${1:?usage: pack.sh FOLDER}" && cd "$1" && pwd)
app=$out/app
cd "$root"

node scripts/build.mjs --if-stale
rm -rf "$app" "$out/bin" "$out/lib"
mkdir -p "$app/bench/peers" "$app/node_modules/webgpu/dist/linux-x64" "$out/bin" "$out/lib"
cp -r dist package.json "$app/"
cp bench/peers/*.mjs bench/peers/*.py "$app/bench/peers/"
cp -r node_modules/commander "$app/node_modules/"
cp node_modules/webgpu/index.js node_modules/webgpu/package.json "$app/node_modules/webgpu/"
cp node_modules/webgpu/dist/linux-x64/dawn.node "$app/node_modules/webgpu/dist/linux-x64/"
# Says what was packed: there is no git there.
echo "$(git rev-parse HEAD)$([ -z "$(git status --porcelain)" ] || echo +)" > "$app/commit.txt"
npm run -s bench -- --bundle "$app/bundle" > /dev/null
cp "$(readlink -f "$(command -v node)")" "$out/bin/node"
cp bench/gpu/run.sh "$out/"

# The Vulkan loader, and what NVIDIA's Vulkan driver is linked with; a machine for computing alone often has none of them.
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT
(
  cd "$debs"
  apt-get download -qq -o APT::Sandbox::User=root libvulkan1 libglvnd0 libegl1 libgl1 libglx0 libopengl0 libgles2 libx11-6 libxext6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0
  for deb in *.deb; do dpkg-deb -x "$deb" .; done
)
find "$debs" -name '*.so.*' -exec cp -L {} "$out/lib/" \;
du -sh "$out"
