"""`mil`: a saved Core ML program looked into and run, by the installed command."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from mobileseg.data.phantom.generate import make_phantom


@pytest.fixture(scope="module")
def package(bundles):
    path = bundles / "coreml" / "model.mlpackage"
    if not path.is_dir():
        pytest.skip("not run: coremltools is not installed")
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "eye.png"
    Image.fromarray(make_phantom(6, 300, aspect=1.3).picture).save(path)
    return path


def test_inspect_lists_what_is_inside(mobileseg, package, tmp_path):
    done = mobileseg("mil", "inspect", package, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    by_kind = {row["kind"]: row for row in told["operations"]}
    assert by_kind["conv"] == {"kind": "conv", "count": 119, "types": {"fp32": 119}, "known": True}
    assert [one["name"] for one in told["outputs"]] == ["probabilities", "crop", "retina"]
    assert sum(told["files"].values()) > 100_000
    table = mobileseg("mil", "inspect", package, cwd=tmp_path).stdout
    assert "conv" in table and "takes frame: RGB image" in table and "for iOS 16" in table


def test_run_writes_arrays_and_maps_and_says_what_it_is(mobileseg, package, photo, tmp_path):
    done = mobileseg("mil", "run", package, photo, "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Linux evaluation: it cannot see Apple's kernels" in done.stdout
    assert "Not a medical device" in done.stdout
    out = tmp_path / "out"
    assert sorted(p.name for p in out.iterdir()) == [
        "crop.npy",
        "outputs.json",
        "probabilities.npy",
        "probabilities.png",
        "retina.npy",
    ]
    probabilities = np.load(out / "probabilities.npy")
    first = json.loads((out / "outputs.json").read_text())["outputs"][0]
    assert first["shape"] == list(probabilities.shape) == [1, 1, 128, 128] and first["finite"]
    assert first["max"] == float(probabilities.max())
    shown = np.asarray(Image.open(out / "probabilities.png"))
    assert np.array_equal(shown, np.rint(probabilities[0, 0] * 255.0).astype(np.uint8))


def test_wrong_input_is_one_line_and_exit_2(mobileseg, package, photo, bundles, tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (20, 20)).save(small)
    cut = shutil.copytree(package, tmp_path / "cut.mlpackage")
    (weights,) = (cut / "Data" / "com.apple.CoreML" / "weights").iterdir()
    weights.write_bytes(weights.read_bytes()[:1000])
    for arguments, said in (
        (("run", tmp_path / "none", photo), "no such package"),
        (("run", tmp_path, photo), "expected an .mlpackage folder"),
        (("inspect", bundles / "coreml"), "model.mlpackage"),
        (("run", package, small), "expected at least 32 each way"),
        (("run", package, tmp_path / "none.png"), "no such file"),
        (("run", cut, photo), "weight.bin: found 1000 bytes; expected"),
    ):
        done = mobileseg("mil", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("mobileseg: ") and said in line
