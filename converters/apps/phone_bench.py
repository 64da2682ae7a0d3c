"""What a demo app's benchmark screen wrote: whether it belongs to a bundle, and what it is worth.

The file comes from a phone, through whatever a person shares files with. So every entry has its
kind and its limits, the figures are computed again from the rounds, and nothing but the entries
that are known here becomes evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from converters.bench.noise import SPREAD_LIMIT, spread
from converters.bundle.evidence import refuse_other_artifact
from converters.bundle.read import Bundle
from converters.targets import TARGETS
from mobileseg.errors import BadInput
from mobileseg.files.schema import (
    FLAG,
    NAME,
    SHA256,
    Kind,
    Unfit,
    entries,
    kind,
    many,
    number,
    one_of,
    whole,
)
from mobileseg.files.untrusted import read_json, shown
from mobileseg.spec import LARGEST_FRAME_PX

SCHEMA = 1
KIND = "mobileseg-phone-bench"
LARGEST_BYTES = 1 << 20  # 10,000 rounds of 20 characters, five times over
LEAST_ROUNDS, MOST_ROUNDS = 10, 10_000
LONGEST_MS = 1e6
LONGEST_SLUG = 100
OFF_MS = 0.01  # an app may write figures with two decimals
APPS = ("android", "ios", "web")
# Android's own words; an app that is not told says unknown.
THERMAL = (
    *("none", "light", "moderate", "severe", "critical", "emergency", "shutdown"),
    "unknown",
)


def _is_moment(value: Any) -> bool:
    """A date and time with its zone, so that it is the same moment for every reader."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


MS = kind(
    f"milliseconds above 0 and below {LONGEST_MS:g}",
    lambda value: type(value) in (int, float) and 0 < value < LONGEST_MS,
)
FORMAT: dict[str, Kind] = {
    "schema": whole(SCHEMA, SCHEMA),
    "kind": one_of((KIND,)),
    "date": kind("a date and time with zone, as in 2026-11-26T10:00:00+00:00", _is_moment),
    "app": one_of(APPS),
    "app_version": NAME,
    "device": NAME,
    "system": NAME,
    "abi": NAME,
    "cores": whole(1, 1024),
    "runtime": NAME,
    "artifact_sha256": SHA256,
    "target": one_of(TARGETS),
    "precision": NAME,
    "frame_hw": many(whole(32, LARGEST_FRAME_PX), 2, 2),
    "load_ms": number(0, LONGEST_MS),
    "warmup": whole(0, MOST_ROUNDS),
    "rounds_ms": many(MS, LEAST_ROUNDS, MOST_ROUNDS),
    "median_ms": MS,
    "p90_ms": MS,
    "battery_saver": FLAG,
    "thermal": one_of(THERMAL),
}
WRITTEN = entries(FORMAT)


@dataclass(frozen=True, slots=True)
class PhoneBench:
    """A phone's figures for one artifact."""

    measured: dict[str, Any]  # the file's entries, and p10_ms
    doubts: list[str]  # what speaks against the figures, in words

    @property
    def spread(self) -> float:
        """(p90 - p10) / median."""
        return spread(self.measured)

    @property
    def evidence(self) -> str:
        """Name of its file in evidence/: one for each runtime of a device, as for each unit that
        Core ML may use."""
        words = f"{self.measured['device']} {self.measured['runtime']}".lower()
        slug = re.sub(r"[^a-z0-9]+", "-", words).strip("-")[:LONGEST_SLUG]
        return f"bench-phone-{slug or 'unnamed'}"


def read_phone_bench(bundle: Bundle, file: Path) -> PhoneBench:
    """Take in what a phone measured on a bundle.

    Raises:
        BadInput: another artifact's, of another schema, an entry that is missing or of another
            kind, or figures that do not follow from the rounds.
    """
    values = read_json(file, LARGEST_BYTES)
    what = (values.get("kind"), values.get("schema")) if isinstance(values, dict) else None
    if what != (KIND, SCHEMA):
        found = f"kind {shown(what[0])}, schema {shown(what[1])}" if what else "no object"
        raise BadInput(
            f"{file}: found {found}; expected kind {KIND!r}, schema {SCHEMA}, as the benchmark "
            "screen of a demo app writes it"
        )
    try:
        WRITTEN(values, "")
        measured = {name: values[name] for name in FORMAT} | {"p10_ms": _figures(values)}
    except Unfit as error:
        raise BadInput(
            f"{file}: entry missing or of another kind ({error}); measure again on the phone"
        ) from None
    remedy = "put this very bundle into the app, mobileseg bundle-apps, and measure again"
    refuse_other_artifact(bundle, measured["artifact_sha256"], file, remedy)
    _refuse_other_model(bundle, measured, file, remedy)
    return PhoneBench(measured, _doubts(measured))


def _figures(values: Mapping[str, Any]) -> float:
    """The rounds' 10th percentile. Raises Unfit where the file's own figures are not theirs."""
    p10, *own = (float(p) for p in np.percentile(values["rounds_ms"], (10, 50, 90)))
    for name, expected in zip(("median_ms", "p90_ms"), own, strict=True):
        if not abs(values[name] - expected) <= OFF_MS:
            raise Unfit(f"{name}: found {values[name]:g}, expected {expected:g}, from rounds_ms")
    return p10


def _refuse_other_model(
    bundle: Bundle, measured: Mapping[str, Any], file: Path, remedy: str
) -> None:
    own = {
        "target": bundle.target.name,
        "precision": bundle.order.precision,
        "frame_hw": list(bundle.frame_hw),
    }
    for name, expected in own.items():
        if measured[name] != expected:
            raise BadInput(
                f"{file}: found {name} {shown(measured[name])}; expected {shown(expected)}, that "
                f"of {bundle.path}: {remedy}"
            )


def _doubts(measured: Mapping[str, Any]) -> list[str]:
    """Why the figures must not be trusted; empty: nothing known."""
    found = []
    if measured["thermal"] != "none":
        found.append(f"thermal state {measured['thermal']}: a warm phone slows down; let it cool")
    if measured["battery_saver"]:
        found.append("battery saver on: it slows the phone down; switch it off")
    if (wide := spread(measured)) > SPREAD_LIMIT:
        found.append(
            f"spread (p10 to p90) {wide:.0%} of the median, above {SPREAD_LIMIT:.0%}: other work "
            "was running, or the clock changed"
        )
    return found
