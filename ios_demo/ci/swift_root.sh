#!/usr/bin/env bash
# A Swift compiler where the system's own packages have none: Debian 13's, in a Debian 13 of its own
# (2.7 GB under ~/.cache/mobileseg/swift; delete it when you like). Needs root and debootstrap.
set -euo pipefail
root=${MOBILESEG_SWIFT_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/mobileseg/swift}
command -v swift > /dev/null && exit 0
[[ -d $root ]] && exit 0
if ((EUID)) || ! command -v debootstrap > /dev/null; then
  echo "not run: no Swift: it takes root and debootstrap to bring one here" >&2
  exit 3
fi
staged=$root.part
rm -rf "$staged"
mkdir -p "$staged"
debootstrap --variant=minbase trixie "$staged" > "$staged.log"
chroot "$staged" apt-get install --yes --no-install-recommends \
  swiftlang swiftlang-dev libswiftlang gcc libc6-dev libstdc++-14-dev binutils git \
  >> "$staged.log" 2>&1
chroot "$staged" apt-get clean
mv "$staged" "$root" # whole, or not there
rm "$staged.log"
