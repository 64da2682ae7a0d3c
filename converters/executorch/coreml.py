"""ExecuTorch's Core ML delegate, lean and the same each time.

Upstream's would be three quarters names of operations for a debugger, hold a date and random
identifiers, and write maps in whatever order they come.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from converters.coreml.reproducible import make_reproducible
from mobileseg.errors import MissingToolkit
from mobileseg.files.atomic import sha256

DEBUG_NAMES = "executorch_debug_handle_mapping.json"  # 0.9 MB of 1.2 for XS


def coreml_partitioner(precision: str) -> Any:
    """Upstream's partitioner for everything, iOS 16 and later.

    Args:
        precision: fp32 or fp16.

    Raises:
        MissingToolkit: coremltools is not installed.
    """
    try:
        import coremltools as ct
    except ImportError:
        raise MissingToolkit.install("coremltools", "executorch,coreml") from None
    from executorch.backends.apple.coreml.compiler import CoreMLBackend
    from executorch.backends.apple.coreml.partition import CoreMLPartitioner

    _write_the_same_each_time(CoreMLBackend)
    computed_in = {"fp32": ct.precision.FLOAT32, "fp16": ct.precision.FLOAT16}[precision]
    specs = CoreMLBackend.generate_compile_specs(
        minimum_deployment_target=ct.target.iOS16, compute_precision=computed_in
    )
    return CoreMLPartitioner(compile_specs=specs)


def _write_the_same_each_time(backend: Any) -> None:
    """Take the two steps of upstream's class between which a package is saved and packed."""
    if backend.get_model_debug_info is not _saved:
        write = backend.save_model_metadata
        backend.get_model_debug_info = staticmethod(_saved)
        backend.save_model_metadata = staticmethod(partial(_named, write))


def _saved(package: Path) -> None:
    """In place of reading the debugger's names: called as soon as the package is saved."""
    (package / DEBUG_NAMES).unlink(missing_ok=True)
    make_reproducible(package)


def _named(write: Any, model_metadata: Any, model_dir_path: Path) -> None:
    """An identifier of its contents: a phone keeps what it has compiled under it."""
    packed = (p for p in sorted(model_dir_path.rglob("*")) if p.is_file())
    sums = "".join(sha256(path) for path in packed)
    named = f"executorch_{uuid.uuid5(uuid.NAMESPACE_OID, sums)}"
    write(replace(model_metadata, identifier=named), model_dir_path)
