"""A whole benchmark of written files on this machine: what takes part, what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.bench.accuracy import from_parity, judged
from converters.bench.engines import ENGINES, OTHERS, REFERENCE, Entrant, entrants_of
from converters.bench.interleaved import Field, Pace, described
from converters.bench.noise import doubts, load_average
from converters.bench.results import cores, not_measured
from converters.bundle.read import Bundle
from converters.options import Order
from converters.targets import TARGETS
from mobileseg.errors import UnknownName
from mobileseg.runs import Run

GRAPHS = ("whole", "network")
Say = Callable[[str], None]
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """Rows, and why they must not be trusted; empty: nothing known against them."""

    rows: Rows
    doubts: list[str]


def refuse_unknown(peers: Sequence[str]) -> None:
    """Raise UnknownName for a peer that there is not."""
    for name in peers:
        if name not in OTHERS:
            raise UnknownName("peer", name, OTHERS)


def bench_run(
    run: Run,
    graphs: Sequence[str],
    pace: Pace,
    data: Path | None,
    say: Say,
    peers: Sequence[str] = tuple(OTHERS),
) -> Result:
    """Write a run in every form and time the files beside their peers, a graph at a time.

    Args:
        graphs: of `GRAPHS`.
        data: an IDRiD folder to score the files of the network alone on; None: no AUPR.
        say: told what is going on.
        peers: of `OTHERS`; onnxruntime, which ratios are taken to, is there in any case.

    Raises:
        BadInput: the run's weights are missing, or `data` has no test pictures.
    """
    rows: Rows = []
    load = load_average()
    scores: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for graph in sorted(graphs, key=GRAPHS.index, reverse=True):  # the network's are scored
            ready, absent = _apart(entrants_of(run, graph, Path(folder), say, peers))
            rows += Field(ready, pace, say).measure()
            rows += [not_measured(why, **described(e, pace.threads)) for e, why in absent]
            if data is not None:
                scores |= judged(ready, data, say)
    for found in rows:
        found["aupr"] = scores.get((found["engine"], found["precision"]))
    return _result(rows, load, pace)


def bench_bundle(
    bundle: Bundle, pace: Pace, say: Say, peers: Sequence[str] = tuple(OTHERS)
) -> Result:
    """Time a bundle's own file beside what else its run could be used with."""
    load = load_average()
    with _bundle_entrants(bundle, say, peers) as entrants:
        rows = Field(entrants, pace, say).measure()
    own = ENGINES.get(bundle.target.name)
    for found in rows:
        is_own = (found["engine"], found["precision"]) == (own, bundle.order.precision)
        found["aupr"] = from_parity(bundle) if is_own else None
    return _result(rows, load, pace)


def own_entrant(bundle: Bundle) -> Entrant:
    """A bundle's file as it lies there."""
    engine = ENGINES.get(bundle.target.name, bundle.target.name)
    reference = bundle.reference().path.resolve()
    return Entrant(engine, bundle.order, reference, bundle.target.name, bundle.artifact)


@contextmanager
def _bundle_entrants(bundle: Bundle, say: Say, engines: Sequence[str]) -> Iterator[list[Entrant]]:
    """The bundle's file; onnxruntime's on the same graph, if it is not that; PyTorch's forms."""
    own = own_entrant(bundle)
    order = Order((bundle.frame_hw,), graph=bundle.order.graph)
    peers = [Entrant(engine, order, own.run) for engine in engines]
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / TARGETS["onnx"].artifact
        if own.target != "onnx":
            say(f"writing {REFERENCE}'s file of the same graph")
            reference = Entrant(REFERENCE, order, own.run, "onnx", onnx)
            TARGETS["onnx"].converter().export(bundle.reference(), order, onnx)
            peers.insert(0, reference)
        yield [own, *peers]


def _apart(
    found: Iterator[Entrant | tuple[Entrant, str]],
) -> tuple[list[Entrant], list[tuple[Entrant, str]]]:
    """Those that take part, and those that cannot."""
    every = list(found)
    ready = [e for e in every if isinstance(e, Entrant)]
    return ready, [e for e in every if not isinstance(e, Entrant)]


def _result(rows: Rows, load: float | None, pace: Pace) -> Result:
    measured = [r for r in rows if r["not_measured"] is None]
    found = doubts(measured, load, pace.threads, cores())
    for r in rows:
        r["doubts"] = found
    return Result(rows, found)
