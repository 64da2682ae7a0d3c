"""`mobileseg bench` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch

Mobileseg = Callable[..., CompletedProcess[str]]


@pytest.mark.skipif(torch.cuda.is_available(), reason="not run: this machine has a GPU")
def test_without_a_gpu_it_says_so_and_exits_3(mobileseg: Mobileseg, tmp_path: Path) -> None:
    done = mobileseg("bench", "--gpu", "-o", "gpu.json", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "no GPU: not run" in done.stdout + done.stderr
    rows = json.loads((tmp_path / "gpu.json").read_text())
    assert len(rows) == 12
    assert all("no GPU: not run" in row["not_measured"] for row in rows)
    assert {row["fps_paper"] for row in rows} >= {69.26, 22.94}
    again = mobileseg("bench", "--gpu", "--variant", "xs", "--add", "-o", "gpu.json", cwd=tmp_path)
    assert again.returncode == 3, again.stderr
    joined = json.loads((tmp_path / "gpu.json").read_text())
    assert len(joined) == 12  # those of xs stand for the earlier ones


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gpu", "xs-ex"], "--gpu: found a RUN or BUNDLE; expected none"),
        (["--add"], "--add: found no --gpu or no -o"),
        (["--sustained", "1"], "--sustained: found 0 models; expected one BUNDLE"),
        (["--gpu", "--part", "nothing"], "nothing"),
        (["nowhere"], "nowhere: no such folder"),
        (["--rounds", "1"], "--rounds"),
        (["--threads", "0"], "--threads"),
        (["--peer", "torch"], "no peer 'torch'; choose from PyTorch eager, torch.compile, LiteRT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_one_line(
    mobileseg: Mobileseg, tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = mobileseg("bench", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not any(tmp_path.iterdir())
