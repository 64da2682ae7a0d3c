#!/usr/bin/env bash
# The app's own Kotlin from a photo to an overlay, with the real .pte, on plain Linux.
#
#     bash android_demo/ci/end_to_end.sh BUNDLE OUT PHOTO.rgb HxW [PHOTO.rgb HxW ...]
#
# A PHOTO is H * W * 3 bytes. Into OUT/PHOTO/: frame.rgb, probabilities.f32, overlay.rgb and
# findings.json (crop, retina, flags, counts, areas); OUT/bench.json is a benchmark's record. Takes
# what check.sh compiled (BUILD=, its folder). PYTHON= is one with executorch.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

[ $# -ge 4 ] && [ $(($# % 2)) = 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
BUILD="${BUILD:-$CI/build}"
PYTHON="${PYTHON:-$DEMO/../.venv/bin/python}"
need_tools
[ -d "$BUILD/core/org/mobileseg/ci" ] || not_run "nothing compiled in $BUILD (ci/check.sh does)"
"$PYTHON" -c 'from importlib.util import find_spec as f; exit(not f("executorch.runtime"))' \
    2> /dev/null \
    || not_run "$PYTHON has no executorch (pip install 'mobileseg[executorch]')"

bundle="$1"
out="$2"
shift 2
java -Druntime="$PYTHON $CI/runtime.py" -cp "$BUILD/core:$BUILD/runtime:$JSON:$STDLIB" \
    org.mobileseg.ci.EndToEndKt "$bundle" "$(version executorch)" "$out" "$@"
