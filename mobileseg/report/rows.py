"""From runs to table rows: what may be averaged with what, and how a row is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mobileseg.lesions import LESIONS
from mobileseg.models.variants import VARIANTS
from mobileseg.report.evaluation_file import Setting
from mobileseg.report.load import COMBINATION, RunFolder
from mobileseg.report.outliers import Summary, is_outlier, summarise, without_outliers

# The paper's order of Table 3: by size, each width beside its separable form.
TABLE_ORDER = ("unet", "qin-o", "o", "o-sep", "m", "m-sep", "s", "s-sep", "xs", "xs-sep")
FAMILY_MARK = {"single": "", "dual": " (DT)", "multi": " (MT)", COMBINATION: ""}
DAGGER = "†"
PAPER_MEMBERS = 3  # of the paper's ensembles; another number is written out
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Row:
    """Runs that differ in their seed and lesion only."""

    variant: str | None
    family: str
    members: int
    setting: Setting
    runs: tuple[RunFolder, ...]
    mark: str = ""  # a letter, where rows would otherwise be called the same
    difference: str = ""  # what the letter stands for

    @property
    def label(self) -> str:
        """As a table names it: the paper's name and marks."""
        return self._named(VARIANTS[self.variant].paper_name if self.variant else "")

    @property
    def short(self) -> str:
        """As a figure names it: without the family's own name."""
        return self.label.removeprefix("U²-Net-")

    def _named(self, name: str) -> str:
        letter = f" [{self.mark}]" if self.mark else ""
        if not name:
            return f"{self.runs[0].name}{letter}"
        count = "" if self.members == PAPER_MEMBERS else str(self.members)
        averaged = self.members > 1 and self.family != COMBINATION
        dagger = f"{DAGGER}{count}" if averaged else ""
        beside = f" ({self.members} side by side)" if self.family == COMBINATION else ""
        return f"{name}{dagger}{FAMILY_MARK[self.family]}{beside}{letter}"

    def named_values(self, lesion: str, metric: str = "aupr") -> dict[str, float]:
        """Run name -> its figure, for the runs in which it is defined."""
        found = {
            r.name: r.lesions[lesion].figures[metric] for r in self.runs if lesion in r.lesions
        }
        return {name: value for name, value in found.items() if value is not None}

    def values(self, lesion: str, metric: str = "aupr") -> list[float]:
        return list(self.named_values(lesion, metric).values())

    def undefined(self, lesion: str, metric: str = "aupr") -> list[str]:
        """Runs that were scored for the lesion and have no such figure."""
        defined = self.named_values(lesion, metric)
        return [r.name for r in self.runs if lesion in r.lesions and r.name not in defined]

    def outliers(self, lesion: str, metric: str = "aupr") -> list[str]:
        """Names of the runs that the boxplot's rule leaves out."""
        named = self.named_values(lesion, metric)
        marked = zip(named, is_outlier(list(named.values())), strict=True)
        return [name for name, out in marked if out]

    def summary(self, lesion: str, metric: str = "aupr", *, outliers: bool) -> Summary:
        """Number, mean and SD over runs, with or without the outliers."""
        values = self.values(lesion, metric)
        return summarise(values if outliers else without_outliers(values))

    def mean_over(self, lesions: Sequence[str], *, outliers: bool) -> float | None:
        """The mean of the lesions' mean AUPR; None if one of them is missing."""
        means = [self.summary(code, outliers=outliers).mean for code in lesions]
        known = [m for m in means if m is not None]
        return sum(known) / len(known) if known and len(known) == len(means) else None


def lesions_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """Lesions that any row was scored for, in the usual order."""
    scored = {code for row in rows for run in row.runs for code in run.lesions}
    return tuple(code for code in LESIONS if code in scored)


def as_rows(folders: Iterable[RunFolder]) -> list[Row]:
    """Group complete runs; within a row everything that decides what is learnt is the same."""
    groups: dict[tuple[Any, ...], list[RunFolder]] = {}
    for run in folders:
        if run.setting is None:
            continue
        # A combination is a row of its own: it repeats figures of other rows.
        alone = run.name if run.family == COMBINATION else None
        kind = (run.variant, run.family, run.size, alone)
        choices = () if run.members else tuple(sorted((k, repr(v)) for k, v in run.choices.items()))
        groups.setdefault((kind, run.setting, choices), []).append(run)
    of_kind: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for key in groups:
        of_kind.setdefault(key[0], []).append(key)
    rows = []
    for (variant, family, members, _), keys in of_kind.items():
        told = _differences([groups[key][0] for key in keys])
        for i, key in enumerate(keys):
            mark = LETTERS[i % len(LETTERS)] if len(keys) > 1 else ""
            runs = tuple(groups[key])
            rows.append(Row(variant, family, members, key[1], runs, mark, told[i]))
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[int, int, int, int, str]:
    place = TABLE_ORDER.index(row.variant) if row.variant in TABLE_ORDER else len(TABLE_ORDER)
    family = list(FAMILY_MARK).index(row.family)
    return (int(row.members > 1), family, place, row.members, row.mark)


def _differences(runs: Sequence[RunFolder]) -> list[str]:
    """For each run, in words, the settings and choices in which they are not all alike."""
    facts = [_facts(run) for run in runs]
    names = {name: None for known in facts for name in known}  # in order of appearance
    different = [n for n in names if len({repr(known.get(n)) for known in facts}) > 1]
    return [
        ", ".join(f"{name.replace('_', ' ')} {known.get(name, '–')}" for name in different)
        for known in facts
    ]


def _facts(run: RunFolder) -> dict[str, Any]:
    assert run.setting is not None
    setting = {name: getattr(run.setting, name) for name in Setting.__dataclass_fields__}
    return {**setting, **({} if run.members else run.choices)}


def parameters(row: Row) -> int:
    """Of all members; 0 where the row is of several variants."""
    return VARIANTS[row.variant].parameters * row.members if row.variant else 0
