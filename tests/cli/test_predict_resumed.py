"""`predict` over many pictures: killed, stopped, out of room, it goes on; its memory stays flat."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mobileseg.cli import main
from mobileseg.data.phantom.generate import make_phantom

REPOSITORY = Path(__file__).parents[2]
MANY = 70
FEW = 8
COMMAND = [sys.executable, "-c", "from mobileseg.cli import main; main()", "predict"]


def start(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, list[str]]:
    """Exit code, stdout, and the lines of stderr."""
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err.splitlines()


def call(*arguments: object, cwd: Path) -> tuple[int, str, list[str]]:
    """The command in this process, which has the heavy packages; as `finish` says it."""
    out, err = io.StringIO(), io.StringIO()
    given = ["mobileseg", "predict", *map(str, arguments)]
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as m:
        m.setattr(sys, "argv", given)
        with pytest.raises(SystemExit) as left:
            main()
    assert isinstance(left.value.code, int)
    return left.value.code, out.getvalue(), err.getvalue().splitlines()


def records(folder: Path) -> int:
    """How many pictures are done; 0 before the first, and once the whole has its place."""
    try:
        done = [p for p in (folder / ".out.part" / "records").iterdir() if p.suffix == ".json"]
    except FileNotFoundError:  # also when it is moved away between two looks
        return 0
    return len(done)


def wait_for(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    until = time.monotonic() + 60
    while records(folder) < count:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny").path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Small phantoms, every one another, and one file that is no picture among them."""
    folder = tmp_path_factory.mktemp("pictures") / "in"
    folder.mkdir()
    phantom = make_phantom(3, 160, aspect=1.25).picture
    for n in range(MANY - 1):
        turned = np.roll(np.rot90(phantom, n % 4), n, axis=1)
        Image.fromarray(turned).save(folder / f"{n:03}.png", compress_level=1)
    (folder / "003_bad.png").write_bytes(b"not a picture")
    return folder


@pytest.fixture(scope="module")
def few(pictures, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("few") / "in"
    folder.mkdir()
    for path in sorted(pictures.iterdir())[:FEW]:
        shutil.copy(path, folder / path.name)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(run, few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    code, out, err = call(run, few, "-o", "out", cwd=folder)
    assert code == 1, err
    return out, err, contents(folder / "out")


def resident_mb(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="not run: /proc tells the memory")
def test_memory_is_flat_over_many_pictures_and_the_bad_one_is_reported(run, pictures, tmp_path):
    process = start(run, pictures, "-o", "out", cwd=tmp_path)
    taken: dict[int, float] = {}
    while process.poll() is None:
        done = records(tmp_path)
        if done and done not in taken:
            taken[done] = resident_mb(process)
        time.sleep(0.005)
    code, out, err = finish(process)
    assert code == 1
    (line,) = err
    assert line.startswith(f"mobileseg: {pictures / '003_bad.png'}: cannot be read as a picture (")
    assert f"out: {MANY - 1} overlay(s), 1 picture(s) could not be read. " in out
    whole = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [bad["picture"] for bad in whole["unreadable"]] == [str(pictures / "003_bad.png")]
    assert len(whole["pictures"]) == MANY - 1
    early = [mb for done, mb in taken.items() if 10 <= done < 30]  # warmed up by then
    late = [mb for done, mb in taken.items() if MANY - 30 <= done < MANY and mb]
    assert len(early) > 3 and len(late) > 3
    assert max(late) < 1.1 * min(early), (early, late)


def test_killed_and_restarted_it_goes_on_and_the_result_is_the_same(
    run, few, make_run, uninterrupted, tmp_path
):
    out, err, whole = uninterrupted
    first = start(run, few, "-o", "out", cwd=tmp_path)
    wait_for(first, tmp_path, 3)
    first.send_signal(signal.SIGSTOP)  # so that it is at work for sure
    code, _, said = call(run, few, "-o", "out", cwd=tmp_path)
    assert (code, len(said)) == (2, 1)
    assert said[0].startswith(f"mobileseg: out: process {first.pid} on ")
    first.kill()
    first.communicate()
    assert not (tmp_path / "out").exists()
    kept = records(tmp_path)
    other = make_run(tmp_path.parent / f"{tmp_path.name}-other", seed=1).path
    code, _, said = call(other, few, "-o", "out", cwd=tmp_path)
    assert (code, said) == (
        2,
        [
            f"mobileseg: out: found {kept} result(s) of a stopped run in .out.part with another "
            "best.safetensors, config.json, model; go on with what it was begun with, "
            "add --force to throw them away, or choose another place"
        ],
    )
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / ".out.part" / "new").iterdir()}
    again, printed, said = call(run, few, "-o", "out", cwd=tmp_path)
    assert (again, printed, contents(tmp_path / "out")) == (1, out, whole)
    assert said == [f"out: goes on after {kept} of {FEW} picture(s)", *err]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    not_again = [name for name in before if before[name] == after.get(name)]
    assert len(not_again) >= kept >= 3


