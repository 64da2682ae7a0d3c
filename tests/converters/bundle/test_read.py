"""A bundle is whole, says so, and is refused as soon as one byte of it is another."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir

import pytest
import torch

from converters.bundle.evidence import write_evidence
from converters.bundle.read import artifact_sha256, open_bundle, write_bundle
from converters.predict.predictor import open_predictor
from converters.targets import TARGETS, Check, artifact_size, target
from converters.torchscript import converter as torchscript_lite
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files.atomic import read_json, write_json
from mobileseg.lesions import LESIONS
from mobileseg.runs import open_run

FRAME_HW = (128, 160)


def convert(run, into: Path, **given):
    row = given.pop("target", target("torchscript"))
    return write_bundle(run, into, target=row, order=row.order([FRAME_HW]), **given)


@pytest.fixture
def own(tiny_bundle, tmp_path) -> Path:
    """A copy to damage."""
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


@pytest.fixture
def no_loader(monkeypatch):
    """Whoever opens the artifact before the sums were checked fails the test."""

    def load(path: Path):
        pytest.fail(f"{path} was loaded")

    monkeypatch.setattr(torchscript_lite, "load", load)


@pytest.mark.parametrize("name", TARGETS)
def test_the_manifest_describes_what_the_file_takes_and_gives(name, bundles):
    manifest = read_json(bundles / name / "model.json")
    row = TARGETS[name]
    assert (manifest["schema"], manifest["target"]) == (3, name)
    assert (manifest["artifact"], manifest["precision"]) == (row.artifact, "fp32")
    assert (manifest["variant"], manifest["task"]) == ("xs", "EX")
    frame = {"tensor": [1, 1024, 1024, 3], "image": [1, 3, 1024, 1024]}[manifest["input"]["kind"]]
    assert manifest["input"]["shape"] == frame and manifest["input"]["order"] == "RGB"
    assert manifest["input"]["kind"] == ("image" if name == "coreml" else "tensor")
    assert manifest["outputs"] == [
        {"name": "probabilities", "shape": [1, 1, 128, 128], "dtype": "float32"},
        {"name": "crop", "shape": [1, 4], "dtype": "float32"},
        {"name": "retina", "shape": [1, 1], "dtype": "float32"},
    ]
    assert manifest["frames"] == [[1024, 1024]] and manifest["retina_threshold"] == 25
    assert manifest["preprocess"]["side_px"] == 128


@pytest.mark.parametrize("name", TARGETS)
def test_the_manifest_carries_the_runs_own_numbers(name, bundles, trained_run):
    manifest = read_json(bundles / name / "model.json")
    config = open_run(trained_run).config
    (member,) = manifest["members"]
    assert member["mean"] == list(config.normalisation.mean)
    assert member["sd"] == list(config.normalisation.sd)
    weights = (trained_run / "best.safetensors").read_bytes()
    assert member["weights_sha256"] == sha256(weights).hexdigest()
    assert manifest["lesions"] == [
        {
            "code": "EX",
            "names": {"en": "hard exudates", "de": "harte Exsudate"},
            "colour": list(LESIONS["EX"].colour),
            "threshold": config.thresholds["EX"],
            "calibration": None,
        }
    ]
    assert manifest["exporter"]["torch"] == torch.__version__


@pytest.mark.parametrize("name", TARGETS)
def test_every_shipped_file_is_listed_with_its_sum(name, bundles):
    folder = bundles / name
    listed = read_json(folder / "model.json")["files"]
    shipped = {
        p.relative_to(folder).as_posix(): p
        for p in folder.rglob("*")
        if p.is_file() and p.relative_to(folder).parts[0] not in ("model.json", "evidence")
    }
    assert set(listed) == set(shipped)
    for file, path in shipped.items():
        content = path.read_bytes()
        assert listed[file] == {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    assert {"MODEL_CARD.md", "reference/best.safetensors", "goldens/retina/frame.rgb"} <= set(
        listed
    )
    assert artifact_size(folder / TARGETS[name].artifact) > 200_000


def test_the_reference_is_the_run_itself(tiny_bundle, tiny_run):
    reference = open_bundle(tiny_bundle).reference()
    assert reference.config == tiny_run.config
    ours, theirs = tiny_run.network.state_dict(), reference.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_card_warns_and_names_the_threshold(tiny_bundle):
    card = (tiny_bundle / "MODEL_CARD.md").read_text()
    assert "Not a medical device" in card
    assert "| EX | hard exudates | 0.5000 |" in card
    assert "128×160" in card


def flip_a_byte(folder: Path) -> None:
    artifact = folder / "model.ptl"
    content = bytearray(artifact.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.write_bytes(content)


def lose_a_file(folder: Path) -> None:
    (folder / "goldens" / "black" / "expected.json").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "goldens" / "extra.txt").write_text("x")


def truncate_weights(folder: Path) -> None:
    weights = folder / "reference" / "best.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def edit_a_sum(folder: Path) -> None:
    manifest = read_json(folder / "model.json")
    manifest["files"]["MODEL_CARD.md"]["sha256"] = 64 * "0"
    write_json(folder / "model.json", manifest)


def other_schema(folder: Path) -> None:
    write_json(folder / "model.json", read_json(folder / "model.json") | {"schema": 4})


def no_object(folder: Path) -> None:
    write_json(folder / "model.json", [1])


def no_json(folder: Path) -> None:
    (folder / "model.json").write_text('{"schema": 1, ')


def no_manifest(folder: Path) -> None:
    (folder / "model.json").unlink()


DAMAGES = {
    flip_a_byte: "model.ptl: found sha256",
    lose_a_file: "goldens/black/expected.json: missing; model.json lists it",
    add_a_file: "goldens/extra.txt: model.json lists no such file; remove it",
    truncate_weights: "reference/best.safetensors: found 1000 bytes; expected ",
    edit_a_sum: "MODEL_CARD.md: found sha256",
    other_schema: "model.json: schema 4, made by a newer mobileseg; this one, ",
    no_object: "model.json: found schema 'no object'; expected 3: convert the run again",
    no_json: "model.json: cannot be read as JSON",
    no_manifest: "no model.json in it; expected a bundle",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_a_damaged_bundle_is_refused_by_name_before_any_loader_runs(damage, own, no_loader):
    open_bundle(own)  # whole until now
    damage(own)
    with pytest.raises(BadInput) as caught:
        open_bundle(own)
    assert DAMAGES[damage] in str(caught.value)
    assert str(caught.value).startswith(str(own))
    with pytest.raises(BadInput):
        open_predictor(own)


def test_a_bundle_that_somebody_looked_at_on_a_mac_is_still_whole(own):
    for folder in (own, own / "goldens"):
        (folder / ".DS_Store").write_bytes(b"icons")
    assert open_bundle(own).target.name == "torchscript"


def test_the_loader_that_must_not_run_would_have_been_noticed(own, no_loader):
    with pytest.raises(pytest.fail.Exception, match=r"model\.ptl was loaded"):
        open_predictor(own)


@pytest.mark.parametrize("entry", ["target", "files", "precision", "frames", "lesions"])
def test_a_manifest_without_an_entry_is_refused_and_not_a_traceback(entry, own):
    manifest = read_json(own / "model.json")
    del manifest[entry]
    write_json(own / "model.json", manifest)
    with pytest.raises(BadInput, match=r"model\.json|model\.ptl|MODEL_CARD"):
        open_bundle(own)


def test_a_folder_that_is_no_bundle_is_told_from_one_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match=r"nowhere: no such folder; expected a bundle as mobileseg"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"no model\.json in it"):
        open_bundle(tmp_path)


def test_evidence_is_not_hashed_and_names_the_artifact(own):
    bundle = open_bundle(own)
    write_evidence(bundle, "parity", {"verdict": "agrees"})
    assert open_bundle(own).manifest == bundle.manifest
    kept = json.loads((own / "evidence" / "parity.json").read_text())
    content = (own / "model.ptl").read_bytes()
    assert kept["artifact_sha256"] == sha256(content).hexdigest()
    assert kept["measured"] == {"verdict": "agrees"}
    assert {"date", "machine", "command", "system"} <= set(kept)


def test_a_packages_sum_is_taken_over_its_files(bundles):
    bundle = open_bundle(bundles / "coreml")
    listed = bundle.manifest["files"]
    changed = copy.deepcopy(bundle)
    inside = next(name for name in listed if name.startswith("model.mlpackage/"))
    changed.manifest["files"][inside]["sha256"] = 64 * "0"
    assert artifact_sha256(changed) != artifact_sha256(bundle)
    changed = copy.deepcopy(bundle)
    changed.manifest["files"]["MODEL_CARD.md"]["sha256"] = 64 * "0"
    assert artifact_sha256(changed) == artifact_sha256(bundle)


def left_in(folder: Path) -> list[str]:
    """Everything in a folder, hidden working folders included."""
    return sorted(p.name for p in folder.iterdir())


def test_a_bundle_is_kept_without_force_and_replaced_with_it(tiny_run, tiny_bundle, tmp_path):
    into = shutil.copytree(tiny_bundle, tmp_path / "b")
    (into / "mine.txt").write_text("keep")
    with pytest.raises(BadInput, match=r"b: exists already; choose another place, or add --force"):
        convert(tiny_run, into)
    assert (into / "mine.txt").exists()
    checks = convert(tiny_run, into, force=True)
    assert all(check.holds for check in checks)
    assert not (into / "mine.txt").exists()
    assert open_bundle(into).target.name == "torchscript"
    assert left_in(tmp_path) == ["b"]


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_other_things_is_never_replaced(force, tiny_run, tmp_path):
    """`-o runs --force` must not cost anybody his runs."""
    (tmp_path / "runs").mkdir()
    shutil.copytree(tiny_run.path, tmp_path / "runs" / "ex")
    with pytest.raises(BadInput, match=r"runs: exists already") as refusal:
        convert(tiny_run, tmp_path / "runs", force=force)
    assert ("holds no model.json, so nothing replaces it" in str(refusal.value)) == force
    assert (tmp_path / "runs" / "ex" / "best.safetensors").is_file()


@pytest.mark.parametrize("name", TARGETS)
def test_weights_with_nan_are_refused_by_name_and_leave_nothing(
    name, tiny_run, write_run, tmp_path
):
    network = copy.deepcopy(tiny_run.network)
    with torch.no_grad():
        network.side[2].weight[0, 0, 0, 0] = float("nan")
    run = write_run(tmp_path / "run", network)
    with pytest.raises(BadInput, match=r"best\.safetensors: 'side\.2\.weight' holds NaN"):
        convert(run, tmp_path / "b", target=target(name))
    assert left_in(tmp_path) == ["run"]


def test_a_run_that_has_not_finished_an_epoch_is_refused(tiny_run, write_run, tmp_path):
    run = write_run(tmp_path / "run", tiny_run.network)
    run.config.thresholds.clear()
    with pytest.raises(BadInput, match="has no thresholds yet; train it to its first epoch"):
        convert(run, tmp_path / "b")
    assert left_in(tmp_path) == ["run"]


def test_a_run_that_names_no_protocol_is_refused_and_not_a_traceback(tiny_run, write_run, tmp_path):
    run = write_run(tmp_path / "run", tiny_run.network)
    del run.config.training["protocol"]
    with pytest.raises(
        BadInput, match=r"config\.json: its training names no protocol; expected on"
    ):
        convert(run, tmp_path / "b")
    assert left_in(tmp_path) == ["run"]


@pytest.mark.parametrize("error", [OSError(13, "not yours"), MissingToolkit("x")], ids=repr)
def test_a_systems_no_or_a_missing_toolkit_is_told_as_it_is(error, tiny_run, tmp_path, monkeypatch):
    def export(run, order, path: Path) -> None:
        raise error

    monkeypatch.setattr(torchscript_lite, "export", export)
    with pytest.raises(type(error)) as caught:
        convert(tiny_run, tmp_path / "b")
    assert caught.value is error and left_in(tmp_path) == []


@pytest.fixture
def full_disk(tmp_path):
    """A disk of 48 kB, with a file on it that is to stay."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mounted, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"not run: no small disk can be mounted ({error})")
    if done.returncode:
        pytest.skip(f"not run: no small disk can be mounted ({done.stderr.strip()})")
    (disk / "mine.txt").write_text("kept")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", TARGETS)
