"""The one module that ships: preprocessing, networks, sigmoid, calibration as a single graph.

Every target exports this and nothing else; they differ in how a frame comes in (`Layout`) and in
how CLAHE counts, not in what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from converters.options import Order
from mobileseg.models.ensemble import Ensemble
from mobileseg.models.grouped_ensemble import grouped
from mobileseg.models.platt import PlattScaling
from mobileseg.models.reparameterize import lean_members
from mobileseg.models.weights import fold_batch_norm
from mobileseg.platt import Calibration
from mobileseg.preprocess.graph import Preprocess
from mobileseg.quality.output import QualityOutput
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run
from mobileseg.spec import PreprocessSpec

INPUT = "frame"
OUTPUTS = ("probabilities", "crop", "retina")
QUALITY = "quality"  # the fourth, of runs that have it
GROUPED = "grouped"  # of an order's member_execution
NETWORK_INPUT = "enhanced"  # of graph "network", whose only output is the first of OUTPUTS


@dataclass(frozen=True, slots=True)
class Layout:
    """How a target hands a frame over."""

    channels_last: bool  # (1, H, W, 3) uint8, an app's bytes; else (1, 3, H, W) float32 0..255
    histogram: str  # see mobileseg.preprocess.clahe_graph
    sampling: str  # see mobileseg.preprocess.area_resize; "taps" takes the bytes


BYTES = Layout(channels_last=True, histogram="scatter", sampling="taps")
IMAGE = Layout(channels_last=False, histogram="matmul", sampling="matmul")


class Deployable(nn.Module):
    """Frame in, lesion probabilities out.

    Args:
        ensemble: the run's one network or several, each with its own normalisation.
        spec: frame and network size.
        layout: the target's.
        constants: of the calibration, in channel order; empty: there is none.
        quality: what makes the fourth output; None: there are three.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        spec: PreprocessSpec,
        layout: Layout = BYTES,
        constants: Sequence[Calibration] = (),
        quality: QualityOutput | None = None,
    ) -> None:
        super().__init__()
        self.spec, self.layout = spec, layout
        self.preprocess = Preprocess(spec, layout.histogram, layout.sampling)
        self.ensemble = ensemble
        self.calibration = PlattScaling(constants) if constants else None
        self.quality = quality
        self.eval()

    def forward(self, frame: Tensor) -> tuple[Tensor, ...]:
        """One frame.

        Args:
            frame: (1, H, W, 3) uint8 or (1, 3, H, W) float32 in 0..255, as `layout` says; RGB.

        Returns:
            probabilities: (1, C, side, side) float32, 0..1; exactly 0 outside the disc.
            crop: (1, 4) float32: left, top, width, height of the square in frame pixels.
            retina: (1, 1) float32: share of the square that is retina; 0: none found.
            quality: (1, C + K) float32, of runs that have it: each lesion's, then the values.
        """
        if self.quality is None:
            enhanced, crop, retina, disc = self.preprocess(frame)
            return self._probabilities(enhanced, disc), crop, retina
        seen = self.preprocess.look(frame)
        enhanced = self.preprocess.enhance(seen.levels, seen.disc)
        quality = self.quality(seen.levels, seen.disc, seen.round)
        return self._probabilities(enhanced, seen.disc), seen.crop, seen.retina, quality

    def _probabilities(self, enhanced: Tensor, disc: Tensor | None) -> Tensor:
        probabilities: Tensor = self.ensemble(enhanced)
        if self.calibration is not None:
            probabilities = self.calibration(probabilities)
        return probabilities if disc is None else probabilities * disc

    def example(self) -> Tensor:
        """A black frame of the right shape and type, to trace with."""
        height, width = self.spec.frame_hw
        if self.layout.channels_last:
            return torch.zeros(1, height, width, 3, dtype=torch.uint8)
        return torch.zeros(1, 3, height, width, dtype=torch.float32)


class NetworkAlone(nn.Module):
    """The same without what comes before the networks, for an app that preprocesses itself.

    Args:
        ensemble: the run's one network or several, each with its own normalisation.
        side_px: of the picture that they take.
        constants: of the calibration, as for `Deployable`: an app takes the same thresholds.
    """

    def __init__(
        self, ensemble: Ensemble, side_px: int, constants: Sequence[Calibration] = ()
    ) -> None:
        super().__init__()
        self.side_px = side_px
        self.ensemble = ensemble
        self.calibration = PlattScaling(constants) if constants else None
        self.eval()

    def forward(self, enhanced: Tensor) -> Tensor:
        """(1, 3, side, side) float32 RGB after CLAHE, 0..255 -> (1, C, side, side)."""
        probabilities: Tensor = self.ensemble(enhanced)
        return probabilities if self.calibration is None else self.calibration(probabilities)

    def example(self) -> Tensor:
        """A black picture of the right shape and type, to trace with."""
        return torch.zeros(1, 3, self.side_px, self.side_px)


def shipped_graph(
    run: Run, order: Order, layout: Layout, ensemble: Ensemble | None = None
) -> Deployable | NetworkAlone:
    """The graph that an order asks for.

    Args:
        ensemble: the networks, if others than the run's own in float32: quantized ones.

    Raises:
        BadInput: as for `deployable`.
    """
    if ensemble is None:
        ensemble = shipped_ensemble(run, order)
    constants = run.config.constants
    if order.whole:
        spec = run.config.preprocess.with_frame(order.frame_hw)
        return Deployable(ensemble, spec, layout, constants, quality_output(run.config))
    return NetworkAlone(ensemble, run.config.preprocess.side_px, constants)


def quality_output(config: RunConfig) -> QualityOutput | None:
    """What makes the fourth output; None where the run has no quality."""
    if config.quality is None:
        return None
    return QualityOutput(config.quality, config.lesions, config.preprocess.side_px)


def output_names(config: RunConfig) -> tuple[str, ...]:
    """What a whole graph gives, in its order."""
    return OUTPUTS if config.quality is None else (*OUTPUTS, QUALITY)


def shipped_ensemble(run: Run, order: Order, sides: str | None = None) -> Ensemble:
    """A run's networks in float32 as a file holds them.

    Args:
        sides: of `reparameterize.SIDES`: `lean` networks; None: batch norm folded, no more.
    """
    ensemble = run.ensemble
    slim = (
        cast(Ensemble, fold_batch_norm(ensemble))
        if sides is None
        else lean_members(ensemble, sides)
    )
    return grouped(slim) if order.member_execution == GROUPED else slim


def exported(graph: nn.Module) -> torch.export.ExportedProgram:
    """What `torch.export` makes of a shipped graph: where several toolkits begin."""
    return torch.export.export(graph, (cast(Any, graph).example(),), strict=False)


def exported_program(graph: nn.Module) -> Callable[[Tensor], Any]:
    """The same, for PyTorch to run."""
    return exported(graph).module()


def deployable(
    run: Run, frame_hw: tuple[int, int], layout: Layout = BYTES, *, folded: bool = True
) -> Deployable:
    """The whole graph of a run for frames of one size.

    Args:
        folded: batch norm folded into the convolutions: the same answer within float32's
            rounding, and lowering takes half as long.

    Raises:
        BadInput: the run's weights are missing or hold NaN, or the frame size is refused.
    """
    ensemble = cast(Ensemble, fold_batch_norm(run.ensemble)) if folded else run.ensemble
    spec = run.config.preprocess.with_frame(frame_hw)
    return Deployable(ensemble, spec, layout, run.config.constants, quality_output(run.config))
