"""Imports go down only, and the command line starts without the heavy packages.

    cli -> converters, report, study -> training, ensembling -> evaluation, quantization -> runs
        -> models, data, quality -> preprocess -> errors, lesions, protocols, spec, files

A module imports from below or from its own package. `mobileseg/__init__.py` is a facade: it may
reach up, but not before it is asked.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mobileseg.cli import VERBS

REPOSITORY = Path(__file__).parent.parent
FACADE = "mobileseg"

RANKS = {
    "mobileseg.version": 0,
    "mobileseg.errors": 0,
    "mobileseg.lesions": 0,
    "mobileseg.protocols": 0,
    "mobileseg.spec": 0,
    "mobileseg.files": 0,
    "mobileseg.platt": 0,
    "mobileseg.models": 1,
    "mobileseg.data": 1,
    "mobileseg.preprocess": 1,
    "mobileseg.quality": 1,
    "mobileseg.run_config": 2,
    "mobileseg.runs": 3,
    "mobileseg.evaluation": 4,
    "mobileseg.quantization": 4,
    "mobileseg.training": 5,
    "mobileseg.ensembling": 5,
    "converters": 6,
    "mobileseg.report": 6,
    "mobileseg.study": 6,
    "mobileseg.cli": 7,
}
BESIDE = {("mobileseg.data", "mobileseg.preprocess")}  # of one rank, and only this way round
# A folder a target: each knows one toolkit. What converters.targets names beyond is found too.
TARGET_FOLDERS = {
    "converters.executorch",
    "converters.torchscript",
    "converters.coreml",
    "converters.onnx",
}
# Executorch's Core ML delegate is a Core ML package inside.
SHARED = {
    ("converters.executorch.coreml", "converters.coreml.reproducible"),
    ("converters.executorch.coreml_delegate", "converters.coreml.checks"),
}
TOOLKITS = {
    "executorch",
    "coremltools",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "cryptography",
}  # imported inside functions, everywhere
HEAVY = {"torch", "numpy", "cv2"}  # `--help` must not wait for these


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's target."""

    name: str  # dotted; of `from a import b` it is a.b, which may be no module
    at_import: bool  # runs when its module is imported, so neither in a function nor for types
    line: int


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *filter(None, [node.module])])
    return [f"{base}.{alias.name}" for alias in node.names]


def imports(source: str, package: str) -> Iterator[Import]:
    """Every import of a module, functions and type checks included."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _targets(node, package):
                yield Import(name, at_import, node.lineno)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            at_import = False
        if isinstance(node, ast.If) and _is_for_types(node):
            for child in node.body:
                yield from walk(child, False)
            for child in node.orelse:
                yield from walk(child, at_import)
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_import)

    return walk(ast.parse(source), True)


def layer(name: str) -> str | None:
    """The row of RANKS that a dotted name belongs to; None: not ours."""
    parts = name.split(".")
    if parts[0] == "converters":
        return "converters"
    return ".".join(parts[:2]) if parts[0] == FACADE else None


def is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def may_import(above: str, below: str) -> bool:
    """Whether a module of one layer may import one of the other."""
    if above == below or (above, below) in BESIDE:
        return True
    ranks = RANKS[above], RANKS[below]
    return ranks[0] > ranks[1] or ranks == (0, 0)


def _other_target(module: str, name: str, folders: set[str]) -> str | None:
    """The target's folder that a name is of, if a module of another target may not take it."""
    if any(module == above and is_within(name, below) for above, below in SHARED):
        return None
    own = [folder for folder in folders if is_within(module, folder)]
    others = [folder for folder in folders if is_within(name, folder) and folder not in own]
    return others[0] if own and others else None


def _fault(module: str, found: Import, target_folders: set[str]) -> str | None:
    """What is wrong with one import, or None."""
    package, below, above = found.name.split(".")[0], layer(found.name), layer(module)
    if found.at_import and package in TOOLKITS:
        return f"imports {package} before it is needed"
    if found.at_import and above == "mobileseg.cli" and package in HEAVY:
        return f"imports {package} before it is needed"
    if other := _other_target(module, found.name, target_folders):
        return f"is of a target and imports another, {other}"
    if below is None or below == f"{FACADE}.version":
        return None
    if below in (FACADE, f"{FACADE}.__version__", f"{FACADE}.load"):
        return "imports the front door, which imports everybody"
    if above == FACADE:
        return f"imports {found.name} before it is asked" if found.at_import else None
    if below not in RANKS or above not in RANKS:
        return f"imports {found.name}: {above} or {below} has no rank in this test"
    return None if may_import(above, below) else f"imports {found.name}, which is not below it"


