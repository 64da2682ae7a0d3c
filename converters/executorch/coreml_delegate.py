"""What a Core ML delegate in a written `.pte` really holds, read from the package inside."""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from converters.coreml.checks import FLOAT16, operations
from mobileseg.errors import BadInput

BACKEND = "CoreMLBackend"
PROGRAM = "lowered_module/model.mlpackage/Data/com.apple.CoreML/model.mlmodel"


@dataclass(frozen=True, slots=True)
class CoreMLDelegates:
    """All Core ML delegates of one file together."""

    convolutions: int
    half_convolutions: int  # of them, with fp16 output


def read_coreml_delegates(path: Path) -> CoreMLDelegates:
    """Read a program's Core ML delegates from disk.

    Raises:
        BadInput: the file is no program, or its delegates are of another toolkit version.
    """
    from coremltools.proto import Model_pb2
    from executorch.backends.apple.coreml import executorchcoreml
    from executorch.exir._serialize._program import deserialize_pte_binary

    convolutions = half = 0
    try:
        program = deserialize_pte_binary(path.read_bytes()).program
        for delegate in program.execution_plan[0].delegates:
            if delegate.id != BACKEND:
                continue
            packed = bytes(program.backend_delegate_data[delegate.processed.index].data)
            with tempfile.TemporaryDirectory() as folder:
                executorchcoreml.unflatten_directory_contents(packed, folder)
                spec = Model_pb2.Model.FromString((Path(folder) / PROGRAM).read_bytes())
            kinds = [
                op.outputs[0].type.tensorType.dataType
                for op in operations(spec)
                if op.type == "conv"
            ]
            convolutions += len(kinds)
            half += sum(kind == FLOAT16 for kind in kinds)
    except (ValueError, KeyError, IndexError, RuntimeError, OSError, struct.error) as error:
        raise BadInput(
            f"{path}: cannot read its Core ML delegates ({error}); convert again"
        ) from error
    return CoreMLDelegates(convolutions, half)
