"""Read an evaluation.json: which figures a report takes from it, and how each is called."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput
from mobileseg.lesions import LESIONS


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of evaluation.json, as a heading names it."""

    title: str
    path: tuple[str, ...]  # where it stands in a lesion's entry
    about: str
    digits: int = 3


AUPR_CONVENTION = "exact AUPR, pixels pooled over the test pictures"
HAUSDORFF_RULE = "pixels; 0 where truth and prediction are both empty"
METRIC_ROWS: dict[str, Metric] = {
    "aupr": Metric("AUPR", ("aupr",), AUPR_CONVENTION),
    "aupr_33": Metric("AUPR 33", ("aupr_33",), "33 thresholds, the IDRiD challenge's"),
    "aupr_11": Metric("AUPR 11", ("aupr_11",), "11 thresholds, M2MRF's and HRDecoder's"),
    "aupr_picture": Metric(
        "AUPR per picture", ("aupr_per_image", "exact"), "exact, mean over pictures with the lesion"
    ),
    "dice": Metric(
        "Dice",
        ("dice",),
        "pooled, at the run's own threshold (from validation; in protocol paper, from test)",
    ),
    "precision": Metric("precision", ("precision",), "at the same threshold"),
    "recall": Metric("recall", ("recall",), "at the same threshold"),
    "hausdorff": Metric("Hausdorff", ("hausdorff",), HAUSDORFF_RULE, 1),
    "hausdorff_95": Metric("Hausdorff 95", ("hausdorff_95",), HAUSDORFF_RULE, 1),
    "lesion_recall": Metric("lesion recall", ("lesion_recall",), "components overlapped"),
    "false_positives": Metric(
        "false positives a picture", ("false_positives_per_image",), "predicted components alone", 1
    ),
    "oracle_dice": Metric("oracle Dice", ("oracle", "dice"), "threshold chosen on the test set"),
}


@dataclass(frozen=True, slots=True)
class LesionFigures:
    """What evaluation.json says of one lesion; None where a figure is undefined or not there."""

    lesion: str
    figures: dict[str, float | None]  # by the names of METRIC_ROWS
    threshold: float | None
    interval: dict[str, tuple[float, float]]  # 95 % over pictures, by evaluation.json's names


@dataclass(frozen=True, slots=True)
class Setting:
    """What was scored, and how; runs that differ in it are not averaged."""

    data: str
    split: str
    resolution: str
    side_px: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation.json."""

    setting: Setting
    leaks: tuple[str, ...]
    lesions: dict[str, LesionFigures]


def read_evaluation(where: Path, values: dict[str, Any]) -> Evaluation:
    """Read what mobileseg evaluate wrote at `where`.

    Raises:
        BadInput: an entry is missing or of another kind.
    """
    try:
        lesions = {row["lesion"]: _read_lesion(row) for row in values["lesions"]}
        if not lesions or set(lesions) - set(LESIONS):
            raise ValueError(f"lesions {sorted(lesions)}")
        setting = Setting(
            data=Path(str(values["data"])).name,
            split=str(values["split"]),
            resolution=str(values["resolution"]),
            side_px=int(values["side_px"]),
            protocol=str(values["protocol"]),
        )
        leaks = tuple(str(leak) for leak in values.get("leaks") or ())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"{where}: entry missing or of another kind ({error}); "
            "score the run again with mobileseg evaluate"
        ) from None
    return Evaluation(setting, leaks, lesions)


def _read_lesion(row: dict[str, Any]) -> LesionFigures:
    row["aupr"]  # asked for by name: without it there is nothing to report
    threshold = row.get("threshold")
    return LesionFigures(
        lesion=row["lesion"],
        figures={name: _figure(row, metric.path) for name, metric in METRIC_ROWS.items()},
        threshold=None if threshold is None else float(threshold),
        interval={
            key: (float(ends[0]), float(ends[1]))
            for key, ends in (row.get("interval_95") or {}).items()
            if ends and None not in ends
        },
    )


def _figure(row: dict[str, Any], path: tuple[str, ...]) -> float | None:
    value: Any = row
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
