"""The targets as data: what each is called, what it makes, what it can do.

A target is a file of its own that nothing imports by name but this table; its toolkit is imported
inside its functions. A new target is a new file and a new row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mobileseg.errors import BadInput, UnknownName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from converters.deployable import Layout
    from mobileseg.runs import Run


@dataclass(frozen=True, slots=True)
class Answer:
    """What an artifact says of one frame; see `Deployable.forward`."""

    probabilities: NDArray[np.float32]  # (C, side, side)
    crop: NDArray[np.float32]  # (4,)
    retina: float


Runner = Callable[["NDArray[np.uint8]"], Answer]
"""(H, W, 3) uint8 RGB frame -> its answer, computed by a file opened from disk."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something read off a written file that must hold, whether or not the file can run here."""

    name: str
    holds: bool
    found: str


class Converter(Protocol):
    """What each target's module offers, as plain functions."""

    LAYOUT: Layout

    def why_not(self) -> str | None:
        """None if this machine can run the artifact, else the reason in one line."""

    def export(self, run: Run, frame_hw: tuple[int, int], precision: str, path: Path) -> None:
        """Write the artifact, preprocessing included."""

    def load(self, path: Path) -> Runner:
        """Open the artifact from disk: what parity checks is what ships."""

    def inspect(self, path: Path, run: Run, precision: str) -> list[Check]:
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
    precisions: tuple[str, ...]  # the first is the default
    extra: str | None  # of the pip package; None: needs nothing but torch

    def converter(self) -> Converter:
        """Its module; the toolkit itself is not imported yet."""
        module: Any = import_module(self.module)
        return module  # type: ignore[no-any-return]

    def precision(self, name: str | None) -> str:
        """The precision asked for, or the default.

        Raises:
            UnknownName: this target has none of that name.
        """
        if name is None:
            return self.precisions[0]
        if name not in self.precisions:
            raise UnknownName(f"{self.name} precision", name, self.precisions)
        return name


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("executorch", "converters.executorch_xnnpack", "model.pte", ("fp32",), "executorch"),
        Target("torchscript", "converters.torchscript_lite", "model.ptl", ("fp32",), None),
        Target(
            "coreml", "converters.coreml_program", "model.mlpackage", ("fp32", "fp16"), "coreml"
        ),
    )
}


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
