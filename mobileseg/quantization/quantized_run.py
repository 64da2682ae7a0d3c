"""What a run knows about its int8 form: beside its weights, in the same folder.

    quantized.json         layers that stay float, ranges of all values, the gate and what it found,
                           and how the written file's own probabilities are calibrated
    quantized.safetensors  only after fine-tuning: the weights that learnt to live with rounding

The run's own weights stay what they are, so everything that takes a run takes a quantized one as
the float32 network that its int8 form is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256, write_json
from mobileseg.files.schema import (
    NAME,
    OBJECT,
    TEXT,
    Kind,
    Unfit,
    entries,
    kind,
    many,
    mapping,
    number,
)
from mobileseg.files.untrusted import read_json, shown
from mobileseg.models.ensemble import Ensemble, MemberNetwork
from mobileseg.models.weights import fold_batch_norm, read_tensors, refuse_misfit, write_tensors
from mobileseg.platt import Constants, constants_json, read_constants
from mobileseg.quantization.calibration import Ranges
from mobileseg.quantization.fake_quant import FakeQuantized
from mobileseg.quantization.layers import inside, refuse_unknown
from mobileseg.runs import WEIGHTS, Run

SCHEMA = 1
RECORD = "quantized.json"
TUNED = "quantized.safetensors"
PLATT = "probability_calibration"  # "calibration" there are the pictures behind the ranges
METHODS = ("ptq", "qat")
AGAIN = "quantize again"
LARGEST = 1e30  # of a value inside a network: squared, it is still no infinity in a double
MOST = 100_000  # sites or layers; the largest variant has under 2,000


def _range_kind() -> Kind:
    """Least and largest value, in this order."""
    ends = many(number(-LARGEST, LARGEST), 2, 2)
    ordered = kind("the smaller first", lambda value: value[0] <= value[1])

    def check(value: Any, name: str) -> None:
        ends(value, name)
        ordered(value, name)

    return check


FORM = entries(
    {
        "method": TEXT,
        "layers_float": many(NAME, 0, MOST),
        "ranges": many(mapping(NAME, _range_kind(), MOST), 0, 64),
        "calibration": many(NAME, 0, 1_000_000),
        "report": OBJECT,
    }
)


@dataclass(frozen=True)
class Quantized:
    """A run's int8 form."""

    method: str  # "ptq": the run's own weights; "qat": fine-tuned
    layers_float: tuple[str, ...]
    ranges: tuple[Ranges, ...]  # one per member
    networks: tuple[nn.Module, ...]  # one per member, batch norm folded, float32
    calibration: tuple[str, ...]  # names of the pictures behind the ranges
    report: dict[str, Any] = field(default_factory=dict)  # how it came about, for people
    constants: Constants = field(default_factory=dict)  # of its file's probabilities; {}: none

    def fake(self, run: Run, layers_float: Sequence[str] | None = None) -> Ensemble:
        """From the picture after CLAHE to probabilities, computing as if in int8.

        Args:
            layers_float: instead of its own.
        """
        return self._ensemble(run, [q.network() for q in self._quantized(run, layers_float)])

    def converted(self, run: Run) -> Ensemble:
        """The same as operations that a backend runs in int8."""
        return self._ensemble(run, [q.converted() for q in self._quantized(run, None)])

    def counts(self, run: Run) -> tuple[int, int]:
        """Quantized weights, and quantized values between layers, of all members."""
        pairs = [q.counts() for q in self._quantized(run, None)]
        return sum(weights for weights, _ in pairs), sum(values for _, values in pairs)

    def _quantized(self, run: Run, layers_float: Sequence[str] | None) -> list[FakeQuantized]:
        layers = self.layers_float if layers_float is None else tuple(layers_float)
        side = run.config.preprocess.side_px
        pairs = zip(self.networks, self.ranges, strict=True)
        return [FakeQuantized(network, ranges, side, layers) for network, ranges in pairs]

    @staticmethod
    def _ensemble(run: Run, networks: Sequence[nn.Module]) -> Ensemble:
        members = zip(run.config.members, networks, strict=True)
        return Ensemble([MemberNetwork(n, m.normalisation, m.task) for m, n in members]).eval()


def folded_networks(run: Run) -> tuple[nn.Module, ...]:
    """Every member with its batch norm folded, as int8 and all targets take it."""
    return tuple(fold_batch_norm(network) for network in run.networks)


