"""TorchScript Lite: `model.ptl`, for apps that carry the older PyTorch mobile runtime.

Deprecated upstream. It is traced and frozen, and never passed through `optimize_for_mobile`: that
is dead in current PyTorch, and PyTorch 1.13's silently miscompiled this graph where it was not
frozen by a later one.

A runtime refuses a file, or fails in the middle of it, for an operator that it does not know or
that takes fewer arguments there. `operators.json` lists what the releases in the field
know (made by `benchmarks/torchscript_operators.py`); each written file is held against it.
"""

from __future__ import annotations

import io
import json
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import nn

from converters.deployable import BYTES, shipped_graph
from converters.options import Order
from converters.own_paths import OWN_PATHS
from converters.targets import Answer, Check, Runner
from mobileseg.errors import BadInput
from mobileseg.files.atomic import staged_file
from mobileseg.files.untrusted import said
from mobileseg.runs import Run

LAYOUT = BYTES
EVALUATION = BLIND_TO = ""
OLDEST, NEWEST = 4, 9  # bytecode versions that PyTorch 1.13 and 2.1 read (their versions.h)
KNOWN = Path(__file__).with_name("operators.json")
MANGLED = r"___torch_mangle_\d+"
FIRST = "___torch_mangle_0"
WRITERS_OWN = ("version", "byteorder", ".data/serialization_id")  # records of every new file
# What a file that was not stripped shows: where whoever converted keeps Python and this package.
HERE = (b"site-packages", *OWN_PATHS)


@contextmanager
def _deprecation_known() -> Iterator[None]:
    """Upstream says at every call that TorchScript is deprecated; the user chose it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message=".*torch.jit.*")
        yield


def why_not(order: Order) -> str | None:
    """PyTorch itself runs it."""
    return None


def export(run: Run, order: Order, path: Path) -> None:
    """Trace, freeze, write for the lite interpreter; the same run gives the same bytes."""
    frozen = program(graph(run, order))
    with _deprecation_known(), staged_file(path) as staged:
        staged.write_bytes(_anonymous(frozen._save_to_buffer_for_lite_interpreter()))


def graph(run: Run, order: Order) -> nn.Module:
    """The module that is traced."""
    return shipped_graph(run, order, LAYOUT)


def program(graph: nn.Module) -> Any:
    """Traced and frozen."""
    with _deprecation_known(), torch.no_grad():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            graph, cast(Any, graph).example(), check_trace=False
        )
        return torch.jit.freeze(traced)


def rounded(run: Run, order: Order, path: Path) -> nn.Module | None:
    """None: there is float32 alone."""
    return None


def _anonymous(written: bytes) -> bytes:
    """The same module without what a conversion leaves of itself.

    That is the temporary file's name, a table of the source files, with their paths here, that each
    line came from (`.debug_pkl`), and in the class's name how many this process had traced before.
    """
    reader = torch._C.PyTorchFileReader(io.BytesIO(written))
    into = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(into)
    for name in reader.get_all_records():
        if name.endswith(".debug_pkl") or name in WRITERS_OWN:
            continue
        record = reader.get_record(name)
        if name.endswith(".pkl"):
            record = _unnumbered(record)
        if name.endswith((".pkl", ".py")):
            record = re.sub(MANGLED.encode(), FIRST.encode(), record)
        writer.write_record(re.sub(MANGLED, FIRST, name), record, len(record))
    writer.write_end_of_file()
    return into.getvalue()


def _unnumbered(pickled: bytes) -> bytes:
    """Class names inside a pickle's strings, each of which begins with its length."""
    parts, done = [], 0
    for code, value, at in pickletools.genops(pickled):
        if code.name == "BINUNICODE" and re.search(MANGLED, str(value)):
            assert at is not None
            text = re.sub(MANGLED, FIRST, str(value)).encode()
            parts += [pickled[done : at + 1], len(text).to_bytes(4, "little"), text]
            done = at + 5 + len(str(value).encode())
    return b"".join([*parts, pickled[done:]])


def load(path: Path) -> Runner:
    """Open a `.ptl` with the lite interpreter.

    Raises:
        BadInput: the file is not one.
    """
    from torch.jit.mobile import _load_for_lite_interpreter

    try:
        with _deprecation_known():
            module = _load_for_lite_interpreter(str(path))  # type: ignore[no-untyped-call]
    except (RuntimeError, UnicodeDecodeError) as error:  # the latter of a name inside it
        raise BadInput(
            f"{path}: PyTorch cannot load it ({said(error)}); convert it again"
        ) from None

    @torch.no_grad()
    def run(picture: NDArray[Any]) -> Answer:
        try:
            outputs = module(torch.from_numpy(picture).unsqueeze(0))
        except RuntimeError as error:  # what the file asks for is looked at only here
            raise BadInput(
                f"{path}: PyTorch cannot run it ({said(error)}); convert it again"
            ) from None
        return Answer.of(
            [o.numpy() for o in (outputs if isinstance(outputs, tuple) else (outputs,))]
        )

    return run


def inspect(path: Path, run: Run, order: Order) -> list[Check]:
    """Bytecode and operators that the runtimes in the field can read and know."""
    from torch.jit.mobile import _get_model_bytecode_version

    called = operators(path)
    bytecode = _get_model_bytecode_version(str(path))
    with zipfile.ZipFile(path) as records:  # some of them packed
        traces = sum(records.read(name).count(mark) for name in records.namelist() for mark in HERE)
    return [
        Check(f"bytecode {OLDEST} to {NEWEST}", OLDEST <= bytecode <= NEWEST, str(bytecode)),
        *(_known_to(release, called) for release in known_operators()),
        Check("no path of the machine that converted", not traces, str(traces)),
    ]


def operators(path: Path) -> dict[str, int]:
    """The operators of a `.ptl` and with how many arguments each is called.

    Raises:
        BadInput: the file is not one.
    """
    from torch.jit.mobile import _get_model_ops_and_info

    try:
        found = _get_model_ops_and_info(str(path))  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{path}: PyTorch cannot read it ({reason}); convert it again") from error
    return {name: info.num_schema_args for name, info in sorted(found.items())}


@cache
def known_operators() -> dict[str, dict[str, tuple[int, int]]]:
    """By release of PyTorch: operator -> fewest and most arguments that a call may give."""
    known: dict[str, dict[str, tuple[int, int]]] = {}
    for releases, by_count in json.loads(KNOWN.read_text(encoding="utf-8")).items():
        for count, names in by_count.items():
            fewest, most = map(int, count.split("-"))
            for release in releases.split():
                table = known.setdefault(release, {})
                table |= {f"aten::{name}": (fewest, most) for name in names.split()}
    return dict(sorted(known.items()))


def _known_to(release: str, called: dict[str, int]) -> Check:
    """Whether a release of PyTorch can call all of these."""
    table = known_operators()[release]
    faults = []
    for name, arguments in called.items():
        if name not in table:
            faults.append(f"{name} is unknown")
        elif not table[name][0] <= arguments <= table[name][1]:
            fewest, most = table[name]
            faults.append(f"{name} with {arguments} arguments takes {fewest} to {most}")
    found = f"{len(called)} operators" if not faults else ", ".join(faults)
    return Check(f"PyTorch {release} knows every operator", not faults, found)


def describe(path: Path) -> dict[str, Any]:
    """Bytecode version of the written file and the operators it calls."""
    from torch.jit.mobile import _get_model_bytecode_version

    return {
        "bytecode": _get_model_bytecode_version(str(path)),
        "operators": list(operators(path)),
    }


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}
