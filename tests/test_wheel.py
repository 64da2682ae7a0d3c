"""The built wheel, installed in a folder of its own, does everything that is promised."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from mobileseg.cli import VERBS

REPOSITORY = Path(__file__).parent.parent
# What each verb but the demo (see conftest) is asked to do, by way of showing that it works.
CALLS = {
    "phantom": ["-o", "made", "--count", "3", "--side", "128"],
    "variants": ["--json"],
    "profile": ["xs", "--json"],
    "train": ["--data", "{phantoms}", "--side", "64", "--epochs", "1", "-o", "run"],
    "study": ["paper", "--list", "--json"],
    "evaluate": ["{run}", "--data", "{phantoms}", "--json"],
    "ensemble": ["{run}", "{other}", "--data", "{phantoms}", "-o", "both", "--json"],
    "report": ["{run}/..", "-o", "report", "--json"],
    "predict": ["{bundles}/torchscript", "{phantoms}/{test}/phantom_07.jpg", "-o", "out"],
    "convert": ["--target", "torchscript", "--frame", "256x320"],
    "mil": ["inspect", "{bundles}/coreml/model.mlpackage", "--json"],
    "parity": ["{bundles}/torchscript", "--data", "{phantoms}", "--json"],
    "goldens": ["-o", "goldens"],
    "bench": ["{bundles}/torchscript", "--rounds", "2", "--peer", "PyTorch eager", "--json"],
}
TEST_SET = "A. Segmentation/1. Original Images/b. Testing Set"


ELSEWHERE = {
    "calibrate",
    "demo",
    "quantize",
    "bundle-apps",
    "serve",
}  # below, and tests/cli


def test_every_verb_is_called_from_the_wheel():
    assert set(CALLS) | ELSEWHERE == set(VERBS)


def test_quantize_has_all_it_needs_and_refuses_too_few_pictures(
    mobileseg, demo, phantoms, tmp_path
):
    """What it does is tested in the package: here, that the wheel holds it. Five pictures train."""
    done = mobileseg("quantize", demo / "run", "--data", phantoms, "-o", "q", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "calibration pictures; expected at least 8" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_calibrate_has_all_it_needs_and_refuses_too_few_pictures(
    mobileseg, demo, phantoms, tmp_path
):
    """Likewise: the demo's run was trained on six pictures."""
    shutil.copytree(demo / "run", tmp_path / "run")
    before = (tmp_path / "run" / "config.json").read_bytes()
    done = mobileseg("calibrate", "run", "--data", phantoms, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "names 6 pictures; expected 8 or more to calibrate on" in done.stderr
    assert (tmp_path / "run" / "config.json").read_bytes() == before


@pytest.fixture(scope="module")
def other_run(demo, tmp_path_factory) -> Path:
    """The demo's run with a bias moved: a second member for an ensemble, without a training."""
    folder = shutil.copytree(demo / "run", tmp_path_factory.mktemp("other") / "run")
    weights = load_file(folder / "best.safetensors")
    weights["outconv.bias"] += 0.25
    save_file(weights, folder / "best.safetensors")
    return folder


@pytest.mark.parametrize("verb", CALLS)
def test_the_verb_works_in_an_empty_folder(verb, mobileseg, demo, other_run, phantoms, tmp_path):
    places = {
        "phantoms": phantoms,
        "run": demo / "run",
        "other": other_run,
        "bundles": demo / "bundles",
    }
    arguments = [a.format(**places, test=TEST_SET) for a in CALLS[verb]]
    done = mobileseg(verb, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    if "--json" in arguments:
        assert json.loads(done.stdout)


def test_the_wheel_under_test_is_not_the_repository(mobileseg, tmp_path):
    done = mobileseg("convert", "--target", "torchscript", "-o", "b", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # The pretrained run came from the wheel; were it missing there, this had failed.
    assert (tmp_path / "b" / "reference" / "best.safetensors").is_file()


def test_bundle_apps_puts_a_bundle_into_a_checkouts_demo(mobileseg, demo, tmp_path):
    (tmp_path / "web_demo").mkdir()
    done = mobileseg("bundle-apps", demo / "bundles" / "onnx", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("web_demo: ") and "Next: mobileseg serve" in done.stdout
    placed = {p.relative_to(tmp_path / "web_demo").as_posix() for p in tmp_path.rglob("*.*")}
    assert {"model/model.onnx", "model/model.json", "samples/index.json"} <= placed


def test_the_wheel_holds_the_page_that_serve_gives_out(mobileseg, installed, tmp_path):
    page = installed / "converters" / "apps" / "web_demo"
    ours = REPOSITORY / "web_demo"
    names = [p.relative_to(page) for p in page.rglob("*") if p.is_file()]
    assert {"index.html", "app.css", "sw.js"} < {str(name) for name in names}
    assert all((page / name).read_bytes() == (ours / name).read_bytes() for name in names)
    assert not {"node_modules", "test", "package.json"} & {name.parts[0] for name in names}
    done = mobileseg("serve", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mobileseg: nowhere: no such folder")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb, mobileseg, tmp_path):
    done = mobileseg(verb, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"mobileseg {verb}" in done.stdout.split("Example:")[1]


def test_the_demo_reports_what_it_found(demo: Path):
    page = (demo / "report.html").read_text()
    assert "Not a medical device" in page
    assert 'src="http' not in page and "href=" not in page  # self-contained
    report = json.loads((demo / "report.json").read_text())
    verdicts = {p["target"]: p["verdict"] for p in report["parity"]}
    assert verdicts == dict.fromkeys(("executorch", "torchscript", "coreml", "onnx"), "agrees")
    words = {p["target"]: p["in_words"] for p in report["parity"]}
    assert words["coreml"] == "agrees (Linux evaluation)"
    assert report["scores"][0]["lesion"] == "EX"
    assert {"date", "machine", "command", "data"} <= set(report)
