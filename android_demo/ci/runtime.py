#!/usr/bin/env python3
"""Run a .pte with ExecuTorch's own runtime, for the stand-in of executorch-android.

    python3 runtime.py MODEL.pte

Frames come on stdin, answers go to stdout; see standin/org/pytorch/executorch/Module.java. Needs
PyPI's `executorch` and `torch`, which the environment of mobileseg has.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO


def read_frame(stream: BinaryIO) -> tuple[list[int], bytearray] | None:
    """Shape and uint8 values; None at the end."""
    head = stream.read(4)
    if not head:
        return None
    (count,) = struct.unpack("<i", head)
    shape = list(struct.unpack(f"<{count}i", stream.read(4 * count)))
    size = 1
    for n in shape:
        size *= n
    return shape, bytearray(stream.read(size))


def main() -> None:
    # Toolkits print on stdout what they have to say; the answers need it for themselves.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import torch
    from executorch.runtime import Runtime, Verification

    source = Path(sys.argv[1]).read_bytes()  # kept alive, as are program and method
    program = Runtime.get().load_program(source, verification=Verification.Minimal)
    method = program.load_method("forward")
    if method is None:
        sys.exit(f"{sys.argv[1]}: no method 'forward'; convert it again")
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        shape, values = frame
        outputs = method.execute([torch.frombuffer(values, dtype=torch.uint8).reshape(shape)])
        answers.write(struct.pack("<i", len(outputs)))
        for output in outputs:
            dimensions = tuple(output.shape)
            answers.write(struct.pack(f"<i{len(dimensions)}i", len(dimensions), *dimensions))
            answers.write(output.contiguous().numpy().astype("<f4").tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
