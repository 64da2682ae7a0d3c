"""A program, evaluated operation after operation.

Constants are decoded and unpacked once, when it is opened. Each result is held against what the
program declares of it and rounded to its declared type. A value is let go after its last use, so
that the peak is what the widest place of the network needs.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping

import torch
from torch import Tensor

from converters.coreml.mil.arguments import Unsupported, Value
from converters.coreml.mil.operation import held
from converters.coreml.mil.package import Package
from converters.coreml.mil.parser import Plan, declared, main_block
from mobileseg.errors import BadInput


class Program:
    """A package's main function, ready to be evaluated.

    Raises:
        BadInput: an operation, argument or type is unknown here, nothing gives a value that is
            taken, or the weights file is damaged.
    """

    def __init__(self, package: Package) -> None:
        self.path = package.path
        try:
            function, block, system = main_block(package.spec)
            self.inputs = dict(declared(function.inputs, "an input"))
            self._plan = Plan(package.weights, system, dict(self.inputs))
            for op in block.operations:
                self._plan.take(op)
            lost = [name for name in block.outputs if name not in self._plan.types]
            if lost:
                raise Unsupported(f"nothing gives the output {', '.join(lost)}")
            self.outputs = {name: self._plan.types[name] for name in block.outputs}
            self._plan.let_go(self.outputs)
        except Unsupported as error:
            raise BadInput(f"{self.path}: {error}") from None

    @torch.inference_mode()
    def evaluate(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute.

        Args:
            given: a tensor for each of `inputs`.

        Returns:
            By name of the output, in the declared type.

        Raises:
            BadInput: an input does not fit, or a result is not what the program declares of it.
        """
        if set(given) != set(self.inputs):
            raise BadInput(f"{self.path}: takes {', '.join(self.inputs)}; found {', '.join(given)}")
        try:
            return self._evaluate(given)
        except Unsupported as error:
            raise BadInput(f"{self.path}: {error}") from None

    def _evaluate(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values: dict[str, Value] = {
            name: held(given[name], one, f"input {name}") for name, one in self.inputs.items()
        }
        every = ChainMap(values, self._plan.constants)
        for step in self._plan.steps:
            values |= step.results(every, self._plan.system)
            for name in step.unneeded:
                del values[name]
        found = {name: every[name] for name in self.outputs}
        return {name: value for name, value in found.items() if isinstance(value, Tensor)}