def save_quantized(quantized: Quantized, run: Run, folder: Path) -> None:
    """Write a run's int8 form into a folder that holds the same weights."""
    if quantized.method == "qat":
        write_tensors(_side_by_side(quantized.networks).state_dict(), folder / TUNED)
    else:
        (folder / TUNED).unlink(missing_ok=True)
    write_json(
        folder / RECORD,
        {
            "schema": SCHEMA,
            "method": quantized.method,
            "layers_float": list(quantized.layers_float),
            "weights_sha256": sha256(run.path / WEIGHTS),
            "calibration": list(quantized.calibration),
            "report": quantized.report,
            **({PLATT: constants_json(quantized.constants)} if quantized.constants else {}),
            "ranges": [
                {site: list(ends) for site, ends in sorted(ranges.items())}
                for ranges in quantized.ranges
            ],
        },
    )


def is_quantized(run: Run) -> bool:
    return (run.path / RECORD).is_file()


def open_quantized(run: Run) -> Quantized:
    """Read a run's int8 form.

    Raises:
        BadInput: there is none, it is damaged, or it was made of other weights.
    """
    where = run.path / RECORD
    if not is_quantized(run):
        raise BadInput(
            f"{run.path}: has no {RECORD}; run mobileseg quantize, or name --data to calibrate"
        )
    values = read_json(where)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise BadInput(f"{where}: another schema than {SCHEMA}; quantize the run again")
    if values.get("weights_sha256") != sha256(run.path / WEIGHTS):
        raise BadInput(f"{where}: made of other weights than {WEIGHTS} beside it; quantize again")
    networks = folded_networks(run)
    try:
        FORM(values, "")
        quantized = Quantized(
            method=values["method"],
            layers_float=tuple(values["layers_float"]),
            ranges=tuple(_ranges(member) for member in values["ranges"]),
            networks=networks,
            calibration=tuple(values["calibration"]),
            report=values["report"],
            constants=read_constants(values, PLATT, run.config.lesions),
        )
    except Unfit as error:
        raise BadInput(f"{where}: entry missing or of another kind ({error}); {AGAIN}") from None
    if quantized.method not in METHODS or len(quantized.ranges) != len(networks):
        raise BadInput(
            f"{where}: found method {shown(quantized.method)} and ranges of "
            f"{len(quantized.ranges)} member(s); expected {' or '.join(METHODS)} and "
            f"{len(networks)}; {AGAIN}"
        )
    for layer in quantized.layers_float:  # members may be of different variants: one has to have it
        if not any(_has(network, layer) for network in networks):
            refuse_unknown(networks[0], [layer])
    if quantized.method == "qat":
        _load_tuned(_side_by_side(networks), run.path / TUNED)
    return quantized


def with_constants(run: Run, constants: Constants) -> dict[str, Any]:
    """What a run's `RECORD` says once its file's probabilities are calibrated so.

    Raises:
        BadInput: as for `open_quantized`.
    """
    open_quantized(run)
    values: dict[str, Any] = read_json(run.path / RECORD)
    return values | {PLATT: constants_json(constants)}


def in_precision(run: Run, precision: str) -> Run:
    """The run as a file of some precision answers: int8 has a calibration of its own, or none.

    All others have the run's. Compressed weights (Core ML's) too: they are made when a file is
    written, without pictures, and nothing but a Mac shows what they do to a probability.

    Raises:
        BadInput: int8, as for `open_quantized`.
    """
    if precision != "int8":
        return run
    constants = open_quantized(run).constants
    before = run.config.uncalibrated()
    return replace(run, config=before.calibrated(constants) if constants else before)


def _has(network: nn.Module, layer: str) -> bool:
    return any(inside(path, [layer]) for path, _ in network.named_modules())


def _ranges(values: dict[str, Any]) -> Ranges:
    return {site: (float(low), float(high)) for site, (low, high) in values.items()}


def _side_by_side(networks: Sequence[nn.Module]) -> nn.Module:
    return nn.ModuleDict({"members": nn.ModuleList(networks)})


def _load_tuned(networks: nn.Module, path: Path) -> None:
    try:
        found = read_tensors(path)
    except BadInput as error:
        raise BadInput(f"{error}; {AGAIN}") from None
    refuse_misfit(found, networks.state_dict(), str(path), AGAIN)
    networks.load_state_dict(found)


def tuned(networks: Sequence[nn.Module], weights: Sequence[dict[str, Tensor]]) -> None:
    """Put fine-tuned weights into folded networks."""
    for network, values in zip(networks, weights, strict=True):
        network.load_state_dict(values)
