"""A Mac's answers: the script in the bundle compares them, and what it writes is judged here.

No Mac is here. So the script runs unmodified, but `coremltools` is a stand-in: its model answers
with what the graph gives in PyTorch, looked up by the very input that the script hands over. It
is the one stand-in of this project; what Core ML itself answers, only a Mac can say.
"""

from __future__ import annotations

import ast
import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from converters.bundle.read import Bundle, artifact_sha256, open_bundle, write_bundle
from converters.coreml import converter as coreml_program
from converters.coreml.output_heads import answering, outputs
from converters.coreml.verify_on_mac import NotWhole, checked_manifest
from converters.deployable import IMAGE, shipped_graph
from converters.parity.mac_results import goldens, read_mac_evidence
from converters.parity.result import Verdict
from converters.targets import target
from mobileseg.errors import BadInput

STAND_IN = '''
"""Answers what answers.npz holds for the very bytes it is given."""
import hashlib, os
from pathlib import Path
import numpy as np
from PIL import Image

__version__ = "a stand-in"
HERE = Path(__file__).parent


class ComputeUnit:
    pass


for name in os.environ["UNITS"].split(","):
    setattr(ComputeUnit, name, name)


class MLModel:
    def __init__(self, path, compute_units):
        assert (Path(path) / "Manifest.json").is_file()
        if compute_units == os.environ.get("FAILS"):
            raise RuntimeError("no such\\nhardware")

    def predict(self, given):
        ((name, value),) = given.items()
        value = np.asarray(value)
        assert (name, value.dtype) in (("frame", np.uint8), ("enhanced", np.float32)), value.dtype
        begins = hashlib.sha256(value.tobytes()).hexdigest() + "/"
        with np.load(HERE / "answers.npz") as kept:
            found = {k.removeprefix(begins): kept[k] for k in kept if k.startswith(begins)}
        assert found, "another input than a golden's"
        return {k: Image.fromarray(v) if k.startswith("mask_") else v for k, v in found.items()}


class models:
    MLModel = MLModel
'''
ALL_UNITS = "ALL,CPU_ONLY,CPU_AND_GPU,CPU_AND_NE"
Answers = dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def made(coreml_packages, few_stages, tmp_path_factory) -> dict[str, Bundle]:
    """A bundle around each package; the real file, converted once for all tests."""
    folder = tmp_path_factory.mktemp("bundles")
    bundles = {}
    for name, package in coreml_packages.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                coreml_program,
                "export",
                lambda run, order, path, made=package.path: shutil.copytree(made, path),
            )
            row = target("coreml")
            write_bundle(package.run, folder / name, target=row, order=package.order)
        bundles[name] = open_bundle(folder / name)
    return bundles


@torch.no_grad()
def graph_answers(bundle: Bundle) -> Answers:
    """What the graph gives in PyTorch for each golden, as Core ML hands it over."""
    run = bundle.reference()
    found = {}
    for name in goldens(bundle):
        golden = bundle.path / "goldens" / name
        height, width, _ = json.loads((golden / "expected.json").read_text())["frame"]["shape"]
        order = replace(bundle.order, frames=((height, width),))
        graph = answering(shipped_graph(run, order, IMAGE), run.config, order)
        if order.whole:
            raw = (golden / "frame.rgb").read_bytes()
            picture = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
            picture = picture.reshape(1, height, width, 3).permute(0, 3, 1, 2)
        else:
            raw = (golden / "enhanced.f32").read_bytes()
            picture = torch.frombuffer(bytearray(raw), dtype=torch.float32).reshape(1, 3, 64, 64)
        given = graph(picture.to(torch.float32))
        given = given if isinstance(given, tuple) else (given,)
        answer = {}
        for out, value in zip(outputs(run.config, order), given, strict=True):
            array = value.numpy()
            answer[out.name] = array[0, 0].astype(np.uint8) if out.kind == "image" else array
        found[name] = answer
    return found


@pytest.fixture(scope="module")
def answers(made) -> dict[str, Answers]:
    """By bundle and golden. Copy before changing one."""
    return {name: graph_answers(bundle) for name, bundle in made.items()}


