"""A `.mlpackage` folder: its manifest, the program in it, and its weights file.

Read without coremltools' own loader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from converters.coreml.mil.protobuf import specification
from converters.coreml.mil.weights_file import WeightsFile
from mobileseg.errors import BadInput
from mobileseg.files.atomic import read_json

MANIFEST, DATA = "Manifest.json", "Data"
WEIGHTS_ROOT = "@model_path/"  # the folder of the program's own file
BUNDLE_MARK = "model.json"  # what a bundle of ours holds; see converters/bundle/read.py


@dataclass(slots=True)
class Package:
    """An opened package."""

    path: Path
    program_file: Path
    spec: Any  # protobuf: CoreML.Specification.Model
    _weights: dict[str, WeightsFile] = field(default_factory=dict)

    def weights(self, name: str) -> WeightsFile:
        """A weights file by the name that the program has for it.

        Raises:
            BadInput: the name leads out of the package, or the file is missing or damaged.
        """
        if name not in self._weights:
            if not name.startswith(WEIGHTS_ROOT):
                raise BadInput(f"{self.path}: weights in {name!r}; expected {WEIGHTS_ROOT}…")
            below = self.program_file.parent.relative_to(self.path)
            file = _inside(self.path, str(below), name.removeprefix(WEIGHTS_ROOT))
            self._weights[name] = WeightsFile(file)
        return self._weights[name]

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by its path in the package."""
        files = sorted(p for p in self.path.rglob("*") if p.is_file())
        return {p.relative_to(self.path).as_posix(): p.stat().st_size for p in files}


def open_package(path: Path) -> Package:
    """Read manifest and program.

    Raises:
        BadInput: it is missing, no package, damaged, or of a kind other than ML program.
        MissingToolkit: coremltools, whose protobuf classes this needs, is not installed.
    """
    if (path / BUNDLE_MARK).is_file():
        raise BadInput(f"{path}: found a bundle; expected a package: pass {path}/model.mlpackage")
    if not path.exists():
        raise BadInput(f"{path}: no such package")
    if not (path / MANIFEST).is_file():
        raise BadInput(f"{path}: no {MANIFEST} in it; expected an .mlpackage folder")
    file = _program_file(path)
    spec = specification().Model()
    # There, because coremltools is; it has no types.
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        spec.ParseFromString(file.read_bytes())
    except DecodeError as error:
        raise BadInput(f"{file}: cannot be read as a Core ML model ({error})") from None
    kind = spec.WhichOneof("Type")
    if kind != "mlProgram":
        raise BadInput(f"{path}: found a model of kind {kind}; expected an ML program (mlProgram)")
    return Package(path, file, spec)


def _program_file(path: Path) -> Path:
    manifest = read_json(path / MANIFEST)
    try:
        items, root = manifest["itemInfoEntries"], manifest["rootModelIdentifier"]
        name = items[root]["path"]
    except (KeyError, TypeError):
        raise BadInput(
            f"{path / MANIFEST}: names no model; expected a package's manifest"
        ) from None
    file = _inside(path, DATA, str(name))
    if not file.is_file():
        raise BadInput(f"{file}: no such file; {MANIFEST} names it as the model")
    return file


def _inside(package: Path, folder: str, name: str) -> Path:
    """A file by its name in the package; neither `..` nor a link may lead out of it."""
    parts = PurePosixPath(name).parts
    file = package.joinpath(folder, *parts)
    if not parts or ".." in parts or not file.resolve().is_relative_to(package.resolve()):
        raise BadInput(f"{package}: found a file named {name!r}; expected one inside the package")
    return file
