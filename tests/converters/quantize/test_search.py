"""A run quantized end to end: written files, judged on labelled pictures, by a gate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from converters.quantize.report import finish, report
from converters.quantize.search import Outcome, first_inside, quantize_run
from converters.run_pictures import read_pictures
from mobileseg.data.phantom.generate import write_phantoms
from mobileseg.errors import BadInput
from mobileseg.quantization.gate import Gate
from mobileseg.quantization.quantized_run import open_quantized
from mobileseg.report.quantization import write_quantized_page
from mobileseg.runs import Run, open_run
from mobileseg.training.qat import FineTuning

pytest.importorskip("executorch", reason="not run: executorch is not installed")

TRAIN, VALIDATION = 8, 2
WIDE = Gate(max_aupr_drop=0.9, max_recall_drop=0.9)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "phantoms"
    write_phantoms(folder, count=15, side_px=128, seed=21)
    return folder


@pytest.fixture(scope="module")
def labelled_run(small_run, data) -> Run:
    """The small run, as if it had been trained on some of the phantoms."""
    path = small_run.path / "config.json"
    config = json.loads(path.read_text())
    names = [f"phantom_{i:02d}" for i in range(1, TRAIN + VALIDATION + 1)]
    config["pictures"] = {"train": names[:TRAIN], "validation": names[TRAIN:]}
    path.write_text(json.dumps(config))
    return open_run(small_run.path)


@pytest.fixture(scope="module")
def kept(labelled_run, data, tmp_path_factory) -> tuple[Outcome, Path]:
    """Fine-tuned for an epoch and searched, under a gate that holds for anything."""
    into = tmp_path_factory.mktemp("out")
    outcome = quantize_run(
        labelled_run,
        read_pictures(labelled_run, data),
        into,
        gate=WIDE,
        always_float=("outconv",),
        tuning=FineTuning(epochs=1),
    )
    return outcome, into


def test_the_fastest_candidate_inside_the_gate_is_taken(kept):
    outcome, _ = kept
    assert [f.name for f in outcome.files] == ["fp32", "int8", "int8 mixed"]
    assert outcome.chosen is outcome.files[2]
    assert outcome.chosen.layers_float == ("outconv",)  # what a person named, and nothing more
    whole, int8, mixed = (f.holds for f in outcome.files)
    assert whole.int8_convolutions == 0
    assert int8.int8_convolutions == int8.convolutions == mixed.int8_convolutions + 1
    assert set(outcome.laps) == {f.path.name for f in outcome.files}


def test_float32_loses_nothing_against_itself_and_every_layer_was_measured(kept, labelled_run):
    outcome, _ = kept
    (score,) = outcome.files[0].validation
    assert abs(score.aupr_drop) < 1e-6 and score.missed == () and score.pictures == VALIDATION
    assert "outconv" not in [c.layer for c in outcome.costs]
    assert len(outcome.costs) == 2 + 1 + 2  # stages down and up, sides
    assert outcome.test  # the phantoms have a test set: the result is stated on it


def test_the_record_is_whole_and_the_candidates_are_gone(kept, labelled_run, data):
    outcome, into = kept
    told = finish(outcome, read_pictures(labelled_run, data), WIDE, into)
    write_quantized_page(into, told)
    found = open_quantized(open_run(into))
    assert found.method == "qat" and len(found.calibration) == TRAIN
    assert not set(found.calibration) & set(labelled_run.config.pictures["validation"])
    assert {p.name for p in into.iterdir()} == {
        *("config.json", "best.safetensors", "quantized.json", "quantized.safetensors"),
        *("quantized.md", "quantized.png"),
    }
    assert told["decision"] in ("kept", "undecidable")
    assert told["data"] == "phantoms" and told["date"] and told["command"]
    page = (into / "quantized.md").read_text()
    assert "Not a medical device" in page and "| int8 mixed (chosen) |" in page


def test_a_file_counts_for_more_than_its_simulation(kept):
    """Simulated, the second and third set keep the gate; written, only the third does."""
    (score,) = kept[0].files[0].validation  # float32 against itself: no drop
    lost = replace(score, aupr_drop=0.9)
    gate, sets, asked = Gate(0.1, 0.9), [("a",), ("b",), ("c",)], []

    def written(layers_float):
        asked.append(layers_float)
        decision = gate.decide([lost if layers_float == ("b",) else score])[0]
        return replace(kept[0].files[0], layers_float=layers_float, decision=decision)

    found = first_inside(sets, gate, lambda s: [lost if s == ("a",) else score], written)
    assert found is not None and found.layers_float == ("c",)
    assert asked == [("b",), ("c",)]  # what breaks it in simulation costs no file
    assert first_inside(sets, gate, lambda _: [lost], written) is None


def test_a_gate_that_no_candidate_keeps_says_so(kept):
    outcome, _ = kept
    none = replace(outcome, chosen=None)
    assert report(none, Gate(0.0, 0.0))["decision"] == "broken"
    assert not any(file["chosen"] for file in report(none, Gate(0.0, 0.0))["files"])


def test_pictures_of_another_folder_are_refused(labelled_run, data, tmp_path):
    pictures = {"train": ["IDRiD_01"] * 8, "validation": ["IDRiD_02"]}
    other = replace(labelled_run, config=replace(labelled_run.config, pictures=pictures))
    wanted = r"found 0 of the 1 train pictures of .*; expected the folder"
    with pytest.raises(BadInput, match=wanted):
        quantize_run(other, read_pictures(other, data), tmp_path, gate=WIDE)
