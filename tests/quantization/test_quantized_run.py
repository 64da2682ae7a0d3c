"""The int8 form on disk: read back as written, and refused as soon as it is another's."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch

from mobileseg.errors import BadInput, UnknownName
from mobileseg.quantization.calibration import calibrate
from mobileseg.quantization.quantized_run import (
    Quantized,
    folded_networks,
    is_quantized,
    open_quantized,
    save_quantized,
)
from mobileseg.runs import open_run

SIDE = 64


@pytest.fixture(scope="module")
def form(run, pictures) -> Quantized:
    networks = folded_networks(run)
    ranges = tuple(calibrate(network, pictures, SIDE) for network in networks)
    return Quantized("ptq", ("outconv",), ranges, networks, ("a", "b"), {"gate": {}})


@pytest.fixture
def own(run, form, tmp_path):
    folder = shutil.copytree(run.path, tmp_path / "run")
    save_quantized(form, run, folder)
    return open_run(folder)


def test_what_is_written_is_read_back_to_the_bit(own, form):
    assert is_quantized(own)
    found = open_quantized(own)
    assert (found.method, found.layers_float) == ("ptq", ("outconv",))
    assert found.ranges == form.ranges and found.calibration == ("a", "b")
    assert not (own.path / "quantized.safetensors").exists()  # its own weights serve


def test_tuned_weights_are_kept_beside_the_runs_own(own, form):
    changed = form.networks
    with torch.no_grad():
        changed[0].outconv.bias += 0.25
    save_quantized(replace(form, method="qat", networks=changed), own, own.path)
    found = open_quantized(own)
    assert torch.equal(found.networks[0].outconv.bias, changed[0].outconv.bias)
    assert not torch.equal(own.network.outconv.bias, changed[0].outconv.bias)


def edited(**entries):
    def edit(folder):
        path = folder / "quantized.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))

    return edit


def without(name):
    def edit(folder):
        path = folder / "quantized.json"
        values = json.loads(path.read_text())
        del values[name]
        path.write_text(json.dumps(values))

    return edit


def other_weights(folder):
    with (folder / "best.safetensors").open("ab") as file:
        file.write(b" ")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (edited(schema=9), "another schema than 1"),
        (edited(weights_sha256="0" * 64), "made of other weights"),
        (edited(method="magic"), "found method 'magic'"),
        (edited(ranges=[]), "ranges of 0 member"),
        (edited(ranges=[{"input": [1]}]), "entry missing or of another kind"),
        (edited(method="qat"), "not a readable safetensors file"),
        (without("layers_float"), "entry missing or of another kind"),
        (lambda folder: (folder / "quantized.json").write_text("{"), "cannot be read as JSON"),
        (edited(method=["ptq"]), r"method: found \['ptq'\], expected a text"),
        (
            edited(ranges=[{"input": [1, 0]}]),
            r"ranges\[0\]\.input: found \[1, 0\], expected the small",
        ),
        (edited(ranges=[{"input": [0, True]}]), r"input\[1\]: found True"),
        (edited(ranges=[{"input": ["0", "1"]}]), r"input\[0\]: found '0'"),
        (edited(ranges=[{"input": [0, 1e300]}]), r"input\[1\]: found 1e\+300"),
        (edited(layers_float="outconv"), "layers_float: found 'outconv', expected a list"),
        (edited(layers_float=[[]]), r"layers_float\[0\]: found \[\]"),
        (edited(calibration=[1]), r"calibration\[0\]: found 1"),
        (edited(report=[]), r"report: found \[\], expected an object"),
    ],
    ids=range(17),
)
def test_a_damaged_or_foreign_form_is_refused_by_name(fault, said, own):
    fault(own.path)
    with pytest.raises(BadInput, match=said):
        open_quantized(own)


def test_a_layer_that_the_network_has_not_is_refused(own):
    edited(layers_float=["decoder.17"])(own.path)
    with pytest.raises(UnknownName, match=r"decoder\.17"):
        open_quantized(own)


def test_a_run_without_a_form_says_how_to_get_one(run):
    with pytest.raises(BadInput, match=r"has no quantized\.json; run mobileseg quantize"):
        open_quantized(run)


def test_the_shipped_runs_have_one_that_keeps_its_gate():
    from mobileseg.runs import shipped_runs

    for path in shipped_runs().values():
        found = open_quantized(open_run(path))
        assert found.report["decision"] == "kept"
        assert len(found.calibration) == 43
