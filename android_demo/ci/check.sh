#!/usr/bin/env bash
# Compile resources, core and app on plain Linux, and run the JUnit tests: about a minute.
#
#     bash android_demo/ci/check.sh [BUILD-FOLDER]
#
# Exit 0: all is well; 1: something is not; 3: not run, a tool is missing. What it cannot check:
# that Gradle puts the same together, and how a phone behaves.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

BUILD="${1:-$CI/build}"
APP="$DEMO/app/src"
need_tools
rm -rf "$BUILD"
mkdir -p "$BUILD"

step() { printf '== %s (%s s)\n' "$1" "$SECONDS"; }

step "core is free of Android"
if grep -rnE '^import (android|org\.pytorch)' "$DEMO/core/src"; then
    echo "core/ names Android above; it is pure Kotlin"
    exit 1
fi

step "resources"
resources "$DEMO" "$BUILD"
build_config "$BUILD"

step "framework"
standins "$BUILD"

step "core, its tests and the runner"
kotlin "$BUILD/core" "$JSON:$JUNIT:$BUILD/runtime" \
    "$DEMO/core/src" "$APP/test" "$APP/main/kotlin/org/mobileseg/demo/ExecuTorchRunner.kt" \
    "$CI/end_to_end"

step "tests"
junit "$BUILD/core" | tee "$BUILD/junit.txt" | grep -vE '^\s+at ' | cut -c1-300

step "app and its instrumented tests"
kotlin "$BUILD/app" "$BUILD/core:$JSON:$JUNIT:$BUILD/runtime:$BUILD/framework" \
    "$APP/main/kotlin" "$APP/androidTest/kotlin"
step "done"
