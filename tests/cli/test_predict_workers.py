"""`predict` by several processes: the same bytes, whoever is killed and however many there are."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from PIL import Image

from converters.predict.pool_local import LocalWorker
from mobileseg.cli import main
from mobileseg.data.phantom.generate import make_phantom

REPOSITORY = Path(__file__).parents[2]
LONGEST_S = 60
COUNT = 15  # one of them is no picture
BAD = "004.png"
# Not importorskip: what is set for Ray must be set before Ray is imported.
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="not run: ray is not installed"
)


def call(*arguments: object, cwd: Path) -> tuple[int, str, list[str]]:
    """Exit code, stdout, and the lines of stderr."""
    out, err = io.StringIO(), io.StringIO()
    given = ["mobileseg", "predict", *map(str, arguments)]
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as m:
        m.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as left:
            main()
    assert isinstance(left.value.code, int)
    return left.value.code, out.getvalue(), err.getvalue().splitlines()


# Ctrl-C is this process's own: a shell that runs tests in the background lets it be ignored.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mobileseg.cli import main
main()
"""


def started(*arguments: object, cwd: Path) -> subprocess.Popen[bytes]:
    """The command in a process of its own, that leads a group as a shell's command does.

    Not a fork of this one: threads of what it has imported may hold locks that no one frees there.
    """
    with (cwd / "said.txt").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "predict", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )


def records(folder: Path) -> int:
    try:
        done = [p for p in (folder / ".out.part" / "records").iterdir() if p.suffix == ".json"]
    except FileNotFoundError:  # also when it is moved away between two looks
        return 0
    return len(done)


def wait_for(folder: Path, count: int) -> None:
    until = time.monotonic() + LONGEST_S
    while records(folder) < count:
        assert time.monotonic() < until
        time.sleep(0.002)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def group(leader: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgid = stat.read_text().rpartition(") ")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pgid) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def gone(leader: int) -> bool:
    """Whether nothing of a group is left, within a few seconds."""
    until = time.monotonic() + 5
    while group(leader) and time.monotonic() < until:
        time.sleep(0.01)
    return not group(leader)


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny").path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "in"
    folder.mkdir()
    for n in range(COUNT):
        Image.fromarray(make_phantom(3, 128, index=n).picture).save(folder / f"{n:03}.png")
    (folder / BAD).write_bytes(b"not a picture")
    return folder


@pytest.fixture(scope="module")
def alone(run, pictures, tmp_path_factory) -> tuple[int, str, list[str], dict[str, bytes]]:
    """What one process says and writes."""
    folder = tmp_path_factory.mktemp("alone")
    return *call(run, pictures, "-o", "out", cwd=folder), contents(folder / "out")


def as_alone(folder: Path, alone, *arguments: object) -> list[str]:
    """Call it; what it says on stderr besides the picture that cannot be read."""
    code, out, said = call(*arguments, "-o", "out", cwd=folder)
    assert (code, out) == alone[:2], said
    assert contents(folder / "out") == alone[3]
    assert [p.name for p in folder.iterdir() if p.name != "said.txt"] == ["out"]
    (unread,) = alone[2]
    assert BAD in unread
    assert said.count(unread) == 1
    return [line for line in said if line != unread]


def kill_at_work(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """Kill the worker that is given a picture, the first few times."""
    predict, left = LocalWorker.predict, [None] * times

    def and_kill(self: LocalWorker, given: str, path: Path):
        future = predict(self, given, path)
        if given == name and left:
            left.pop()
            os.kill(self.process.pid or 0, signal.SIGKILL)
        return future

    monkeypatch.setattr(LocalWorker, "predict", and_kill)


def test_two_workers_one_of_which_is_killed_give_the_same_bytes(
    run, pictures, alone, tmp_path, monkeypatch
):
    kill_at_work(monkeypatch, "001", 1)
    (line,) = as_alone(tmp_path, alone, run, pictures, "--workers", 2)
    assert line == (
        f"mobileseg: {pictures / '001.png'}: the process at work on it was killed by SIGKILL; "
        "tried again in a new one"
    )


def test_stopped_and_killed_it_goes_on_with_any_number_of_workers(run, pictures, alone, tmp_path):
    given = (run, pictures, "-o", "out", "--workers", 2)
    child = started(*given, cwd=tmp_path)
    wait_for(tmp_path, 1)
    assert len(group(child.pid)) >= 3
    asked = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: all of them get it
    assert child.wait(LONGEST_S) == 130
    assert gone(child.pid)
    assert time.monotonic() - asked < 3
    kept = records(tmp_path)
    assert 1 <= kept < COUNT - 1
    said = (tmp_path / "said.txt").read_text().splitlines()
    stopped = f"out: stopped after {kept} of {COUNT} picture(s), which are kept; "
    assert [line for line in said if line and BAD not in line] == [
        f"{stopped}the same command goes on",
        "mobileseg: stopped",
    ]
    child = started(*given, cwd=tmp_path)
    wait_for(tmp_path, kept + 1)
    child.kill()
    child.wait(LONGEST_S)
    assert gone(child.pid)  # the workers went with it
    assert not (tmp_path / "out").exists()
    kept = records(tmp_path)
    (line,) = as_alone(tmp_path, alone, run, pictures)
    assert line == f"out: goes on after {kept} of {COUNT} picture(s)"


@pytest.fixture
def ray_here() -> Iterator[str]:
    """The address of a cluster of two cores."""
    from mobileseg.study.engine_ray import SETTINGS, STORE_BYTES

    with pytest.MonkeyPatch.context() as m:
        for name, value in SETTINGS.items():
            m.setenv(name, value)
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 2, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=node)
        try:
            yield cluster.address
        finally:
            cluster.shutdown()


@needs_ray
def test_two_workers_on_ray_give_the_same_bytes(run, pictures, alone, tmp_path, ray_here):
    given = ("--engine", "ray", "--address", ray_here)
    assert as_alone(tmp_path, alone, run, pictures, *given, "--workers", 2) == []


def test_without_ray_the_extra_is_named(run, pictures, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, (line,) = call(run, pictures, "-o", "out", "--engine", "ray", cwd=tmp_path)
    assert code == 2
    assert line.startswith("mobileseg: ray is not installed and this needs it; install the extra")
    assert "mobileseg[cluster]" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--workers", "0"), "'--workers': 0 is not in the range x>=1"),
        (("--workers", "x"), "'--workers': 'x' is not a valid integer range"),
        (("--address", "head:6379"), "--address head:6379: found --engine local; expected"),
    ],
)
def test_numbers_and_places_that_make_no_sense_are_refused(run, pictures, tmp_path, given, text):
    code, _, (line,) = call(run, pictures, "-o", "out", *given, cwd=tmp_path)
    assert (code, text in line) == (2, True), line
