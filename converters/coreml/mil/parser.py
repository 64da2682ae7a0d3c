"""A program's protobuf -> its constants, and its operations in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from converters.coreml.mil.arguments import Unsupported, Value
from converters.coreml.mil.constants import OpenWeights, constant
from converters.coreml.mil.dtypes import TensorType
from converters.coreml.mil.operation import Named, Step
from converters.coreml.mil.ops import operation

MAIN = "main"
SYSTEMS = {f"CoreML{n}": n + 10 for n in range(5, 9)}  # a function's opset -> its iOS
NAME = "name"  # the one attribute of an operation that is no argument
CONSTANT, UNPACKED = "const", "constexpr_"  # a kind, and how the names of others begin


def main_block(spec: Any) -> tuple[Any, Any, int]:
    """The main function, its block, and the release whose operations it uses.

    Raises:
        Unsupported: there is none, or of no release that is known here.
    """
    functions = spec.mlProgram.functions
    if MAIN not in functions:
        raise Unsupported(f"has functions {', '.join(sorted(functions)) or 'none'}; expected main")
    function = functions[MAIN]
    opset = function.opset
    if opset not in SYSTEMS or opset not in function.block_specializations:
        raise Unsupported(f"has operations {opset!r}; expected one of {', '.join(SYSTEMS)}")
    return function, function.block_specializations[opset], SYSTEMS[opset]


@dataclass(slots=True)
class Plan:
    """A program that has been read. Reading raises Unsupported for whatever is unknown here."""

    open_weights: OpenWeights
    system: int
    types: dict[str, TensorType] = field(default_factory=dict)  # of every value, by name
    constants: dict[str, Value] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def take(self, op: Any) -> None:
        """Make a constant of an operation, or a step."""
        outputs = declared(op.outputs, f"operation {op.type}: output")
        what = f"operation {op.type} (output {outputs[0][0] if outputs else 'none'})"
        if op.blocks or not outputs:
            raise Unsupported(f"{what} is control flow, which is unknown here")
        if {name for name, _ in outputs} & set(self.types):
            raise Unsupported(f"{what} gives a name that is there already")
        if op.type == CONSTANT:
            self._hold(op.attributes["val"], outputs[0][0], what)
            if self.types[outputs[0][0]] != outputs[0][1]:
                raise Unsupported(f"{what} is {self.types[outputs[0][0]]}, not {outputs[0][1]}")
            return
        row = operation(op.type, self.system)
        if row is None:
            raise Unsupported(f"{what} is unknown here, and nothing is guessed of it")
        step = Step(op.type, row, self._taken(op, what), outputs)
        step.check_types(self.types)
        self.types |= dict(outputs)
        if op.type.startswith(UNPACKED):
            self._unpack(step)
        else:
            self.steps.append(step)

    def _hold(self, value: Any, name: str, what: str) -> str:
        """A constant under a name."""
        try:
            self.types[name], self.constants[name] = constant(value, self.open_weights)
        except Unsupported as error:
            raise Unsupported(f"{what}: a constant {error}") from None
        return name

    def _taken(self, op: Any, what: str) -> dict[str, list[str]]:
        """Each argument's values by name; what is given in place becomes a constant."""
        taken: dict[str, list[str]] = {}
        for argument, given in op.inputs.items():
            taken[argument] = []
            for i, binding in enumerate(given.arguments):
                name = binding.name
                if binding.WhichOneof("binding") == "value":
                    name = self._hold(binding.value, f"{what}, {argument}, {i}", what)
                if name not in self.types:
                    raise Unsupported(f"{what} takes {name!r}, which nothing before it gives")
                taken[argument].append(name)
        for argument, value in op.attributes.items():
            if argument != NAME:
                taken[argument] = [self._hold(value, f"{what}, {argument}", what)]
        return taken

    def _unpack(self, step: Step) -> None:
        for names in step.taken.values():
            for name in names:
                if name not in self.constants:
                    raise Unsupported(f"{step} takes {name!r}, which is no constant")
        self.constants |= step.results(self.constants, self.system)

    def let_go(self, needed: Iterable[str]) -> None:
        """Note with each step which values nobody takes after it, and drop unpacked sources."""
        taken_later = {*needed, *self.constants}
        for step in reversed(self.steps):
            named = {name for names in step.taken.values() for name in names}
            named |= {name for name, _ in step.outputs}
            step.unneeded = sorted(named - taken_later)
            taken_later |= named
        used = {n for step in self.steps for names in step.taken.values() for n in names}
        self.constants = {n: v for n, v in self.constants.items() if n in used | set(needed)}


def declared(named: Any, what: str) -> list[Named]:
    """Names and types of values, from the protobuf."""
    try:
        return [(value.name, TensorType.of(value.type)) for value in named]
    except Unsupported as error:
        raise Unsupported(f"{what} {error}") from None
