"""The page and the picture of a quantisation: what each layer costs, and the front that remains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PICTURE, PAGE = "quantized.png", "quantized.md"


def write_quantized_page(folder: Path, told: dict[str, Any], name: str) -> None:
    """Write both into a quantized run.

    Args:
        told: as `converters.quantizing.report` makes it.
        name: of the run.
    """