def test_ctrl_c_keeps_what_is_done_and_changed_pictures_are_done_again(
    run, few, uninterrupted, tmp_path
):
    *_, whole = uninterrupted
    own = tmp_path / "in"
    shutil.copytree(few, own)
    first = start(run, "in", "-o", "out", cwd=tmp_path)
    wait_for(first, tmp_path, 3)
    first.send_signal(signal.SIGINT)
    code, _, said = finish(first)
    kept = records(tmp_path)
    assert code == 130
    assert said[-1] == "mobileseg: stopped"
    assert (
        f"out: stopped after {kept} of {FEW} picture(s), which are kept; the same command goes on"
    ) in said
    Image.fromarray(np.roll(np.asarray(Image.open(own / "001.png")), 40)).save(own / "000.png")
    code, _, said = call(run, "in", "-o", "out", cwd=tmp_path)
    assert code == 1
    again = f"out: goes on after {kept - 1} of {FEW} picture(s); 1 changed since and are done again"
    assert said[0] == again
    now = contents(tmp_path / "out")
    assert now["000-overlay.png"] != whole["000-overlay.png"]
    assert now["001-overlay.png"] == whole["001-overlay.png"]


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"not run: no small disk can be mounted ({error})")
    if done.returncode:
        pytest.skip(f"not run: no small disk can be mounted ({done.stderr.strip()})")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(
    run, few, uninterrupted, small_disk
):
    code, out, said = call(run, few, "-o", "out", cwd=small_disk)
    kept = records(small_disk)
    assert (code, out) == (2, "") and 0 < kept < FEW
    assert said[-1] == (
        f"mobileseg: out: cannot be written (the disk is full); {kept} result(s) are kept in "
        ".out.part: mend that, and the same command goes on"
    )
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    code, _, said = call(run, few, "-o", "out", cwd=small_disk)
    assert (code, said[0]) == (1, f"out: goes on after {kept} of {FEW} picture(s)")
    assert contents(small_disk / "out") == uninterrupted[2]


def test_names_are_kept_apart_and_short_whatever_the_files_are_called(run, few, tmp_path):
    """A Mac's disk takes Eye for eye; a name of 255 bytes leaves no room for an ending."""
    for name in ("Eye.png", "b/eye.png", f"{'ä' * 125}.png", os.fsdecode(b"\xff\xfe.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(few / "000.png", tmp_path / name)
    names = sorted(p for p in tmp_path.rglob("*.png"))
    code, printed, said = call(run, *names, "-o", "out", cwd=tmp_path)
    assert (code, said) == (0, [])
    rows = json.loads((tmp_path / "out" / "predictions.json").read_text())["pictures"]
    assert [row["name"] for row in rows] == ["Eye", "eye-2", "ä" * 100, r"\xff\xfe"]
    assert len(list((tmp_path / "out").glob("*-overlay.png"))) == len(rows) == 4
    assert len(printed.splitlines()) == 5
