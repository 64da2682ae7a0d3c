#!/usr/bin/env bash
# Run by Xcode: adds to the test bundle what the tests read, so that they run on a phone too.
set -euo pipefail

tests="$TARGET_BUILD_DIR/$UNLOCALIZED_RESOURCES_FOLDER_PATH"

mkdir -p "$tests"
rm -rf "$tests/goldens" "$tests/ModelGoldens"
cp -R "$SRCROOT/../tests/goldens" "$tests/goldens"
if [[ -d "$SRCROOT/RetinaDemoTests/ModelGoldens" ]]; then
  cp -R "$SRCROOT/RetinaDemoTests/ModelGoldens" "$tests/ModelGoldens"
fi
