"""The protobuf classes of a Core ML model, from the coremltools that is installed.

Only they are loaded: importing coremltools as a whole takes 13 s of a processor's time, for a
converter that has no part in judging what it wrote.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from mobileseg.errors import MissingToolkit

TOOLKIT, MODEL = "coremltools", "Model_pb2"
OWN_NAME = (
    "converters.coreml.mil.coremltools_proto"  # so that the toolkit's own package stays unmade
)


@cache
def specification() -> Any:
    """The module that has `Model`, the class of a whole Core ML model.

    Raises:
        MissingToolkit: coremltools is not installed.
    """
    there = sys.modules.get(f"{TOOLKIT}.proto.{MODEL}")
    if there is not None:
        return there
    found = find_spec(TOOLKIT)  # finds, and imports nothing
    if found is None or not found.submodule_search_locations:
        raise MissingToolkit.install(TOOLKIT, "coreml")
    package = ModuleType(OWN_NAME)
    package.__path__ = [f"{folder}/proto" for folder in found.submodule_search_locations]
    sys.modules[OWN_NAME] = package
    try:
        return import_module(f"{OWN_NAME}.{MODEL}")
    except ImportError:
        del sys.modules[OWN_NAME]
        raise MissingToolkit.install(TOOLKIT, "coreml") from None
