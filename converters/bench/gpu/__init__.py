"""How fast the networks are on a GPU: the paper's way, and at their best.

Measured from the picture after CLAHE, float32 on the card, to probabilities, float32 on the card:
normalisation and sigmoid are in every figure, which the paper's leave out or do not say.

    rows = measure(say=print)                                      # everything, an hour or so
    rows = measure(say=print, parts=("limits", "best"), variants=("xs",))

A run can be split by part, variant and form, and its rows joined afterwards: `mark_best` judges
by the rows alone. Without a GPU nothing is measured and the rows say so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import torch

from converters.bench.gpu.best import mark_best
from converters.bench.gpu.context import GPU_FIELDS, Bench, Rows
from converters.bench.gpu.measurement import facts
from converters.bench.gpu.modes import BEST, REFERENCE, SLOWEST, TOGETHER, chosen
from converters.bench.gpu.paper import SINGLE
from converters.bench.gpu.parts import PARTS
from converters.bench.gpu.table import Table, tables
from converters.bench.results import not_measured
from mobileseg.errors import UnknownName
from mobileseg.models.profile import TABLE_2, TABLE_2_SIDE_PX

__all__ = ["PARTS", "SINGLE", "Table", "mark_best", "measure", "run", "tables", "why_not"]

NO_GPU = "no GPU: not run"


def why_not() -> str | None:
    """Why nothing can be measured here; None where it can."""
    if torch.cuda.is_available():
        return None
    built = "finds none" if torch.version.cuda else "is built without CUDA"
    return f"{NO_GPU} (PyTorch {built}; the same command on a machine with one measures)"


def measure(
    *,
    iterations: int = 500,
    say: Callable[[str], None],
    parts: Sequence[str] = tuple(PARTS),
    variants: Sequence[str] = SINGLE,
    forms: Sequence[str] = (),
    within_s: float | None = None,
    keep: Callable[[Rows], None] = lambda rows: None,
) -> Rows:
    """Measure on this machine's GPU.

    Args:
        iterations: timed calls a row at batch 1; larger batches take fewer, 20 at least.
        say: told a line per row, as it comes.
        parts: of `PARTS`; whichever are named, the card's limits are measured first.
        variants: of Table 2; each with its † row where it has one.
        forms: names of forms; none: all.
        within_s: seconds after which no further row is begun; those left out say so.
        keep: given all rows so far after each, so that a run that is cut off keeps what it has.

    Returns:
        Rows with every key of `results.FIELDS` and `GPU_FIELDS`; what could not be measured has its
        reason. Without a GPU: Table 2's rows, not measured.

    Raises:
        UnknownName: a part, variant or form that does not exist.
    """
    refuse_unknown(parts, variants, forms)
    if why := why_not():
        say(why)
        return unmeasured(why, variants)
    bench = Bench(torch.device("cuda"), say, iterations, keep=keep)
    if within_s is not None:
        bench.ends = time.monotonic() + within_s
    return run(bench, parts, variants, forms)


def run(
    bench: Bench, parts: Sequence[str], variants: Sequence[str] = SINGLE, forms: Sequence[str] = ()
) -> Rows:
    """Run parts on a bench of any device, in the order of `PARTS`."""
    for name, part in PARTS.items():
        if name in parts or name == "limits":
            part(bench, tuple(variants), tuple(forms))
            mark_best(bench.rows)
            bench.keep(bench.rows)
    return bench.rows


def unmeasured(why: str, variants: Iterable[str]) -> Rows:
    """Table 2's rows with all that is known without a GPU."""
    return [
        not_measured(
            why,
            **{
                **dict.fromkeys(GPU_FIELDS),
                **facts(variant, members, TABLE_2_SIDE_PX),
                "part": "reference",
                "precision": REFERENCE.precision,
                "engine": REFERENCE.engine,
                "form": REFERENCE.name,
                "batch": 1,
            },
        )
        for variant, members in TABLE_2
        if variant in set(variants)
    ]


def refuse_unknown(parts: Sequence[str], variants: Sequence[str], forms: Sequence[str]) -> None:
    """Raise UnknownName for the first name that is in no table."""
    for what, names, known in (("part", parts, PARTS), ("variant", variants, SINGLE)):
        for name in names:
            if name not in known:
                raise UnknownName(what, name, known)
    chosen((*BEST, *SLOWEST, *TOGETHER), tuple(forms))
