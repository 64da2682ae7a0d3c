"""The targets' runtimes, imported: ten seconds each, which no case is to be charged with."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from converters.quiet import quiet

RUNTIMES = ("executorch.runtime", "onnxruntime", "coremltools")

for name in RUNTIMES:
    with quiet(), suppress(ImportError):  # they talk while they are imported
        import_module(name)
