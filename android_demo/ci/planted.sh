#!/usr/bin/env bash
# Plant faults in copies of the demo, and see that each is caught by the check that should.
#
#     bash android_demo/ci/planted.sh [--full] [--build FOLDER]
#
# Takes what check.sh compiled. Exit 0: all were caught; 1: one was not; 3: not run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
need_tools
[ "${*/--build/}" != "$*" ] || [ -d "$CI/build/core" ] \
    || not_run "nothing compiled in $CI/build (ci/check.sh does)"
exec python3 "$CI/planted.py" "$@"
