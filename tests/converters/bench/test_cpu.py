"""Files and peers take turns in processes of their own; what cannot run says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.bench import cpu as host
from converters.bench import engines as entrants
from converters.bench import interleaved as artifacts
from converters.bench.engines import REFERENCE, Entrant
from converters.bench.interleaved import Field, Pace, picture_for
from converters.bench.plot import draw
from converters.bench.process import Lane, LaneFailed
from converters.bench.results import FIELDS
from converters.bench.sustained import WINDOWS, sustained
from converters.options import Order
from mobileseg.runs import Run

MakeRun = Callable[..., Run]
# The quickest to write; the others differ in a row of a table.
FORMS = (("onnx", "fp32"), ("torchscript", "fp32"), ("executorch", "int8"))


def silent(text: str) -> None:
    del text


@pytest.fixture(scope="module")
def run(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("bench") / "tiny", seed=1)


@pytest.fixture(scope="module")
def rows(run: Run) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entrants, "FORMS", FORMS)
        peers = ("PyTorch eager", "LiteRT")
        return host.bench_run(run, ["network"], Pace(rounds=3), None, silent, peers).rows


def of(rows: list[dict[str, Any]], engine: str) -> dict[str, Any]:
    (found,) = [row for row in rows if row["engine"] == engine]
    return found


def test_every_row_has_every_field(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == 5
    for row in rows:
        assert set(FIELDS) <= set(row)
        assert row["variant"] == "xs" and row["side"] == 64 and row["threads"] == 1
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize("engine", [REFERENCE, "TorchScript", "PyTorch eager"])
def test_what_ran_has_times_memory_and_load(rows: list[dict[str, Any]], engine: str) -> None:
    row = of(rows, engine)
    assert row["not_measured"] is None
    assert 0 < row["p10_ms"] <= row["median_ms"] <= row["p90_ms"]
    assert row["calls"] == 3 * artifacts.CALLS
    assert row["load_ms"] > 0 and row["peak_mb"] > 0 and row["ratio_to_onnxruntime_fp32"] > 0


def test_the_reference_is_once_itself(rows: list[dict[str, Any]]) -> None:
    assert of(rows, REFERENCE)["ratio_to_onnxruntime_fp32"] == 1


def test_a_run_without_int8_form_says_how_to_get_one(rows: list[dict[str, Any]]) -> None:
    row = of(rows, "ExecuTorch")
    assert "mobileseg quantize" in row["not_measured"]
    assert row["median_ms"] is None


def test_a_peer_that_is_not_installed_is_named(rows: list[dict[str, Any]]) -> None:
    try:
        import litert_torch  # noqa: F401
    except ImportError:
        assert "litert_torch is not installed" in of(rows, "LiteRT")["not_measured"]
    else:
        assert of(rows, "LiteRT")["median_ms"] > 0


def damaged(run: Run, folder: Path) -> Entrant:
    folder.mkdir(exist_ok=True)
    artifact = folder / "model.onnx"
    artifact.write_bytes(b"no model")
    order = Order((run.config.preprocess.frame_hw,), graph="network")
    return Entrant(REFERENCE, order, run.path, "onnx", artifact)


def test_a_file_that_does_not_load_takes_nobody_with_it(run: Run, tmp_path: Path) -> None:
    order = Order((run.config.preprocess.frame_hw,), graph="network")
    eager = Entrant("PyTorch eager", order, run.path)
    field = Field([damaged(run, tmp_path), eager], Pace(rounds=2), silent)
    broken, fine = field.measure()
    assert "onnxruntime cannot load it" in broken["not_measured"]
    assert fine["median_ms"] > 0
    assert fine["ratio_to_onnxruntime_fp32"] is None  # of what did not run there is no ratio


def test_a_process_that_dies_is_a_reason(run: Run) -> None:
    order = Order((run.config.preprocess.frame_hw,), graph="network")
    entrant = Entrant("PyTorch eager", order, run.path)
    lane = Lane(entrant, picture_for(entrant), threads=1)
    lane.process.kill()
    with pytest.raises(LaneFailed, match="its process died with exit code -9"):
        lane.turn(1)


def test_a_sustained_run_tells_its_tenths(run: Run) -> None:
    order = Order((run.config.preprocess.frame_hw,), graph="network")
    row = sustained(Entrant("PyTorch eager", order, run.path), 0.01, 1, silent)
    assert len(row["windows_ms"]) == WINDOWS
    assert row["slowdown"] == row["windows_ms"][-1] / row["windows_ms"][0]


def test_the_picture_shows_files_that_have_a_score(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="no row has a time, an AUPR and a file"):
        draw(rows, tmp_path / "none.png")
    draw([row | {"aupr": 0.8} for row in rows], tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")
