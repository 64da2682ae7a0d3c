"""What is in a package, for people and machines: operations, types, inputs, outputs, sizes.

Read off the protobuf alone, so that a package whose operations are unknown to the evaluator can be
looked at too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from converters.coreml.mil.arguments import Unsupported
from converters.coreml.mil.dtypes import TensorType
from converters.coreml.mil.features import Feature, feature
from converters.coreml.mil.ops import operation
from converters.coreml.mil.package import Package
from converters.coreml.mil.parser import CONSTANT, main_block
from mobileseg.errors import BadInput


@dataclass(frozen=True, slots=True)
class Operations:
    """All operations of one kind."""

    kind: str
    count: int
    types: dict[str, int]  # type of what they give -> how many give it
    known: bool  # whether the evaluator can run it


@dataclass(frozen=True, slots=True)
class Summary:
    """A package."""

    system: int  # iOS
    specification: int
    operations: list[Operations]  # the most frequent first; constants apart
    constants: dict[str, int]  # type -> how many
    inputs: list[Feature]
    outputs: list[Feature]
    files: dict[str, int]  # path in the package -> bytes
    about: dict[str, str]  # author, licence, version, description

    def to_json(self) -> dict[str, Any]:
        return {
            "ios": self.system,
            "specification_version": self.specification,
            "operations": [
                {"kind": o.kind, "count": o.count, "types": o.types, "known": o.known}
                for o in self.operations
            ],
            "constants": self.constants,
            "inputs": [_feature(one) for one in self.inputs],
            "outputs": [_feature(one) for one in self.outputs],
            "files": self.files,
            "about": self.about,
        }


def _feature(one: Feature) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "holds": one.holds,
        "shapes": [list(shape) for shape in one.shapes],
        "text": one.text,
    }


def summary(package: Package) -> Summary:
    """Count and list.

    Raises:
        BadInput: it has no main function, or one of an unknown release.
    """
    try:
        _, block, system = main_block(package.spec)
    except Unsupported as error:
        raise BadInput(f"{package.path}: {error}") from None
    by_kind: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    for op in block.operations:
        counts[op.type] += 1
        types = by_kind.setdefault(op.type, Counter())
        types.update(_type_name(output.type) for output in op.outputs)
    constants = dict(by_kind.pop(CONSTANT, Counter()).most_common())
    description, meta = package.spec.description, package.spec.description.metadata
    return Summary(
        system,
        int(package.spec.specificationVersion),
        [
            Operations(k, counts[k], dict(types.most_common()), operation(k, system) is not None)
            for k, types in sorted(by_kind.items(), key=lambda row: (-counts[row[0]], row[0]))
        ],
        constants,
        [feature(one) for one in description.input],
        [feature(one) for one in description.output],
        package.sizes(),
        {
            "author": meta.author,
            "licence": meta.license,
            "version": meta.versionString,
            "description": meta.shortDescription,
        },
    )


def _type_name(declared: Any) -> str:
    try:
        return TensorType.of(declared).dtype.name
    except Unsupported:
        return "unknown"
