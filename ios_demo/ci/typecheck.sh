#!/usr/bin/env bash
# ci/typecheck.sh [FOLDER]: compiles the app and its tests with a real Swift compiler, on Linux, as
# far as its errors go. FOLDER has RetinaDemo/ and RetinaDemoTests/; without it, this demo's own.
#
# Apple's frameworks cannot be had there. ci/apple declares what the demo uses of them, and becomes
# modules: as of Xcode 15's SDK and as of Xcode 16's, which differ in what belongs to the main actor.
# Warnings are errors. What a module has from when on (@available, #available) is not checked: that
# is of Apple's systems alone. Exit 1: something is wrong; exit 3: not run, and why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
demo=$(dirname "$here")
sources=${1:-$demo}

if [[ $(uname) != Linux ]]; then
  echo "not run: Apple's own frameworks are here; build RetinaDemo.xcodeproj instead" >&2
  exit 3
fi
"$here/swift.sh" swiftc -frontend -version > /dev/null || exit

# The compiler may have a root of its own, where /tmp is another folder: see swift.sh.
tmp=/tmp
command -v swiftc > /dev/null \
  || tmp=${MOBILESEG_SWIFT_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/mobileseg/swift}/tmp
mkdir -p "$tmp"
outside=$(mktemp -d "$tmp/typecheck.XXXXXX")
trap 'rm -rf "$outside"' EXIT
inside=/tmp/$(basename "$outside")
mkdir -p "$outside/ci" "$outside/RetinaCore"
cp -R "$sources/RetinaDemo" "$sources/RetinaDemoTests" "$outside"
cp -R "$demo/RetinaCore/Sources" "$outside/RetinaCore"
cp -R "$here/apple" "$outside/ci"

# compile NAME FILES INTO ARGUMENT...: a module of the Swift files, all of them at once, so that
# every error is told and not only those of the first file that has one. -frontend: the compiler
# without its driver, which leaves a folder behind each time.
compile() {
  local -a files
  mkdir -p "$outside/$3"
  mapfile -t files < <(cd "$outside" && find "$2" -name '*.swift' | sort | sed "s|^|$inside/|")
  "$here/swift.sh" swiftc -frontend -emit-module -parse-as-library -module-name "$1" \
    -o "$inside/$3/$1.swiftmodule" -I "$inside/$3" "${@:4}" "${files[@]}" 2>&1 \
    | sed "s|$inside/|ios_demo/|g" # paths that a person knows
}

# apple INTO NAME...: in the order in which they import each other. Library evolution: enums may
# grow, as Apple's may, so that a switch needs `@unknown default`.
apple() {
  local name files
  for name in "${@:2}"; do
    files=ci/apple/$name
    [[ -d $outside/$files ]] || files+=.swift
    compile "$name" "$files" "$1" -swift-version 5 -I "$inside/shared" -D "${1^^}" \
      -enable-library-evolution -suppress-warnings
  done
}

# check SDK SWIFT: the app and its tests.
check() {
  local -a seen=(-swift-version "$2" -warnings-as-errors -I "$inside/shared" -I "$inside/$1"
    -import-module FoundationOnApple)
  compile RetinaCore RetinaCore/Sources "$1-swift_$2" -swift-version "$2" -warnings-as-errors
  compile RetinaDemo RetinaDemo "$1-swift_$2" -enable-testing "${seen[@]}"
  compile RetinaDemoTests RetinaDemoTests "$1-swift_$2" "${seen[@]}"
  echo "as of $1, Swift $2: ok"
}

apple shared FoundationOnApple Combine CoreGraphics ImageIO CoreVideo CoreML CryptoKit \
  AVFoundation CoreTransferable UIKit
for sdk in xcode_16 xcode_15; do
  apple "$sdk" SwiftUI PhotosUI
  check "$sdk" 5 # SWIFT_VERSION in project.yml
done
check xcode_16 6 # what a later SWIFT_VERSION will say
