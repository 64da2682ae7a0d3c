#!/usr/bin/env bash
# Run by Xcode: compiles the model that `mobileseg bundle-apps` has put in, and adds it to the app.
# Without one the app is built all the same, and says that it has none.
set -euo pipefail

model="$SRCROOT/RetinaDemo/Model"
app="$TARGET_BUILD_DIR/$UNLOCALIZED_RESOURCES_FOLDER_PATH"

# What an earlier build added must not outlive its bundle.
rm -rf "$app/model.mlmodelc" "$app/model.json"
if [[ ! -d "$model/model.mlpackage" || ! -f "$model/model.json" ]]; then
  echo "note: no model in RetinaDemo/Model; mobileseg bundle-apps BUNDLE puts one in"
  exit 0
fi
xcrun coremlcompiler compile "$model/model.mlpackage" "$app"
cp "$model/model.json" "$app/model.json"
