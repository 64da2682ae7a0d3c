# shellcheck shell=bash disable=SC2034  # what is set here is for others
# Sourced by the scripts here: where the tools are, and how they are called. Debian's packages
# openjdk-17-jdk-headless aapt android-framework-res junit4 libandroid-json-org-java, and npm's in
# package-lock.json. A tool that is missing ends the script with "not run" and exit 3, which is
# neither passed nor failed.

DEMO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CI="$DEMO/ci"
KOTLIN="$CI/node_modules/kotlin-compiler"
DECLARATIONS="$CI/node_modules/@nativescript/types-android/lib/android/android-platform-37.d.ts"
FRAMEWORK_RES="${FRAMEWORK_RES:-/usr/share/android-framework-res/framework-res.apk}"
JARS="${JARS:-/usr/share/java}"
JSON="$JARS/json-android.jar"
JUNIT="$JARS/junit4.jar:$JARS/hamcrest-core.jar"
STDLIB="$KOTLIN/lib/kotlin-stdlib.jar"
GOLDENS="$DEMO/../tests/goldens"

not_run() {
    echo "not run: $1"
    exit 3
}

need_tools() {
    local tool
    for tool in java javac aapt python3; do
        command -v "$tool" > /dev/null || not_run "no $tool (make apps installs it)"
    done
    [ -f "$FRAMEWORK_RES" ] || not_run "no framework-res.apk (make apps installs it)"
    for tool in "$JSON" "$JARS/junit4.jar" "$JARS/hamcrest-core.jar"; do
        [ -f "$tool" ] || not_run "no $(basename "$tool") (make apps installs it)"
    done
    [ -f "$STDLIB" ] || not_run "no npm kotlin-compiler (make apps installs it)"
    [ -f "$DECLARATIONS" ] || not_run "no npm types-android (make apps installs it)"
    [ -f "$GOLDENS/index.json" ] || not_run "no tests/goldens (mobileseg goldens)"
}

# version KEY: of gradle/libs.versions.toml
version() {
    sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$DEMO/gradle/libs.versions.toml" | head -1
}

# kotlin OUT CLASSPATH SOURCE...: a call takes 10 to 15 s, most of it to start
kotlin() {
    local out="$1" classpath="$2"
    shift 2
    java -Xmx1g -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$KOTLIN/lib/kotlin-compiler.jar" \
        org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -kotlin-home "$KOTLIN" -no-reflect -Werror \
        -jvm-target 1.8 -Xjdk-release=1.8 -cp "$classpath" -d "$out" "$@"
}

# Resources and R.java, from the demo in $1, into $2
resources() {
    local demo="$1" build="$2" code
    mkdir -p "$build/java"
    code="$(sed -n 's/.*versionCode = //p' "$demo/app/build.gradle.kts")"
    # As Gradle does: the application's id in the manifest, and what Gradle's own files say.
    sed -e "s/<manifest /<manifest package=\"org.mobileseg.demo\" /" \
        -e "s/\${applicationId}/org.mobileseg.demo/" \
        "$demo/app/src/main/AndroidManifest.xml" > "$build/AndroidManifest.xml"
    aapt package -f -m -M "$build/AndroidManifest.xml" -S "$demo/app/src/main/res" \
        -I "$FRAMEWORK_RES" -J "$build/java" -F "$build/resources.apk" \
        --min-sdk-version "$(version minSdk)" --target-sdk-version "$(version compileSdk)" \
        --version-code "$code"
}

# BuildConfig.java, as Gradle would write it, into $1
build_config() {
    local folder="$1/java/org/mobileseg/demo" name
    name="$(sed -n 's/.*versionName = //p' "$DEMO/app/build.gradle.kts")"
    mkdir -p "$folder"
    printf 'package org.mobileseg.demo;\n\npublic final class BuildConfig {\n%s\n%s\n}\n' \
        "    public static final String VERSION_NAME = $name;" \
        "    public static final String EXECUTORCH = \"$(version executorch)\";" \
        > "$folder/BuildConfig.java"
}

# What an Android SDK, executorch-android and androidx.test would bring, into $1/framework and
# $1/runtime
standins() {
    local build="$1"
    python3 "$CI/framework.py" "$CI/framework.txt" "$DECLARATIONS" \
        --min-sdk "$(version minSdk)" -o "$build/java"
    mkdir -p "$build/runtime" "$build/framework"
    javac -nowarn -d "$build/runtime" "$CI"/standin/org/pytorch/executorch/*.java
    find "$build/java" "$CI/standin/androidx" -name '*.java' > "$build/java.txt"
    javac -nowarn -cp "$KOTLIN/lib/annotations-13.0.jar:$JUNIT" -d "$build/framework" \
        "@$build/java.txt"
}

# JUnit, in a heap that holds no photo of 50 million pixels
junit() {
    local classes="$1" tests
    tests="$(cd "$classes" && find . -name '*Test.class' | sed 's|^\./||; s|\.class$||; s|/|.|g')"
    [ -n "$tests" ] || { echo "no test was compiled"; return 1; }
    # shellcheck disable=SC2086  # a word each
    java -Xmx64m -Dgoldens="$GOLDENS" -Dapp="$DEMO/app" -cp "$classes:$JSON:$JUNIT:$STDLIB" \
        org.junit.runner.JUnitCore $tests
}