@pytest.fixture
def on_a_mac(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a bundle's own script where `coremltools` gives the answers at hand."""

    def run(bundle: Bundle, given: Answers, **env: str) -> subprocess.CompletedProcess[str]:
        site = tmp_path / "site"
        site.mkdir(exist_ok=True)
        (site / "coremltools.py").write_text(STAND_IN)
        by_input = {}
        for name, answer in given.items():
            file = "frame.rgb" if bundle.order.whole else "enhanced.f32"
            begins = sha256((bundle.path / "goldens" / name / file).read_bytes()).hexdigest()
            by_input |= {f"{begins}/{k}": v for k, v in answer.items()}
        np.savez(site / "answers.npz", **by_input)
        return subprocess.run(
            [sys.executable, bundle.path / "verify_on_mac.py", "-o", tmp_path / "mac.json"],
            env={**os.environ, "PYTHONPATH": str(site), "UNITS": ALL_UNITS, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("name", ["usual", "masks", "labels", "network"])
def test_what_pytorch_answers_agrees_on_every_unit(name, made, answers, on_a_mac, tmp_path):
    bundle = made[name]
    done = on_a_mac(bundle, answers[name])
    assert done.returncode == 0, done.stderr
    assert "4 compute units run" in done.stdout
    open_bundle(bundle.path)  # the script has left nothing in it
    result = read_mac_evidence(bundle, tmp_path / "mac.json")
    assert (result.verdict, result.faults) == (Verdict.AGREES, [])
    measured = result.measured
    assert measured["artifact_sha256"] == artifact_sha256(bundle)
    assert list(measured["units"]) == ALL_UNITS.split(",")
    figures = measured["units"]["ALL"]["retina"]
    classes = 2 if name == "labels" else 1
    assert figures["pixels"] == 64 * 64 * (1 if name == "labels" else classes)
    assert figures["flipped"] == 0
    assert ("max" in figures) == (name in ("usual", "network"))
    assert ("crop" in figures) == (name != "network")
    if name == "usual":
        assert 0 < figures["max"] < 1e-5
    sizes = {"", "-96x200", "-256x128"} if name == "masks" else {""}
    expected = {f"{picture}{size}" for picture in ("retina", "black") for size in sizes}
    assert set(measured["units"]["ALL"]) == expected


def wrong(change: Callable[[dict[str, np.ndarray]], Any]) -> Callable[[Answers], Answers]:
    """The same answers, but for the golden that has a retina."""

    def make(given: Answers) -> Answers:
        other = copy.deepcopy(given)
        change(other["retina"])
        return other

    return make


def set_at(name: str, place: tuple[int, ...], value: float) -> Callable[[Answers], Answers]:
    return wrong(lambda answer: answer[name].__setitem__(place, value))


def shifted(name: str, by: float) -> Callable[[Answers], Answers]:
    return wrong(lambda answer: answer.update({name: answer[name] + np.float32(by)}))


def turned(name: str) -> Callable[[Answers], Answers]:
    return wrong(
        lambda answer: answer.update({name: np.ascontiguousarray(answer[name].swapaxes(-1, -2))})
    )


NAN = float("nan")
FAULTS = {
    "a probability off": ("usual", set_at("probabilities", (0, 0, 3, 3), 0.123), "max |Δp|"),
    "all a little off": ("usual", shifted("probabilities", 2e-4), "mean |Δp|"),
    "a probability no number": ("usual", set_at("probabilities", (0, 0, 3, 3), NAN), "not finite"),
    "answer turned": ("usual", turned("probabilities"), "flipped mask pixels"),
    "crop off by one": ("usual", shifted("crop", 1.0), "crop off by pixels 1"),
    "crop off by a fraction": ("usual", shifted("crop", 0.25), "crop off by pixels 0.25"),
    "crop no number": ("usual", set_at("crop", (0, 2), NAN), "crop off by pixels nan"),
    "retina off": ("usual", shifted("retina", 1e-4), "retina share off by"),
    "network off": ("network", shifted("probabilities", 0.9), "max |Δp|"),
    "masks turned": ("masks", turned("mask_EX"), "flipped mask pixels"),
    "masks half grey": (
        "masks",
        wrong(lambda answer: answer.update(mask_EX=answer["mask_EX"] // 2)),
        "flipped mask pixels",
    ),
    "labels turned": ("labels", turned("labels"), "flipped mask pixels"),
    "labels swapped": (
        "labels",
        wrong(lambda answer: answer.update(labels=(3 - answer["labels"]) % 3)),
        "flipped mask pixels",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_answer_differs(fault, made, answers, on_a_mac, tmp_path):
    name, plant, said = FAULTS[fault]
    done = on_a_mac(made[name], plant(answers[name]), UNITS="ALL,CPU_ONLY")
    assert done.returncode == 0, done.stderr
    result = read_mac_evidence(made[name], tmp_path / "mac.json")
    assert result.verdict is Verdict.DIFFERS
    assert any(f.startswith("CPU_ONLY") and said in f for f in result.faults), result.faults


def test_a_unit_that_fails_is_written_down_and_no_agreement(made, answers, on_a_mac, tmp_path):
    done = on_a_mac(made["usual"], answers["usual"], FAILS="CPU_AND_NE")
    assert done.returncode == 1
    result = read_mac_evidence(made["usual"], tmp_path / "mac.json")
    assert result.faults == ["CPU_AND_NE: failed: RuntimeError: no such hardware"]
    assert len(result.measured["units"]) == 3


def test_a_unit_that_this_coremltools_does_not_know_is_named(made, answers, on_a_mac, tmp_path):
    done = on_a_mac(made["usual"], answers["usual"], UNITS="ALL,CPU_ONLY,CPU_AND_GPU")
    assert done.returncode == 0, done.stderr
    result = read_mac_evidence(made["usual"], tmp_path / "mac.json")
    assert result.measured["not_offered"] == ["CPU_AND_NE"]
    assert result.verdict is Verdict.AGREES


def test_a_python_as_old_as_a_macs_reads_the_script(made):
    script = (made["usual"].path / "verify_on_mac.py").read_text()
    tree = ast.parse(script, feature_version=(3, 9))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert "UTC" not in names and "annotations" in names  # of Python 3.11; for `X | None`
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }
    assert modules - set(sys.stdlib_module_names) == {"coremltools", "numpy", "PIL"}


def flip_a_byte(folder: Path) -> Path:
    weights = folder / "model.mlpackage" / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return weights


def change_a_golden(folder: Path) -> Path:
    golden = folder / "goldens" / "retina" / "probabilities.f32"
    golden.write_bytes(golden.read_bytes()[::-1])
    return golden


def add_to_the_package(folder: Path) -> Path:
    (folder / "model.mlpackage" / "new").write_text("x")
    return folder / "model.mlpackage" / "new"


@pytest.mark.parametrize("damage", [flip_a_byte, change_a_golden, add_to_the_package])
def test_the_script_refuses_a_bundle_that_is_not_whole(damage, made, answers, on_a_mac, tmp_path):
    own = shutil.copytree(made["usual"].path, tmp_path / "own")
    (own / ".DS_Store").write_text("what a Mac leaves")
    (own / "model.mlpackage" / ".DS_Store").write_text("likewise")
    assert on_a_mac(Bundle(own, made["usual"].manifest), answers["usual"]).returncode == 0
    (tmp_path / "mac.json").unlink()
    changed = damage(own)
    done = on_a_mac(Bundle(own, made["usual"].manifest), answers["usual"])
    assert done.returncode == 2
    assert done.stderr == (
        f"verify_on_mac.py: {changed}: changed, missing or new; copy the bundle again\n"
    )
    assert not (tmp_path / "mac.json").exists()


PLAIN = {"model.mlpackage/a/weight.bin": b"12", "goldens/black/frame.rgb": b"345"}


@pytest.fixture
def by_hand(tmp_path) -> Path:
    """What the script asks of a bundle before Core ML comes in, and nothing else."""
    files = {}
    for name, content in PLAIN.items():
        path = tmp_path / "b" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        files[name] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    manifest = {"artifact": "model.mlpackage", "files": files}
    (tmp_path / "b" / "model.json").write_text(json.dumps(manifest))
    (tmp_path / "outside").write_bytes(b"12")
    return tmp_path / "b"


def listed_as(name: str) -> Callable[[Path], None]:
    """The manifest calls the weights otherwise."""

    def damage(folder: Path) -> None:
        manifest = json.loads((folder / "model.json").read_text())
        manifest["files"][name] = manifest["files"].pop("model.mlpackage/a/weight.bin")
        (folder / "model.json").write_text(json.dumps(manifest))

    return damage


def replaced(name: str, make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        make(path)

    return damage


UNSAFE: list[tuple[Callable[[Path], None], str]] = [
    (listed_as("model.mlpackage/../../outside"), "found path 'model.mlpackage/../../outside'"),
    (listed_as("/outside"), "found path '/outside'; expected one inside the bundle"),
    (listed_as("C:\\outside"), "found path 'C:"),
    (listed_as("a\nb"), "found path 'a\\nb'"),
    (
        replaced("model.mlpackage/a/weight.bin", lambda p: p.symlink_to(p.parents[3] / "outside")),
        "weight.bin: missing, a link, or no plain file",
    ),
    (
        replaced("goldens", lambda p: p.symlink_to(p.parent / "model.mlpackage")),
        "goldens: missing, a link, or no plain file",
    ),
    (replaced("goldens/black/frame.rgb", os.mkfifo), "frame.rgb: missing, a link, or no plain"),
    (replaced("model.json", os.mkfifo), "model.json: missing, or no plain file"),
    (replaced("model.json", lambda p: p.write_text("[1]")), "model.json: no manifest ("),
    (replaced("model.json", lambda p: p.write_text("[" * 10**5)), "model.json: no manifest ("),
    (replaced("model.json", lambda p: p.write_text("{}")), "model.json: no manifest (KeyError"),
    (lambda b: os.truncate(b / "model.mlpackage/a/weight.bin", 1 << 40), "changed, missing or new"),
]


@pytest.mark.parametrize(("damage", "said"), UNSAFE, ids=range(len(UNSAFE)))
def test_the_script_follows_nothing_out_of_the_bundle(damage, said, by_hand):
    checked_manifest(by_hand)  # whole until now
    damage(by_hand)
    with pytest.raises(NotWhole) as caught:
        checked_manifest(by_hand)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.fixture
def evidence(made, answers, on_a_mac, tmp_path) -> dict[str, Any]:
    assert on_a_mac(made["usual"], answers["usual"], UNITS="ALL,CPU_ONLY").returncode == 0
    return json.loads((tmp_path / "mac.json").read_text())


def test_what_does_not_belong_or_lacks_a_figure_is_refused(made, evidence, tmp_path):
    def read(bundle: str, change: Callable[[dict[str, Any]], Any]) -> None:
        values = copy.deepcopy(evidence)
        change(values)
        (tmp_path / "other.json").write_text(json.dumps(values))
        read_mac_evidence(made[bundle], tmp_path / "other.json")

    def figures(values: dict[str, Any]) -> dict[str, Any]:
        return values["units"]["CPU_ONLY"]["retina"]

    read("usual", lambda v: None)  # as it is, it is taken
    refused = {
        "measured on sha256": [lambda v: v.update(artifact_sha256=64 * "0")],
        "found schema": [lambda v: v.update(schema="mobileseg-macos-2"), lambda v: v.clear()],
        "no entry 'macos'": [lambda v: v.pop("macos")],
        "no entry 'units'": [lambda v: v.pop("units")],
        "found units": [lambda v: v["units"].clear(), lambda v: v["units"].update(TPU={})],
        "no entry 'black'": [lambda v: v["units"]["ALL"].pop("black")],
        "no figure 'max'": [lambda v: figures(v).pop("max")],
        "no figure 'crop_off'": [lambda v: figures(v).pop("crop_off")],
        "no figure 'flipped'": [lambda v: figures(v).pop("flipped")],
        "no entry 'finite'": [lambda v: figures(v).update(finite=None)],
        "found flipped None": [lambda v: figures(v).update(flipped=None)],
        "found flipped -1": [lambda v: figures(v).update(flipped=-1)],
        "cannot be read as JSON .*NaN is no number": [lambda v: figures(v).update(max=NAN)],
        "macos: found '.x1b": [lambda v: v.update(macos="\x1b[2J")],
        "date: found 'xxx": [lambda v: v.update(date=1000 * "x")],
        "failed.CPU_ONLY: found 3": [lambda v: v["failed"].update(CPU_ONLY=3)],
        "found golden 'other'": [lambda v: v["units"]["ALL"].update(other={})],
        "found mean '0'": [lambda v: figures(v).update(mean="0")],
    }
    for said, changes in refused.items():
        for change in changes:
            with pytest.raises(BadInput, match=said):
                read("usual", change)
    with pytest.raises(BadInput, match=r"run the verify_on_mac\.py of this very bundle"):
        read("masks", lambda v: None)
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(BadInput, match="found schema 'no object'"):
        read_mac_evidence(made["usual"], tmp_path / "other.json")


def test_another_targets_bundle_has_no_evidence_of_a_mac(tiny_bundle, tmp_path):
    with pytest.raises(BadInput, match="found target torchscript; expected coreml"):
        read_mac_evidence(open_bundle(tiny_bundle), tmp_path / "none.json")


def test_the_manifest_says_what_each_bundle_takes_and_gives(made):
    manifests = {name: bundle.manifest for name, bundle in made.items()}
    assert manifests["masks"]["frames"] == [[128, 160], [96, 200], [256, 128]]
    assert manifests["masks"]["outputs"][0] == {
        "name": "mask_EX",
        "shape": [1, 1, 64, 64],
        "dtype": "uint8",
        "kind": "image",
    }
    assert manifests["labels"]["outputs"][0] == {
        "name": "labels",
        "shape": [64, 64],
        "dtype": "int32",
    }
    assert [o["name"] for o in manifests["labels"]["outputs"]] == ["labels", "crop", "retina"]
    assert [o["name"] for o in manifests["network"]["outputs"]] == ["probabilities"]
    assert manifests["network"]["input"]["name"] == "enhanced"
    for bundle in made.values():
        assert "verify_on_mac.py" in bundle.manifest["files"]


def test_a_frame_below_the_networks_side_is_refused_before_anything_is_written(tiny_run, tmp_path):
    row = target("coreml")
    for frames, said in (
        ([(128, 160), (63, 60)], "frame 63x60: smaller than the network's side 64; expected its"),
        ([(48, 63)], "frame 48x63: smaller than the network's side 64"),
        ([(128, 160), (128, 160)], "frame 128x160: found twice; expected each size once"),
    ):
        with pytest.raises(BadInput, match=said):
            write_bundle(tiny_run, tmp_path / "b", target=row, order=row.order(frames))
    assert list(tmp_path.iterdir()) == []