def faults(module: str, source: str, *, package: str = "", targets: set[str]) -> list[str]:
    """Every import of a module that breaks a rule, in words."""
    package = package or module.rpartition(".")[0]
    found = ((i, _fault(module, i, targets)) for i in imports(source, package))
    return [f"{module}, line {i.line}: {fault}" for i, fault in found if fault]


def all_files() -> list[Path]:
    return sorted(p for name in (FACADE, "converters") for p in (REPOSITORY / name).rglob("*.py"))


def module_and_package(path: Path) -> tuple[str, str]:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    package = ".".join(parts[:-1])
    return (package, package) if parts[-1] == "__init__" else (".".join(parts), package)


def target_folders() -> set[str]:
    """The known targets' folders and those of the modules that the table names."""
    table = REPOSITORY / "converters" / "targets.py"
    if not table.is_file():
        return TARGET_FOLDERS
    constants = (
        n.value for n in ast.walk(ast.parse(table.read_text())) if isinstance(n, ast.Constant)
    )
    named = {c for c in constants if isinstance(c, str) and c.startswith("converters.")}
    modules = {c for c in named if c.replace(".", "").isidentifier()}
    return TARGET_FOLDERS | {module.rpartition(".")[0] for module in modules}


@pytest.mark.parametrize("path", all_files(), ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_a_module_imports_from_below_only(path: Path) -> None:
    if not path.is_file():
        pytest.skip("not run: the file has gone since the tests were collected")
    module, package = module_and_package(path)
    found = faults(
        module, path.read_text(encoding="utf-8"), package=package, targets=target_folders()
    )
    assert not found, "\n".join(found)


def test_every_module_has_a_rank() -> None:
    layers = {layer(module_and_package(path)[0]) for path in all_files()}
    assert layers - {FACADE} <= set(RANKS)
    assert len(layers) > 5  # the files were found


def test_the_tables_targets_have_folders_of_their_own() -> None:
    targets = pytest.importorskip("converters.targets", reason="not run: no converters yet")
    assert {row.module.rpartition(".")[0] for row in targets.TARGETS.values()} == TARGET_FOLDERS


PLANTED = [
    ("mobileseg.models.build", "from mobileseg.training.trainer import Trainer", "not below it"),
    ("mobileseg.models.build", "import mobileseg.data.images", "not below it"),
    ("mobileseg.models.build", "from mobileseg import runs", "imports mobileseg.runs, which"),
    ("mobileseg.models.build", "from ..training import loop", "imports mobileseg.training.loop"),
    ("mobileseg.models.build", "def f():\n    import mobileseg.runs", "line 2: imports"),
    ("mobileseg.models.build", "class A:\n    from mobileseg import runs", "line 2: imports"),
    ("mobileseg.models.build", "if TYPE_CHECKING:\n    import mobileseg.runs", "line 2: imports"),
    ("mobileseg.models.build", "import mobileseg.strange", "has no rank in this test"),
    ("mobileseg.models.build", "from mobileseg import load", "imports the front door"),
    ("mobileseg.preprocess.graph", "from mobileseg.data.images import read_photo", "not below it"),
    ("mobileseg.evaluation.score", "import mobileseg.quantization.sensitivity", "not below it"),
    ("mobileseg.quantization.sensitivity", "import mobileseg.evaluation.score", "not below it"),
    ("mobileseg.training.trainer", "import converters.parity", "not below it"),
    ("mobileseg.spec", "from mobileseg.models import variants", "not below it"),
    ("converters.bundle.read", "from mobileseg.cli.console import remark", "not below it"),
    ("converters.coreml.converter", "import converters.torchscript.converter", "imports another"),
    ("converters.coreml.checks", "from converters import torchscript", "imports another"),
    ("converters.coreml.mil.model", "from ...onnx.converter import load", "imports another"),
    ("converters.executorch.coreml", "from converters.coreml import converter", "imports another"),
    ("converters.coreml.converter", "import coremltools as ct", "imports coremltools before"),
    ("converters.parity", "try:\n    import executorch.exir\nexcept ImportError: ...", "line 2"),
    ("mobileseg.cli.train", "import torch.nn", "imports torch before it is needed"),
    ("mobileseg.cli.train", "from numpy import array", "imports numpy before it is needed"),
    ("mobileseg.cli.train", "if 1 < 2:\n    import cv2", "line 2: imports cv2 before"),
    ("mobileseg", "from converters.predict.predictor import open_predictor", "before it is asked"),
    ("converters.bundle.read", "from mobileseg import __version__", "imports the front door"),
    ("mobileseg.cli.convert", "import mobileseg", "imports the front door"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "source", "text"), PLANTED)
def test_a_planted_violation_is_found(module: str, source: str, text: str) -> None:
    (found,) = faults(
        module, source, package="mobileseg" if module == FACADE else "", targets=TARGET_FOLDERS
    )
    assert found.startswith(f"{module}, line ")
    assert text in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mobileseg.models.build", "from mobileseg.models.u2net import U2Net"),
        ("mobileseg.models.build", "from .u2net import U2Net"),
        ("mobileseg.models.build", "import torch, mobileseg.errors"),
        ("mobileseg.data.prepared", "from mobileseg.preprocess.reference import preprocess"),
        ("mobileseg.spec", "from mobileseg.errors import BadInput"),
        (
            "mobileseg.cli.convert",
            "from mobileseg.version import __version__\nfrom converters.bundle.read import write",
        ),
        ("mobileseg.cli.convert", "def f():\n    import torch, numpy, cv2"),
        ("mobileseg.cli.convert", "if TYPE_CHECKING:\n    import numpy"),
        ("converters.bundle.read", "from converters.torchscript import converter"),
        ("converters.executorch.coreml", "from converters.coreml.reproducible import a"),
        ("converters.bundle.read", "from mobileseg.version import __version__"),
        ("mobileseg", "from mobileseg.version import __version__"),
        ("converters.coreml.converter", "def f():\n    import coremltools"),
        ("mobileseg", "if TYPE_CHECKING:\n    from converters.predict.predictor import Predictor"),
        ("mobileseg", "def load():\n    from converters.predict.predictor import open_predictor"),
    ],
)
def test_what_is_allowed_is_not_found(module: str, source: str) -> None:
    package = "mobileseg" if module == FACADE else ""
    assert faults(module, source, package=package, targets=TARGET_FOLDERS) == []


