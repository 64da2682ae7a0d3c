"""metrics.csv, read again: a row for each epoch, or one line that says what is wrong with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mobileseg.errors import BadInput
from mobileseg.files.untrusted import read_plain

METRICS = "metrics.csv"
LARGEST_BYTES = 64 << 20  # a row takes some 100 bytes, and a training hundreds of rows
LONGEST_REASON = 120  # characters: a reason may repeat a cell, and a cell may be long


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows of a metrics.csv.

    Raises:
        BadInput: missing, a cell is no number, a row is cut, or no column counts the epochs.
    """
    try:
        text = read_plain(path, LARGEST_BYTES).decode("utf-8")
        table = csv.DictReader(io.StringIO(text, newline=""))
        rows = [{name: float(value) for name, value in row.items()} for row in table]
        for row in rows:
            if "epoch" not in row or not row["epoch"].is_integer():
                raise ValueError(f"epoch {row.get('epoch')}")
    except (ValueError, TypeError, OSError, csv.Error) as error:
        raise BadInput(
            f"{path}: cannot be read as a run's metrics ({str(error)[:LONGEST_REASON]}); "
            "expected a row of numbers per epoch"
        ) from None
    return rows


def defined_points(
    rows: Sequence[Mapping[str, float]], value: Callable[[Mapping[str, float]], float]
) -> tuple[list[float], list[float]]:
    """Epochs and values where there is one: not every epoch is validated, not every lesion there.

    A line through the others would be broken at each of them.
    """
    found = [(row["epoch"], value(row)) for row in rows]
    known = [(epoch, v) for epoch, v in found if v == v]
    return [epoch for epoch, _ in known], [v for _, v in known]
