"""What `verify_on_mac.py` wrote on a Mac: whether it belongs to this bundle, and what it says.

The goldens' expected answers are the reference's (NumPy, OpenCV, eager PyTorch in float32), so
their differences are end to end; they are held to what the same tensor may differ by, because on a
golden the preprocessing has nothing left to round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.bundle.evidence import refuse_other_artifact
from converters.bundle.read import Bundle
from converters.coreml.verify_on_mac import SCHEMA, UNITS
from converters.parity.result import Verdict
from converters.parity.tolerances import BUILT_IN, Gate, Limit
from mobileseg.errors import BadInput
from mobileseg.files.schema import NAME as SHORT
from mobileseg.files.schema import TEXT, Unfit, entries, mapping
from mobileseg.files.untrusted import read_json, shown

NAME = "macos"  # of the file in evidence/
INFINITY = float("inf")
RETINA_OFF = 1e-6  # one division in float32
NO_NUMBER = (
    "max",
    "mean",
    "crop_off",
    "retina_off",
)  # figures that are null where Core ML gave NaN
TEXTS = ("date", "machine", "macos", "python", "coremltools")
# What is shown of it on a terminal, which obeys some characters.
SHOWN = entries(dict.fromkeys(TEXTS, SHORT) | {"failed": mapping(SHORT, TEXT)})


@dataclass(frozen=True, slots=True)
class MacParity:
    """One bundle, as a Mac answered."""

    bundle: str
    measured: dict[str, Any]  # the file's content, whole and of this artifact
    faults: list[str]  # every way in which an answer differs, in words

    @property
    def verdict(self) -> Verdict:
        """The file was run: it agrees or differs."""
        return Verdict.DIFFERS if self.faults else Verdict.AGREES


def read_mac_evidence(bundle: Bundle, file: Path, gate: Gate = BUILT_IN) -> MacParity:
    """Take in what a Mac measured on a bundle.

    Raises:
        BadInput: it is another artifact's, of another schema, or an entry or figure is missing or
            not what the script writes.
    """
    if bundle.target.name != "coreml":
        raise BadInput(f"{bundle.path}: found target {bundle.target.name}; expected coreml")
    values = read_json(file)
    schema = values.get("schema") if isinstance(values, dict) else "no object"
    if schema != SCHEMA:
        raise BadInput(
            f"{file}: found schema {shown(schema)}; expected {SCHEMA}, as verify_on_mac.py "
            "writes it"
        )
    remedy = "run the verify_on_mac.py of this very bundle"
    refuse_other_artifact(bundle, values.get("artifact_sha256"), file, remedy)
    for name in TEXTS:
        _entry(values, name, str, str(file))
    _entry(values, "failed", dict, str(file))
    units = _entry(values, "units", dict, str(file))
    if not {*units, *values["failed"]} or not {*units, *values["failed"]} <= set(UNITS):
        raise BadInput(
            f"{file}: found units {shown(sorted(units))}; expected some of {', '.join(UNITS)}"
        )
    try:
        SHOWN(values, "")
    except Unfit as error:
        raise BadInput(f"{file}: {error}; expected what verify_on_mac.py writes") from None
    limits = gate.limits[bundle.order.precision]
    faults = [f"{unit}: failed: {_line(why)}" for unit, why in sorted(values["failed"].items())]
    for unit in units:
        faults += _unit_faults(
            bundle, _entry(units, unit, dict, str(file)), f"{file}: {unit}", limits
        )
    return MacParity(str(bundle.path), values, faults)


def goldens(bundle: Bundle) -> list[str]:
    """Names of a bundle's goldens, from its manifest."""
    parts = (name.split("/") for name in bundle.manifest["files"])
    return sorted({p[1] for p in parts if p[0] == "goldens" and len(p) > 2})


def _unit_faults(
    bundle: Bundle, by_golden: dict[str, Any], where: str, limits: Mapping[str, Limit]
) -> list[str]:
    unit = where.rsplit(": ", 1)[1]
    found, flipped, pixels = [], 0, 0
    if others := sorted(set(by_golden) - set(goldens(bundle))):
        raise BadInput(f"{where}: found golden {shown(others[0])}; expected this bundle's alone")
    for golden in goldens(bundle):
        figures = _entry(by_golden, golden, dict, where)
        at = f"{where}, {golden}"
        if not _entry(figures, "finite", bool, at):
            found.append(f"{unit}, {golden}: not finite")
        flipped += int(_figure(figures, "flipped", at))
        pixels += int(_figure(figures, "pixels", at))
        for name, text, most in _limits(bundle, limits):
            value = _figure(figures, name, at)
            # `not (a <= b)`, so that NaN is a fault.
            if not value <= most:
                found.append(f"{unit}, {golden}: {text} {value:.3g}, at most {most:.3g}")
    if pixels < 1:
        raise BadInput(f"{where}: found {pixels} pixels; expected the goldens' own")
    most = limits["flipped"].most
    if not flipped <= most * pixels:
        share = flipped / pixels
        found.append(f"{unit}: share of flipped mask pixels {share:.3g}, at most {most}")
    return found


def _limits(bundle: Bundle, limits: Mapping[str, Limit]) -> list[tuple[str, str, float]]:
    """Figure, its name for people, and its limit; those that this file's answer has."""
    order = bundle.order
    asked = []
    if order.head == "probabilities":
        asked = [
            ("max", "max |Δp|", limits["apple"].most),
            ("mean", "mean |Δp|", limits["mean"].most),
        ]
    if order.whole:
        asked += [
            ("crop_off", "crop off by pixels", 0.0),
            ("retina_off", "retina share off by", RETINA_OFF),
        ]
    if bundle.manifest["quality"] is not None:
        asked.append(("quality_off", "quality off by", limits["quality_written"].most))
    return asked


def _line(text: str) -> str:
    """What a terminal shows and does not obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _figure(figures: dict[str, Any], name: str, where: str) -> float:
    """A number; NaN where the file says that it was none."""
    if name not in figures:
        raise BadInput(f"{where}: no figure {name!r}; expected what verify_on_mac.py writes")
    value = figures[name]
    if value is None and name in NO_NUMBER:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < INFINITY:
        raise BadInput(f"{where}: found {name} {shown(value)}; expected a number, 0 or above")
    return float(value)


def _entry(values: dict[str, Any], name: str, kind: type, where: str) -> Any:
    if not isinstance(values.get(name), kind):
        raise BadInput(
            f"{where}: no entry {name!r} of kind {kind.__name__}; expected what verify_on_mac.py "
            "writes"
        )
    return values[name]
