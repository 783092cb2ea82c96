#!/usr/bin/env bash
# Installs a lavapipe (Mesa's Vulkan driver for CPUs) that Dawn accepts, where this machine can.
# Optional: without it the SwiftShader that npm brings is used, which is slower and has no shader-f16.
# Debian 12's own Mesa 22 is refused by Dawn, so there the driver comes from <codename>-backports: the machine's own
# apt source with another suite, so that mirror and keys are those that the machine trusts already.
# Exit code 0 says it is there; anything else says why not, and changes nothing that was.
set -u

giveUp() {
  # A source that serves nothing would trouble every later apt run of this machine.
  [ -z "${added:-}" ] || rm -f "$added"
  echo "install-lavapipe: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || giveUp "needs root; left as it is"
command -v apt-get >/dev/null || giveUp "no apt-get here; left as it is"
# shellcheck source=/dev/null
. /etc/os-release 2>/dev/null || giveUp "/etc/os-release is missing"
[ "${ID:-}" = debian ] || giveUp "written for Debian, this is ${ID:-unknown}; install mesa-vulkan-drivers by hand"
codename=${VERSION_CODENAME:-}
[ -n "$codename" ] || giveUp "this Debian names no release"

major() { dpkg-query -W -f '${Version}' mesa-vulkan-drivers 2>/dev/null | sed -E 's/^[0-9]+://; s/[^0-9].*//'; }
driver() { compgen -G '/usr/share/vulkan/icd.d/lvp_icd*.json' >/dev/null; }
installed=$(major)
if [ "${installed:-0}" -ge 24 ] && driver; then
  echo "install-lavapipe: mesa-vulkan-drivers $installed is there already"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
aptGet() { apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@"; }
# "install" waits for another apt run's locks by itself; "update" does not.
update() {
  local attempt errors
  for attempt in $(seq 60); do
    errors=$(aptGet update 2>&1 >/dev/null) && return 0
    case $errors in *"/lists/lock"*) sleep 5 ;; *) break ;; esac
  done
  echo "$errors" >&2
  return 1
}

suite=$codename
if [ "$codename" = bookworm ]; then
  suite=$codename-backports
  serves="^(Suites:|deb ).*[[:space:]]$suite([[:space:]]|\$)"
  if ! grep -qsE "$serves" /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; then
    stanza=$(for file in /etc/apt/sources.list.d/*.sources; do grep -v '^#' "$file" 2>/dev/null && echo; done |
      awk -v RS= -v suite="$codename" '
        match($0, /(^|\n)Suites:[^\n]*/) && index(substr($0, RSTART, RLENGTH) " ", " " suite " ") { print; exit }')
    line=$(grep -hE "^deb .* $codename " /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1)
    if [ -n "$stanza" ]; then
      added=/etc/apt/sources.list.d/$suite.sources
      sed "s/^Suites:.*/Suites: $suite/" <<<"$stanza" >"$added" || giveUp "cannot write $added"
    elif [ -n "$line" ]; then
      added=/etc/apt/sources.list.d/$suite.list
      echo "${line/ $codename / $suite }" >"$added" || giveUp "cannot write $added"
    else
      giveUp "no apt source of this machine names $codename"
    fi
  fi
fi

# A broken source of somebody else fails the update too; whether ours arrived, the install shows.
update || echo "install-lavapipe: apt-get update failed; trying all the same" >&2
aptGet install -y --no-install-recommends -t "$suite" mesa-vulkan-drivers libvulkan1 || giveUp "apt-get install failed"
driver || giveUp "mesa-vulkan-drivers brought no lvp_icd*.json"
echo "install-lavapipe: mesa-vulkan-drivers $(major) from $suite"
