"""`parity` as a script meets it: exit codes, JSON, and evidence that belongs to one file only."""

from __future__ import annotations

import copy
import json
import shutil
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import torch
from safetensors.torch import load_file, save_file

from converters.bundle.read import artifact_sha256, open_bundle


@pytest.fixture(scope="module")
def own(bundles, tmp_path_factory) -> Path:
    """Copies of two bundles, and one whose file was made from other weights than it says."""
    folder = tmp_path_factory.mktemp("parity")
    for name in ("torchscript", "coreml"):
        shutil.copytree(bundles / name, folder / name, ignore=shutil.ignore_patterns("evidence"))
    other = shutil.copytree(folder / "torchscript", folder / "other")
    weights = other / "reference" / "best.safetensors"
    tensors = load_file(weights)
    tensors["outconv.bias"] += 0.01
    save_file(tensors, weights)
    # Every sum is right: only comparing can tell.
    manifest = json.loads((other / "model.json").read_text())
    content = weights.read_bytes()
    listed = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    manifest["files"]["reference/best.safetensors"] = listed
    (other / "model.json").write_text(json.dumps(manifest))
    return folder


def evidence(bundle: Path):
    return json.loads((bundle / "evidence" / "parity.json").read_text())


def test_without_data_it_says_phantoms_and_exits_0_when_all_agree(mobileseg, own):
    done = mobileseg("parity", "torchscript", cwd=own)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "no --data: comparing on phantoms, which show no camera's faults\n"
    assert "on fresh phantoms (8) and hard pictures (7)" in " ".join(done.stdout.split())
    table = {
        cells[0].strip(): cells[1].strip()
        for cells in (line.strip("│").split("│") for line in done.stdout.splitlines())
        if len(cells) == 2
    }
    assert table["verdict"] == "agrees"
    assert (table["pictures"], table["of them cropped"]) == ("8", "8")
    assert table["mask pixels flipped"] == f"0 of {8 * 128 * 128}"
    assert "EX recall" in done.stdout and "artifact" in done.stdout  # each stage
    assert "differs" not in done.stdout and "not run" not in done.stdout
    assert evidence(own / "torchscript")["measured"]["data"].startswith("fresh phantoms (8)")


def test_what_was_not_run_exits_3_and_the_json_says_all(mobileseg, own, phantoms):
    arguments = ("torchscript", "coreml", "--data", phantoms, "--pictures", "2", "--json")
    done = mobileseg("parity", *arguments, cwd=own, without="coremltools")
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    ran, not_run = json.loads(done.stdout)
    assert (ran["verdict"], ran["target"], ran["precision"]) == ("agrees", "torchscript", "fp32")
    assert [p["name"] for p in ran["pictures"]] == ["phantom_07", "phantom_09"]
    assert ran["data"] == f"{phantoms.name} (2) and hard pictures (7)"
    assert ran["faults"] == [] and ran["not_run"] is None and ran["made_by"] is None
    assert 0 <= ran["max_same_tensor"] <= ran["max_end_to_end"] + 1e-5 < 1e-4
    assert 0 < ran["mean_end_to_end"] < ran["max_end_to_end"]
    assert (ran["cropped"], ran["flipped_share"], ran["level_flip_share"]) == (0, 0, 0)
    assert set(ran["task"]["EX"]) == {"reference", *ran["stages"]}
    assert len(ran["hard"]) == 7 and "2 labelled picture(s), fewer than 8" in ran["untested"][0]
    assert not_run["verdict"] == "not run" and "coremltools is not installed" in not_run["not_run"]
    assert not_run["pictures"] == not_run["hard"] == not_run["checks"] == []
    for result, name in ((ran, "torchscript"), (not_run, "coreml")):
        kept = evidence(own / name)
        assert kept["measured"] == result
        assert kept["artifact_sha256"] == artifact_sha256(open_bundle(own / name))
        assert kept["command"].startswith("mobileseg parity torchscript coreml --data")
        assert {"date", "machine", "system"} <= set(kept)
    # The sum is the file's own.
    content = (own / "torchscript" / "model.ptl").read_bytes()
    assert evidence(own / "torchscript")["artifact_sha256"] == sha256(content).hexdigest()


