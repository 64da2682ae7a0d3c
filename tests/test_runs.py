"""Opening a run folder: what it says, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mobileseg.errors import BadInput, UnknownName
from mobileseg.models.build import build
from mobileseg.models.weights import save_weights
from mobileseg.run_config import EACH_ITS_OWN, Member, RunConfig
from mobileseg.runs import is_run, open_run
from mobileseg.spec import Normalisation, PreprocessSpec
from mobileseg.training.config import TrainConfig

CONFIG = RunConfig(
    variant="xs",
    task="EX,SE",
    preprocess=PreprocessSpec(side_px=96, frame_hw=(480, 640), crop="rectangle", finder=1),
    normalisation=Normalisation((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
    thresholds={"EX": 0.25, "SE": 0.1},
    training=TrainConfig(epochs=3, seed=8).to_json(),
    pictures={"train": ["a", "ö"], "validation": ["c"]},
)


def written(folder: Path, **changes: object) -> Path:
    """A folder with this config.json; an entry changed to None is left out."""
    values = {k: v for k, v in {**CONFIG.to_json(), **changes}.items() if v is not None}
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    """A run with fresh weights: nothing here depends on how good they are."""
    folder = written(tmp_path / "run")
    save_weights(build("xs", classes=2), folder / "best.safetensors")
    return folder


def test_a_config_survives_json():
    text = json.dumps(CONFIG.to_json(), allow_nan=False)
    assert RunConfig.from_json(json.loads(text), Path("config.json")) == CONFIG
    assert CONFIG.lesions == ("EX", "SE")
    other = json.loads(text) | {"variant": "s"}
    assert RunConfig.from_json(other, Path("c")) == replace(CONFIG, variant="s") != CONFIG


def test_a_plain_run_is_its_own_only_member():
    (member,) = CONFIG.members
    assert (member.variant, member.task) == ("xs", "EX,SE")
    assert member.normalisation == CONFIG.normalisation
    assert (member.name, member.weights_sha256) == ("", "")
    assert "members" not in CONFIG.to_json()


def test_an_ensembles_config_survives_json():
    members = (
        Member("xs", "SE", CONFIG.normalisation, "se", 64 * "a", {"seed": 1}, {}),
        Member("s", "MA", CONFIG.normalisation, "ma", 64 * "c", {}, {"train": ["b"]}),
    )
    config = replace(CONFIG, variant="xs,s", task="MA,SE", ensemble=members)
    text = json.dumps(config.to_json(), allow_nan=False)
    again = RunConfig.from_json(json.loads(text), Path("config.json"))
    assert again == replace(config, normalisation=EACH_ITS_OWN)
    assert again.lesions == ("MA", "SE") and again.members == members
    with pytest.raises(AttributeError):  # there is none that would be right
        _ = again.normalisation.mean


def test_a_trainings_choices_survive_json():
    choices = TrainConfig(epochs=7, lr=1e-3, schedule="cosine", mask_rule="any", split_seed=3)
    assert TrainConfig.from_json(json.loads(json.dumps(choices.to_json()))) == choices


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"epochs": 0}, "epochs 0: expected 1 or more"),
        ({"batch": -1}, "batch -1: expected 1 or more"),
        ({"lr": 0.0}, "lr 0.0: expected a number above 0"),
        ({"lr": float("nan")}, "lr nan: expected a number above 0"),
        ({"lr": float("inf")}, "lr inf: expected a number above 0"),
        ({"seed": -1}, "seed -1: expected 0 or more"),
        ({"split_seed": -2}, "split seed -2: expected 0 or more"),
        ({"schedule": "step"}, "no schedule 'step'; choose from plateau, cosine, cosine-step"),
        ({"target_scaling": "min"}, "no target scaling 'min'; choose from area, max"),
        ({"mask_rule": "most"}, "no mask rule 'most'; choose from half, any"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(wrong, text):
    with pytest.raises((BadInput, UnknownName)) as caught:
        TrainConfig(**wrong)
    assert str(caught.value) == text


def test_a_written_config_is_read_back(tmp_path):
    assert open_run(written(tmp_path / "run")).config == CONFIG


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(BadInput) as caught:
        open_run(tmp_path / "nowhere")
    assert str(caught.value).startswith(
        f"{tmp_path / 'nowhere'}: no such folder; "
        "expected a run folder as mobileseg train writes it, or a name of the runs that ship: "
    )


def test_a_folder_without_a_config_is_no_run(tmp_path):
    assert not is_run(tmp_path)
    with pytest.raises(BadInput, match=r"no config\.json in it; expected a run folder"):
        open_run(tmp_path)


@pytest.mark.parametrize(("schema", "found"), [(2, "2"), ("1", "'1'"), (None, "None")])
def test_another_schema_is_refused(tmp_path, schema, found):
    with pytest.raises(BadInput, match=rf"config\.json: found schema {found}; expected 1"):
        open_run(written(tmp_path / "run", schema=schema))


@pytest.mark.parametrize("text", ["[]", "null", "3"])
def test_json_that_is_no_object_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(BadInput, match=r"config\.json: found schema no object; expected 1"):
        open_run(tmp_path)


def test_a_damaged_config_is_named(tmp_path):
    folder = written(tmp_path / "run")
    path = folder / "config.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(BadInput, match=r"config\.json: cannot be read as JSON \("):
        open_run(folder)


@pytest.mark.parametrize("entry", [k for k in CONFIG.to_json() if k != "schema"])
def test_a_missing_entry_is_named(tmp_path, entry):
    with pytest.raises(BadInput) as caught:
        open_run(written(tmp_path / "run", **{entry: None}))
    assert str(caught.value) == (
        f"{tmp_path / 'run' / 'config.json'}: entry missing or of another kind ('{entry}'); "
        "expected a run's config"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": [0.5]},
        {"thresholds": {"EX": "high"}},
        {"normalisation": {"mean": 0.5, "sd": 0.5}},
        {"normalisation": {"mean": [0.5, 0.5, 0.5]}},
        {"preprocess": {"side_px": 96, "frame_hw": [64, 64], "zoom": 2}},
        {"preprocess": "default"},
        {"preprocess": {"side_px": 96.0, "frame_hw": [64, 64]}},
        {"preprocess": {"side_px": 96, "frame_hw": [64, 64, 64]}},
        {"preprocess": {"side_px": 96, "frame_hw": [64, 64], "crop": ["square"]}},
        {"preprocess": {"side_px": 96, "frame_hw": [64, 64], "retina_threshold": "25"}},
        {"preprocess": {"side_px": 96, "frame_hw": [64, 64], "clahe_tiles": 8.0}},
        {"normalisation": {"mean": [0.5, 0.5, 0.5], "sd": [0.5, 0.5]}},
        {"normalisation": {"mean": [0.5, 0.5, 0.5], "sd": [0.5, 0.5, 1e-300]}},
        {"normalisation": {"mean": [0.5, 0.5, "0.5"], "sd": [0.5, 0.5, 0.5]}},
        {"thresholds": {"EX": 1.5}},
        {"thresholds": {"XX": 0.5}},
        {"thresholds": {"EX": True}},
        {"variant": ["xs"]},
        {"variant": "x\ny"},
        {"task": {}},
        {"training": []},
        {"training": {"mask_rule": "most"}},
        {"training": {"mask_rule": "half", "protocol": ["clean"]}},
        {"training": {}},
        {"pictures": {"train": "abc", "validation": []}},
        {"pictures": {"train": [1], "validation": []}},
        {"pictures": {"train": []}},
        {"members": [{"variant": "xs"}]},
    ],
    ids=str,
)
def test_an_entry_of_another_kind_is_refused(tmp_path, wrong):
    with pytest.raises(BadInput, match=r"config\.json: entry missing or of another kind \(.+\)"):
        open_run(written(tmp_path / "run", **wrong))


@pytest.mark.parametrize("entry", ["variant", "task"])
def test_a_name_that_there_is_not_names_the_file_and_lists_the_choices(tmp_path, entry):
    with pytest.raises(BadInput, match=rf"config\.json: no {entry} 'other'; choose from "):
        open_run(written(tmp_path / "run", **{entry: "other"}))


@pytest.mark.parametrize("name", ["checkpoint.pth", "checkpoint.PT", "weights.ckpt", "noname"])
def test_a_pickled_checkpoint_is_told_from_a_run(tmp_path, name):
    torch.save({}, tmp_path / name)
    with pytest.raises(BadInput) as caught:
        open_run(tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path / name}: a pickled checkpoint, which can run code when opened and was not; "
        "expected safetensors in a run folder: docs/weights.md shows how to turn its numbers into "
        "one"
    )


def test_another_file_is_no_run_either(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(BadInput, match=r"notes\.txt: a file; expected a run folder"):
        open_run(tmp_path / "notes.txt")


def test_a_run_without_weights_opens_and_says_so_when_they_are_needed(run):
    (run / "best.safetensors").unlink()
    opened = open_run(run)
    with pytest.raises(BadInput, match=r"best\.safetensors"):
        _ = opened.network


def test_weights_that_are_no_numbers_are_refused_by_the_tensors_name(run):
    path = run / "best.safetensors"
    weights = load_file(path)
    weights["side.3.bias"][0] = torch.nan
    save_file(weights, path)
    with pytest.raises(BadInput) as caught:
        _ = open_run(run).network
    assert str(path) in str(caught.value)
    assert "side.3.bias" in str(caught.value)


def test_weights_of_another_variant_are_refused(run):
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"variant": "s"}))
    with pytest.raises(BadInput, match="is it of another variant or task"):
        _ = open_run(run).network


def test_a_runs_network_is_ready_to_use(run):
    network = open_run(run).network
    assert not network.training
    assert {t.dtype for t in network.parameters()} == {torch.float32}