def heavy_after(statements: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded once it has run some statements."""
    probe = f"import sys\n{statements}\nprint('loaded:', *sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    return set(done.stdout.splitlines()[-1].removeprefix("loaded:").split())


def run_cli(*arguments: str) -> str:
    """Statements that run the command line and stay alive."""
    return (
        f"sys.argv = ['mobileseg', *{list(arguments)}]\n"
        "from mobileseg.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code == 0, stop.code"
    )


@pytest.mark.parametrize("statement", ["import mobileseg", "import mobileseg.cli"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert heavy_after(statement) == set()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("train", "--help")], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert heavy_after(run_cli(*arguments)) == set()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_can_be_imported_without_anything_heavy(verb: str) -> None:
    assert heavy_after(f"import mobileseg.cli.{verb.replace('-', '_')}") == set()


def test_the_probe_can_fail() -> None:
    assert heavy_after("import numpy") == {"numpy"}
    with pytest.raises(subprocess.CalledProcessError):
        heavy_after(run_cli("no-such-verb"))


def test_both_packages_come_from_one_place() -> None:
    """`converters` is a common word: another distribution of that name must not stand in."""
    if not (REPOSITORY / "converters").is_dir():
        pytest.skip("not run: no converters yet")
    where = "import converters, mobileseg; print(converters.__file__); print(mobileseg.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", where], capture_output=True, text=True, check=True, cwd="/"
    )
    converters, mobileseg = (Path(line).parent.parent for line in done.stdout.split("\n")[:2])
    assert converters == mobileseg