def test_on_a_full_disk_no_target_leaves_anything_and_the_line_names_the_bundle(
    name, small_run, full_disk
):
    row = target(name)
    order = row.order([FRAME_HW], graph="network")
    with pytest.raises(BadInput) as caught:
        write_bundle(small_run, full_disk / "b", target=row, order=order)
    assert str(caught.value) == (
        f"{full_disk / 'b'}: cannot be written, the disk is full; make room there and in "
        f"{gettempdir()}, or choose another place: nothing was kept or lost"
    )
    assert left_in(full_disk) == ["mine.txt"]


@pytest.mark.parametrize("error", [RuntimeError("disk"), KeyboardInterrupt()], ids=repr)
@pytest.mark.parametrize("force", [False, True])
def test_an_export_that_fails_midway_leaves_what_was_there(
    error, force, tiny_run, tiny_bundle, tmp_path, monkeypatch, capfd
):
    into = tmp_path / "b"
    if force:
        shutil.copytree(tiny_bundle, into)

    def export(run, order, path: Path) -> None:
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(torchscript_lite, "export", export)
    # What a toolkit raises becomes a line that keeps it as its cause; Ctrl-C passes through.
    line = BadInput if isinstance(error, RuntimeError) else KeyboardInterrupt
    with pytest.raises(line) as caught:
        convert(tiny_run, into, force=force)
    if line is BadInput:
        assert "torchscript fp32 could not convert it (RuntimeError: disk)" in str(caught.value)
        assert caught.value.__cause__ is error
    assert left_in(tmp_path) == (["b"] if force else [])
    if force:
        open_bundle(into)  # the old one, whole


def test_a_file_written_wrong_is_not_kept(tiny_run, tmp_path, monkeypatch):
    fault = Check("bytecode is 8 or older", False, "9")
    monkeypatch.setattr(torchscript_lite, "inspect", lambda *_: [fault])
    with pytest.raises(BadInput) as caught:
        convert(tiny_run, tmp_path / "b")
    assert str(caught.value) == (
        "model.ptl: written wrong (bytecode is 8 or older: found 9); nothing was kept"
    )
    assert left_in(tmp_path) == []
