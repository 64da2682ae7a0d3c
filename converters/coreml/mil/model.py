"""A saved Core ML model, opened: what an app asks of it, asked on any system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from converters.coreml.mil.features import feature, from_tensor, to_tensor
from converters.coreml.mil.interpreter import Program
from converters.coreml.mil.package import Package, open_package
from mobileseg.errors import BadInput


class Model:
    """A package whose program can be evaluated here.

    Raises:
        BadInput: something in it is unknown here, or damaged.
    """

    def __init__(self, package: Package) -> None:
        self.package, self.path = package, package.path
        description = package.spec.description
        self.inputs = {one.name: feature(one) for one in description.input}
        self.outputs = {one.name: feature(one) for one in description.output}
        self.own = dict(description.metadata.userDefined)  # what it says of itself, by key
        self._program = Program(package)
        for said, there in (
            (self.inputs, self._program.inputs),
            (self.outputs, self._program.outputs),
        ):
            if not set(said) <= set(there):
                raise BadInput(
                    f"{self.path}: describes {', '.join(said)}; its program has {', '.join(there)}"
                )

    def predict(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Evaluate once.

        Args:
            given: by name of the input; of a picture (H, W, 3) or (H, W) uint8.

        Returns:
            By name of the output; of a picture uint8.

        Raises:
            BadInput: an input does not fit, or the program does not give what it declares.
        """
        where = str(self.path)
        if set(given) != set(self.inputs):
            raise BadInput(f"{where}: takes {', '.join(self.inputs)}; found {', '.join(given)}")
        tensors = {n: to_tensor(self.inputs[n], value, where) for n, value in given.items()}
        results = self._program.evaluate(tensors)
        return {n: from_tensor(one, results[n], where) for n, one in self.outputs.items()}


def open_model(path: Path) -> Model:
    """Open a package from disk.

    Raises:
        BadInput: it is missing, damaged, no ML program, or holds something unknown here.
        MissingToolkit: coremltools is not installed; its protobuf classes are needed.
    """
    return Model(open_package(path))
