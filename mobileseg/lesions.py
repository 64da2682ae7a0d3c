"""The four lesions, as data: how each is called, stored and coloured everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from mobileseg.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Lesion:
    """One kind of retinal lesion."""

    code: str  # as typed after --task, and the suffix of IDRiD's mask files
    name: str  # as a person reads it
    folder: str  # of its masks in IDRiD's archive
    colour: tuple[int, int, int]  # RGB on overlays; the four differ for the colour-blind too


LESIONS: dict[str, Lesion] = {
    lesion.code: lesion
    for lesion in (
        Lesion("MA", "microaneurysms", "1. Microaneurysms", (86, 180, 233)),
        Lesion("HE", "haemorrhages", "2. Haemorrhages", (0, 214, 120)),
        Lesion("EX", "hard exudates", "3. Hard Exudates", (225, 60, 225)),
        Lesion("SE", "soft exudates", "4. Soft Exudates", (250, 240, 60)),
    )
}

# What one network may segment: a lesion, one of the paper's two pairs, or all four.
TASKS: dict[str, tuple[str, ...]] = {
    **{code: (code,) for code in LESIONS},
    "MA,HE": ("MA", "HE"),
    "EX,SE": ("EX", "SE"),
    "all": tuple(LESIONS),
}


def task_lesions(task: str) -> tuple[str, ...]:
    """Lesion codes of a task, in channel order.

    Raises:
        UnknownName: `task` is none of `TASKS`.
    """
    try:
        return TASKS[task]
    except KeyError:
        raise UnknownName("task", task, TASKS) from None
