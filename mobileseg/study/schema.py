"""What study.json and a run's state may say, looked at before anything follows from it.

Names in them become folders that are written to, so each has to be the one that its other entries
make: none leads out of the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobileseg.errors import BadInput, MobilesegError
from mobileseg.files.schema import (
    NAME,
    OBJECT,
    TEXT,
    Unfit,
    either,
    entries,
    kind,
    many,
    one_of,
    whole,
)
from mobileseg.files.untrusted import shown
from mobileseg.lesions import LESIONS, TASKS
from mobileseg.models.variants import VARIANTS
from mobileseg.protocols import PROTOCOLS
from mobileseg.spec import PreprocessSpec
from mobileseg.study.planned import COMBINED, PlannedCombination, PlannedEnsemble, PlannedRun

MOST = 10_000  # rows of a list
NOTHING = kind("null", lambda value: value is None)
COUNT = whole(0, 2**53)
VARIANT, TASK = one_of(VARIANTS), one_of(TASKS)
RUN = entries(
    {"name": NAME, "variant": VARIANT, "task": TASK},
    {"taught_by": TEXT, "starts_at": TEXT, "augment": OBJECT},
)
STUDY = entries(
    {
        "name": TEXT,
        "date": TEXT,
        "data": TEXT,
        "data_sha256": TEXT,
        "approximate": many(one_of(LESIONS), 0, len(LESIONS)),
        "protocol": one_of(PROTOCOLS),
        "preprocess": OBJECT,
        "runs": many(RUN, 0, MOST),
        "ensembles": many(
            entries({"name": NAME, "variant": VARIANT, "task": TASK, "best": whole(2, MOST)}),
            0,
            MOST,
        ),
        "combinations": many(
            entries({"name": NAME, "variant": VARIANT, "of": one_of(COMBINED)}), 0, MOST
        ),
    },
    {"distilled": many(RUN, 0, MOST)},
)
STATE = entries(
    {"state": TEXT, "attempts": COUNT},
    {"error": either(NOTHING, TEXT), "host": either(NOTHING, TEXT), "pid": either(NOTHING, COUNT)},
)


def refuse_unfit(values: Any, where: Path) -> None:
    """Raise BadInput for a study.json in which an entry is missing or not what it should be."""
    try:
        STUDY(values, "")
        PreprocessSpec.from_json(values["preprocess"])
        _refuse_odd_names(values)
    except MobilesegError as error:  # a value that its own class refuses
        raise BadInput(f"{where}: {error}") from None
    except (Unfit, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"{where}: entry missing or of another kind ({error}); expected what mobileseg study "
            "wrote"
        ) from None


def _refuse_odd_names(values: Mapping[str, Any]) -> None:
    """Raise Unfit unless everything is called as the study itself would call it."""
    ensembles = {
        PlannedEnsemble(r["variant"], r["task"], r["best"]).name for r in values["ensembles"]
    }
    rows = [*values["runs"], *values.get("distilled", [])]
    runs = [PlannedRun.from_json(row) for row in rows]
    made = {
        "runs": [run.name for run in runs],
        "ensembles": sorted(ensembles),
        "combinations": [
            PlannedCombination(r["variant"], r["of"]).name for r in values["combinations"]
        ],
    }
    found = {key: [row["name"] for row in values[key]] for key in ("ensembles", "combinations")}
    for key, names in ({"runs": [row["name"] for row in rows]} | found).items():
        if odd := set(names) - set(made[key]):
            raise Unfit(f"{key}: found name {shown(min(odd))}")
    known = {"", *ensembles}, {"", *made["runs"]}
    for run in runs:
        if run.taught_by not in known[0] or run.starts_at not in known[1]:
            raise Unfit(f"{run.name}: leans on {shown(run.taught_by or run.starts_at)}")


def refuse_unfit_state(values: Any, where: Path) -> None:
    """Raise BadInput for a run's state that no study noted."""
    try:
        STATE(values, "")
    except Unfit as error:
        raise BadInput(
            f"{where}: entry missing or of another kind ({error}); remove it, and the run counts "
            "as waiting"
        ) from None
