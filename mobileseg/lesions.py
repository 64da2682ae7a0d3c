"""The four lesions, as data: how each is called, stored and coloured everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mobileseg.errors import BadInput, UnknownName


@dataclass(frozen=True, slots=True)
class Lesion:
    """One kind of retinal lesion."""

    code: str  # as typed after --task, and the suffix of IDRiD's mask files
    names: Mapping[str, str]  # language -> as a person reads it; English is always there
    folder: str  # of its masks in IDRiD's archive
    colour: tuple[int, int, int]  # RGB on overlays; the four differ for the colour-blind too

    @property
    def name(self) -> str:
        """In English."""
        return self.names["en"]


LESIONS: dict[str, Lesion] = {
    lesion.code: lesion
    for lesion in (
        Lesion(
            "MA",
            {"en": "microaneurysms", "de": "Mikroaneurysmen"},
            "1. Microaneurysms",
            (86, 180, 233),
        ),
        Lesion("HE", {"en": "haemorrhages", "de": "Blutungen"}, "2. Haemorrhages", (0, 214, 120)),
        Lesion(
            "EX",
            {"en": "hard exudates", "de": "harte Exsudate"},
            "3. Hard Exudates",
            (225, 60, 225),
        ),
        Lesion(
            "SE",
            {"en": "soft exudates", "de": "weiche Exsudate"},
            "4. Soft Exudates",
            (250, 240, 60),
        ),
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


def in_order(codes: Iterable[str]) -> tuple[str, ...]:
    """Lesion codes, each once, in the order in which every table and tensor has them."""
    return tuple(sorted(set(codes), key=list(LESIONS).index))


def task_name(codes: Iterable[str]) -> str:
    """What several networks segment together: a name of `TASKS` where one fits, else the codes."""
    ordered = in_order(codes)
    names = {lesions: name for name, lesions in TASKS.items()}
    return names.get(ordered, ",".join(ordered))


def by_task(tasks: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Which networks answer for the same lesions.

    Args:
        tasks: of each network.

    Returns:
        Task -> places in `tasks`. Their lesions, one task after the other, are in channel order.

    Raises:
        UnknownName: a task is none of `TASKS`.
        BadInput: two tasks share some lesions and not all; their answers are no ensemble.
    """
    for task in tasks:
        task_lesions(task)  # raises for one that is none
    ordered = [task for task in TASKS if task in tasks]
    ordered.sort(key=lambda task: list(LESIONS).index(TASKS[task][0]))
    seen: dict[str, str] = {}
    for task in ordered:
        for code in TASKS[task]:
            if code in seen:
                raise BadInput(
                    f"{code} is in task {seen[code]} and in task {task}; "
                    "expected equal tasks (averaged) or tasks without a common lesion"
                )
            seen[code] = task
    return {task: tuple(i for i, t in enumerate(tasks) if t == task) for task in ordered}
