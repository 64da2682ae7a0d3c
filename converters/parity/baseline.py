"""Two artifacts of the same networks: a new toolkit's file against the last release's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from converters.bundle.read import Bundle
from converters.parity.cases import Case
from converters.parity.compare import described, walk
from converters.parity.result import Parity
from converters.parity.stages import ARTIFACT, file_of
from converters.quiet import quiet
from mobileseg.errors import BadInput

EARLIER = "earlier artifact"


def compare_with(
    bundle: Bundle,
    earlier: Bundle,
    cases: Iterable[Case],
    data: str,
    tick: Callable[[], None] = lambda: None,
    *,
    hard: Iterable[Case] = (),
) -> Parity:
    """The later bundle's file held to the earlier one's, by the later one's tolerances.

    Raises:
        BadInput: they do not answer the same question, or a file cannot be loaded.
    """
    _refuse_others(bundle, earlier)
    blank = described(bundle, data, against=str(earlier.path))
    for one in (earlier, bundle):
        reason = one.target.converter().why_not(one.order)
        if reason:
            return replace(blank, not_run=f"{one.path}: {reason}")
    with quiet():
        converter = bundle.target.converter()
        checks = converter.inspect(bundle.artifact, bundle.reference(), bundle.order)
        asked = {EARLIER: file_of(earlier), ARTIFACT: file_of(bundle)}
    return walk(replace(blank, checks=checks), bundle, asked, cases, hard, tick)


def _refuse_others(bundle: Bundle, earlier: Bundle) -> None:
    """Lesions, thresholds, sizes and form of the answer must be the same."""
    for what, later, before in zip(
        ("lesions and thresholds", "frames", "side", "graph", "head"),
        _question(bundle),
        _question(earlier),
        strict=True,
    ):
        if later != before:
            raise BadInput(
                f"{earlier.path}: found {what} {before}; expected {later}, as {bundle.path} has: "
                "convert both from runs of one task, alike"
            )


def _question(bundle: Bundle) -> tuple[object, ...]:
    config, order = bundle.reference().config, bundle.order
    limits = {code: config.thresholds[code] for code in config.lesions}
    return limits, order.frames, config.preprocess.side_px, order.graph, order.head
