#!/bin/sh
# From a trained run to phone files that are proven to answer as PyTorch does. What a CI server
# runs on Linux, and what a person runs on a desk:
#
#     sh parity.sh [RUN]
#
# Settings, all optional, from the environment:
#     FILES  what to convert: target:precision, several     [executorch:fp32 torchscript:fp32 coreml:fp32 onnx:fp32]
#     DATA   IDRiD folder of labelled pictures              [phantoms, which show no camera's faults]
#     GATE   gate.toml with limits of your own              [the built-in table]
#     FRAME  height x width that the app hands over         [the run's]
#     OUT    folder to write: bundles/ and parity/          [parity-out]
#
# Exit code, mobileseg's own: 0 all agree, 1 something differs, 2 bad input, 3 something was not run.
set -eu

RUN=${1:-xs-ex}
FILES=${FILES:-executorch:fp32 torchscript:fp32 coreml:fp32 onnx:fp32}
OUT=${OUT:-parity-out}

mkdir -p "$OUT/bundles"
for file in $FILES; do
    target=${file%%:*}
    precision=${file#*:}
    mobileseg convert "$RUN" --target "$target" --precision "$precision" \
        ${FRAME:+--frame "$FRAME"} --output "$OUT/bundles/$target-$precision" --force
done

# One run of the gate over all of them: parity.json for a script, parity.xml (JUnit) for the server,
# parity.html for a person. Its exit code is this script's.
mobileseg parity "$OUT"/bundles/* ${DATA:+--data "$DATA"} ${GATE:+--gate "$GATE"} \
    --output "$OUT/parity" --force
