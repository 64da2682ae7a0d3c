"""The targets as data: what each is called, what it makes, what it can do.

A target is a file of its own that nothing imports by name but this table; its toolkit is imported
inside its functions. A new target is a new file and a new row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from converters.options import Order
from mobileseg.errors import BadInput, UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from converters.deployable import Layout
    from mobileseg.runs import Run


@dataclass(frozen=True, slots=True)
class Answer:
    """What an artifact says of one frame; see `Deployable.forward`."""

    probabilities: NDArray[np.float32]  # (C, side, side)
    crop: NDArray[np.float32]  # (4,); of a network alone NaN: it saw no frame
    retina: float  # likewise
    quality: NDArray[np.float32] | None = None  # (C + K,); None: the run has none

    @classmethod
    def of(cls, outputs: Sequence[NDArray[Any]]) -> Self:
        """From a file's outputs: those of the whole graph, quality or not, or only the first."""
        import numpy as np

        if len(outputs) == 1:
            return cls(outputs[0][0], np.full(4, np.nan, np.float32), float("nan"))
        probabilities, crop, retina, *quality = outputs
        return cls(
            probabilities[0], crop[0], float(retina[0, 0]), quality[0][0] if quality else None
        )


Runner = Callable[["NDArray[Any]"], Answer]
"""Asks a file that was opened from disk. It takes (H, W, 3) uint8 RGB, a frame; of graph "network"
(3, side, side) float32 RGB, 0..255, the picture after CLAHE."""


Program = Callable[["Tensor"], Any]
"""A graph that PyTorch runs: takes and gives what `Deployable` or `NetworkAlone` does."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something read off a written file that must hold, whether or not the file can run here."""

    name: str
    holds: bool
    found: str


class Converter(Protocol):
    """What each target's module offers, as plain functions."""

    LAYOUT: Layout
    EVALUATION: str  # "": its own runtime runs the file here; else what does, for every verdict
    BLIND_TO: str  # and what that cannot see

    def why_not(self, order: Order) -> str | None:
        """None if this machine can run such an artifact, else the reason in one line."""

    def export(self, run: Run, order: Order, path: Path) -> None:
        """Write the artifact."""

    def load(self, path: Path) -> Runner:
        """Open the artifact from disk: what parity checks is what ships."""

    def graph(self, run: Run, order: Order) -> nn.Module:
        """The module that is exported, in float32; it answers probabilities."""

    def program(self, graph: nn.Module) -> Program:
        """That module, or its form in another precision, as the toolkit is handed it."""

    def rounded(self, run: Run, order: Order, path: Path) -> nn.Module | None:
        """It in the order's precision, as PyTorch computes that; None: in float32."""

    def inspect(self, path: Path, run: Run, order: Order) -> list[Check]:
        """Assert what can be read off the file itself."""

    def describe(self, path: Path) -> dict[str, Any]:
        """Figures of the written file, for people: operators, what is delegated."""

    def versions(self) -> dict[str, str]:
        """The exporting toolkit's packages and their versions."""


@dataclass(frozen=True, slots=True)
class Target:
    """A row of the table."""

    name: str  # as typed after --target
    module: str
    artifact: str  # file name inside a bundle
    extra: str | None  # of the pip package; None: needs nothing but torch
    choices: Mapping[str, Sequence[str]]  # field of `Order` -> its values; the first is the default
    several_frames: bool = False  # whether one file may take frames of several sizes

    def converter(self) -> Converter:
        """Its module; the toolkit itself is not imported yet."""
        module: Any = import_module(self.module)
        return module  # type: ignore[no-any-return]

    def order(self, frames: Sequence[tuple[int, int]], **asked: str | None) -> Order:
        """What was asked for, the rest by default.

        Args:
            frames: (H, W) in pixels.
            asked: a value by the name of its field in `Order`; None: not asked for.

        Raises:
            UnknownName: this target has no such value.
            BadInput: this target has no such choice at all, or takes frames of one size.
        """
        if len(frames) > 1 and not self.several_frames:
            raise BadInput(
                f"found {len(frames)} frame sizes; expected one: {self.name} takes one size"
            )
        chosen = {name: values[0] for name, values in self.choices.items()}
        for name, value in asked.items():
            if value is None:
                continue
            if name not in self.choices:
                able = [t.name for t in TARGETS.values() if name in t.choices]
                raise BadInput(f"target {self.name} has no choice of {name}; {_and(able)} has")
            if value not in self.choices[name]:
                raise UnknownName(f"{self.name} {name}", value, self.choices[name])
            chosen[name] = value
        return Order(tuple(frames), **chosen)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


GRAPHS = ("whole", "network")
MEMBER_EXECUTION = ("serial", "grouped")
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(
            "executorch",
            "converters.executorch.converter",
            "model.pte",
            "executorch",
            {
                "precision": ("fp32", "fp16", "int8"),
                "backend": ("xnnpack", "coreml", "vulkan"),
                "graph": GRAPHS,
                "member_execution": MEMBER_EXECUTION,
            },
        ),
        Target(
            "torchscript",
            "converters.torchscript.converter",
            "model.ptl",
            None,
            {"precision": ("fp32",), "graph": GRAPHS, "member_execution": MEMBER_EXECUTION},
        ),
        Target(
            "coreml",
            "converters.coreml.converter",
            "model.mlpackage",
            "coreml",
            {
                "precision": ("fp32", "fp16", "int8w", "pal8w", "pal6w"),
                "ios": ("16", "17", "18"),
                "head": ("probabilities", "labels", "masks"),
                "graph": GRAPHS,
                "member_execution": MEMBER_EXECUTION,
            },
            several_frames=True,
        ),
        Target(
            "onnx",
            "converters.onnx.converter",
            "model.onnx",
            "onnx",
            {"precision": ("fp32",), "graph": GRAPHS, "member_execution": MEMBER_EXECUTION},
        ),
    )
}
CHOICES = tuple(f.name for f in fields(Order) if f.name != "frames")


def target(name: str) -> Target:
    """Look a target up by name.

    Raises:
        UnknownName: there is none; lists the choices.
    """
    try:
        return TARGETS[name]
    except KeyError:
        raise UnknownName("target", name, TARGETS) from None


def artifact_size(path: Path) -> int:
    """Bytes of a file, or of all files in a package folder."""
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    if not path.is_file():
        raise BadInput(f"{path}: no such file; expected an artifact")
    return path.stat().st_size
