#!/usr/bin/env bash
# ci/swift.sh TOOL ARGUMENT...: runs swift or swiftc, from the repository's root: the one on the
# PATH, or the one in the Debian that ci/swift_root.sh made. Exit 3: there is neither.
# SWIFT_TREE names another folder to be in, such as a copy with a fault planted.
#
# In that Debian the folder is /repository and read-only; /tmp is its own, for what is built. Mounts
# are this process's alone: nothing is left behind.
set -euo pipefail
cd "${SWIFT_TREE:-$(dirname "$0")/../..}"
root=${MOBILESEG_SWIFT_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/mobileseg/swift}

if command -v "$1" > /dev/null; then
  exec "$@"
fi
if [[ ! -d $root ]] || ((EUID)); then
  echo "not run: no Swift (make apps installs it, as root on Debian; elsewhere install $1)" >&2
  exit 3
fi
mkdir -p "$root/repository"
export ROOT=$root
# shellcheck disable=SC2016  # expanded by the shell in there
exec unshare --mount bash -c '
  set -euo pipefail
  mount --bind . "$ROOT/repository"
  mount -o remount,bind,ro "$ROOT/repository"
  mount -t proc proc "$ROOT/proc"
  mount --bind /dev "$ROOT/dev"
  exec chroot "$ROOT" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 \
    bash -c "cd /repository && exec \"\$@\"" bash "$@"
' bash "$@"