def test_core_ml_is_evaluated_here_and_the_verdict_says_so(mobileseg, own, phantoms):
    arguments = ("coreml", "--data", phantoms, "--pictures", "2")
    done = mobileseg("parity", *arguments, cwd=own)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "agrees (Linux evaluation)" in text
    assert "coreml: Linux evaluation cannot see Apple's kernels" in text
    kept = evidence(own / "coreml")["measured"]
    assert (kept["verdict"], kept["in_words"]) == ("agrees", "agrees (Linux evaluation)")
    assert kept["max_same_tensor"] < 1e-5 and len(kept["checks"]) == 21


def test_one_that_differs_exits_1_whatever_the_others_say(mobileseg, own, phantoms):
    arguments = ("coreml", "other", "torchscript", "--data", phantoms, "--pictures", "1")
    done = mobileseg(
        "parity", *arguments, "-o", "results", "--force", cwd=own, without="coremltools"
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert any(line.startswith("coreml: not run: coremltools is not installed") for line in lines)
    assert any(line.startswith("other: differs: written artifact: max |Δp| 0.00") for line in lines)
    assert "other: the first stage at fault: written artifact" in lines
    assert not any(line.startswith("torchscript: differs") for line in lines)
    assert evidence(own / "other")["measured"]["verdict"] == "differs"
    results = json.loads((own / "results" / "parity.json").read_text())
    assert [b["verdict"] for b in results["bundles"]] == ["not run", "differs", "agrees"]
    assert {"date", "machine", "command"} <= set(results)
    suites = Xml.parse(own / "results" / "parity.xml").getroot()
    assert [s.get("failures") == "0" for s in suites] == [True, False, True]
    assert [s.get("skipped") for s in suites] == ["1", "0", "0"]
    page = (own / "results" / "parity.html").read_text()
    assert "the first stage at fault: written artifact" in page and page.count("base64,") == 8


def test_a_gate_of_ones_own_decides(mobileseg, own, phantoms, tmp_path):
    """The bundle that differs agrees where that is allowed; too few pictures are not run."""
    gate = tmp_path / "gate.toml"
    gate.write_text("[fp32]\nwritten = 0.1\nsame_tensor = 0.1\nmean = 0.1\nflipped = 0.1\n")
    arguments = ("other", "--data", phantoms, "--pictures", "1", "--gate", gate)
    done = mobileseg("parity", *arguments, cwd=own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert evidence(own / "other")["measured"]["gate"] == str(gate)
    gate.write_text("[pictures]\nlabelled = 2\n")
    done = mobileseg("parity", "torchscript", *arguments[1:], cwd=own)
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"torchscript: not run: {gate} asks for more pictures" in done.stdout
    gate.write_text("[fp32]\nmeen = 1\n")
    done = mobileseg("parity", *arguments, cwd=own)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mobileseg: {gate}: found 'meen' in [fp32]; expected one of")


def test_two_artifacts_are_compared_with_each_other(mobileseg, own, phantoms):
    arguments = ("--data", phantoms, "--pictures", "1", "--json")
    done = mobileseg("parity", "coreml", "--against", "torchscript", *arguments, cwd=own)
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)
    assert (result["verdict"], result["against"]) == ("agrees", "torchscript")
    assert list(result["task"]["EX"]) == ["earlier artifact", "written artifact"]
    assert 0 < result["max_end_to_end"] < 1e-5


def test_results_replace_nothing_that_was_not_theirs(mobileseg, own, phantoms, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "photo.jpg").write_bytes(b"mine")
    done = mobileseg("parity", "torchscript", "-o", tmp_path / "taken", "--force", cwd=own)
    assert (done.returncode, done.stdout) == (2, "")
    assert "exists already and holds no parity.json" in done.stderr
    assert (tmp_path / "taken" / "photo.jpg").read_bytes() == b"mine"


def test_a_damaged_bundle_is_named_before_anything_is_compared(mobileseg, own, tmp_path):
    damaged = shutil.copytree(own / "torchscript", tmp_path / "damaged")
    shutil.copytree(own / "torchscript", tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole" / "evidence", ignore_errors=True)
    artifact = damaged / "model.ptl"
    content = bytearray(artifact.read_bytes())
    content[5000] ^= 1
    artifact.write_bytes(content)
    done = mobileseg("parity", "whole", "damaged", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("mobileseg: damaged/model.ptl: found sha256")
    assert line.endswith("changed after the conversion, convert the run again")
    assert not (tmp_path / "whole" / "evidence").exists()


def test_what_is_no_bundle_and_what_is_no_data_are_refused(mobileseg, own, trained_run):
    done = mobileseg("parity", trained_run, cwd=own)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"mobileseg: {trained_run}: no model.json in it; "
        "expected a bundle as mobileseg convert writes it\n"
    )
    done = mobileseg("parity", "torchscript", "--data", "nowhere", cwd=own)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("mobileseg: nowhere: found no folder; expected A. Segmentation/")


def test_no_pictures_at_all_is_misuse(mobileseg, own, phantoms):
    """Not "not run": nobody asks for a comparison on nothing."""
    for pictures in ("0", "-1"):
        done = mobileseg(
            "parity", "torchscript", "--data", phantoms, "--pictures", pictures, cwd=own
        )
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert "--pictures" in line


def test_the_change_that_makes_the_other_bundle_differ_is_small(own):
    """A hundredth of a logit; so that the test above is about something hard to see."""
    one, other = (
        open_bundle(own / name).reference().network.state_dict()
        for name in ("torchscript", "other")
    )
    changed = [name for name in one if not torch.equal(one[name], other[name])]
    assert changed == ["outconv.bias"]


@pytest.fixture
def mac(own, tmp_path):
    """Write what verify_on_mac.py writes where Core ML answers exactly as PyTorch; `change` it."""

    def write(change=lambda values: None) -> Path:
        figures = {"finite": True, "max": 2e-6, "mean": 1e-7, "flipped": 0, "pixels": 128 * 128}
        box = {"crop": [0, 0, 1024, 1024], "crop_off": 0, "retina": 0.5, "retina_off": 0}
        goldens = {"retina": figures | box, "black": figures | box}
        values = {
            "schema": "mobileseg-macos-1",
            "artifact_sha256": artifact_sha256(open_bundle(own / "coreml")),
            "date": "2026-01-01T00:00:00+00:00",
            "machine": "Apple M0, arm64",
            "macos": "15.0",
            "python": "3.11.9",
            "coremltools": "9.0",
            "units": {"ALL": goldens, "CPU_ONLY": copy.deepcopy(goldens)},
            "failed": {},
            "not_offered": [],
        }
        change(values)
        (tmp_path / "mac.json").write_text(json.dumps(values))
        return tmp_path / "mac.json"

    return write


def test_a_macs_answers_are_taken_in_and_the_verdict_says_macos(mobileseg, own, mac):
    done = mobileseg("parity", "coreml", "--import", mac(), cwd=own)
    assert done.returncode == 0, done.stderr
    assert (done.stderr, done.stdout.splitlines()[0]) == (
        "",
        "coreml: agrees (macOS) 15.0, Apple M0, arm64",
    )
    kept = json.loads((own / "coreml" / "evidence" / "macos.json").read_text())
    assert kept["artifact_sha256"] == artifact_sha256(open_bundle(own / "coreml"))
    assert kept["measured"]["verdict"] == "agrees (macOS)"
    assert kept["measured"]["machine"] == "Apple M0, arm64"
    done = mobileseg("parity", "coreml", "--import", mac(), "--json", cwd=own)
    (judged,) = json.loads(done.stdout)
    assert (judged["bundle"], judged["verdict"], judged["faults"]) == (
        "coreml",
        "agrees (macOS)",
        [],
    )


def test_a_macs_answers_that_differ_exit_1(mobileseg, own, mac):
    file = mac(lambda values: values["units"]["ALL"]["retina"].update(max=0.01))
    done = mobileseg("parity", "coreml", "--import", file, cwd=own)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("coreml: differs (macOS) 15.0")
    assert "coreml: differs: ALL, retina: max |Δp| 0.01, at most 0.0001" in done.stdout
    kept = json.loads((own / "coreml" / "evidence" / "macos.json").read_text())
    assert kept["measured"]["verdict"] == "differs (macOS)"


def test_what_a_mac_measured_on_another_file_is_refused_and_nothing_is_kept(mobileseg, own, mac):
    (own / "coreml" / "evidence" / "macos.json").unlink(missing_ok=True)
    file = mac(lambda values: values.update(artifact_sha256=64 * "0"))
    for arguments, said in (
        (("coreml", "--import", file), "measured on sha256 000000000000…; expected"),
        (("torchscript", "--import", file), "found target torchscript; expected coreml"),
        (("coreml", "--import", "nowhere.json"), "nowhere.json: no such file"),
        (
            ("coreml", "other", "--import", file),
            "--import takes one BUNDLE, no --data, --against or -o",
        ),
    ):
        done = mobileseg("parity", *arguments, cwd=own)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert said in line
    assert not (own / "coreml" / "evidence" / "macos.json").exists()
