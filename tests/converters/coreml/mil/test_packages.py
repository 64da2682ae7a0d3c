"""Whole packages: against eager PyTorch in every order, and damaged so that each fault is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from converters.bundle.goldens import planes
from converters.coreml import converter as coreml_program
from converters.coreml.mil.model import open_model
from converters.coreml.mil.package import open_package
from converters.coreml.mil.protobuf import specification
from converters.coreml.mil.summary import summary
from converters.coreml.output_heads import Labels
from converters.deployable import IMAGE, Deployable, NetworkAlone
from mobileseg.errors import BadInput
from mobileseg.preprocess.reference import preprocess
from mobileseg.spec import photo_to_frame

FLOAT16 = 10
# max |Δp| from the same input: fp32 by the order of its sums; the others about twice what was
# measured on these weights, whose answers span 0..1.
FP32, INT8 = 1e-5, 0.08


@torch.no_grad()
def eager(package, frame):
    """(probabilities, crop, retina) of PyTorch in float32, by the very graph that was converted."""
    spec = package.run.config.preprocess.with_frame(frame.shape[:2])
    graph = Deployable(package.run.ensemble, spec, IMAGE)
    out = graph(torch.from_numpy(planes(frame))[None].float())
    return out[0][0].numpy(), out[1][0].numpy(), float(out[2])


def test_fp32_is_pytorch_to_the_last_digits(coreml_packages, phantom_frame):
    package = coreml_packages["usual"]
    run = coreml_program.load(package.path)
    for frame in (phantom_frame, phantom_frame[::-1].copy(), np.zeros_like(phantom_frame)):
        found, (probabilities, crop, retina) = run(frame), eager(package, frame)
        assert np.abs(found.probabilities - probabilities).max() < FP32
        assert np.array_equal(found.crop, crop) and found.retina == pytest.approx(retina, abs=1e-7)
        assert found.probabilities.dtype == np.float32


def test_masks_in_half_precision_for_frames_of_three_sizes(coreml_packages, phantom_frame):
    package = coreml_packages["masks"]
    run, threshold = coreml_program.load(package.path), 0.5
    for frame_hw in package.order.frames:
        frame = photo_to_frame(phantom_frame, frame_hw)
        found, (probabilities, crop, _) = run(frame), eager(package, frame)
        wrong = (found.probabilities[0] == 1) != (probabilities[0] >= threshold)
        assert set(np.unique(found.probabilities)) == {0.0, 1.0}
        # Only where fp16's rounding may carry a pixel across.
        assert np.abs(probabilities[0][wrong] - threshold).max(initial=0) < 0.01
        assert np.array_equal(found.crop, crop)


def test_labels_become_a_channel_for_each_lesion(coreml_packages, phantom_frame):
    package = coreml_packages["labels"]
    found = coreml_program.load(package.path)(phantom_frame).probabilities
    thresholds = [package.run.config.thresholds[code] for code in package.run.config.lesions]
    (labels,) = Labels(thresholds)(torch.from_numpy(eager(package, phantom_frame)[0])[None])
    assert found.shape == (2, 64, 64) and found.sum(axis=0).max() == 1
    ours = found[0] + 2 * found[1]
    assert (ours != labels.numpy()).mean() < 0.05  # six bits a weight
    assert {1.0, 2.0} <= set(np.unique(ours))


@torch.no_grad()
def test_a_network_alone_with_weights_of_a_byte(coreml_packages, phantom_frame):
    package = coreml_packages["network"]
    picture = planes(preprocess(phantom_frame, package.run.config.preprocess).enhanced)
    found = coreml_program.load(package.path)(picture)
    wanted = NetworkAlone(package.run.ensemble, 64)(torch.from_numpy(picture)[None])[0].numpy()
    assert 0 < np.abs(found.probabilities - wanted).max() < INT8
    assert np.isnan(found.crop).all() and np.isnan(found.retina)


def test_this_machine_can_run_them(coreml_packages):
    for package in coreml_packages.values():
        assert coreml_program.why_not(package.order) is None
    assert coreml_program.EVALUATION == "Linux evaluation"


def test_a_frame_of_a_size_that_is_not_listed_is_refused(coreml_packages):
    for name, sizes in (("usual", "128x160"), ("masks", "128x160 or 96x200 or 256x128")):
        run = coreml_program.load(coreml_packages[name].path)
        with pytest.raises(BadInput, match=f"found uint8 64x64x3; expected RGB image {sizes}"):
            run(np.zeros((64, 64, 3), np.uint8))


def test_what_is_in_a_package_is_told(coreml_packages):
    told = summary(open_package(coreml_packages["masks"].path))
    by_kind = {row.kind: row for row in told.operations}
    assert all(row.known for row in told.operations) and "const" not in by_kind
    assert by_kind["upsample_bilinear"].types == {"fp16": by_kind["upsample_bilinear"].count}
    assert told.system == 17 and told.constants["fp16"] > 0
    assert [str(one) for one in told.outputs][:2] == ["grey image 64x64", "float32 array 1x4"]
    assert told.about["author"] == "mobileseg"
    assert sorted(told.to_json()["files"]) == sorted(told.files)


# Damaged.


def block_of(spec):
    function = spec.mlProgram.functions["main"]
    return function.block_specializations[function.opset]


@pytest.fixture
def changed(copied):
    """Open a copy of the two-stage network alone, let a function change its program, write it."""

    def change(edit, name="network"):
        path = copied(name)
        package = open_package(path)
        edit(package.spec)
        package.program_file.write_bytes(package.spec.SerializeToString())
        return path

    return change


def one(spec, kind):
    return next(op for op in block_of(spec).operations if op.type == kind)


def unknown_operation(spec):
    one(spec, "relu").type = "no_such_thing"


def wrong_shape(spec):
    one(spec, "conv").outputs[0].type.tensorType.dimensions[1].constant.size += 1


def wrong_type(spec):
    one(spec, "relu").outputs[0].type.tensorType.dataType = FLOAT16


def unknown_argument(spec):
    op = one(spec, "relu")
    op.inputs["slope"].CopyFrom(op.inputs["x"])


def value_from_nowhere(spec):
    one(spec, "relu").inputs["x"].arguments[0].name = "nowhere"


def offset_beyond(spec):
    op = one(spec, "constexpr_blockwise_shift_scale")
    op.inputs["data"].arguments[0].value.blobFileValue.offset = 2**40


def weights_elsewhere(spec):
    op = one(spec, "constexpr_blockwise_shift_scale")
    op.inputs["data"].arguments[0].value.blobFileValue.fileName = "@model_path/../../../x.bin"


def output_not_described(spec):
    spec.description.output[0].type.multiArrayType.shape[1] = 3


def other_release(spec):
    spec.mlProgram.functions["main"].opset = "CoreML99"


FAULTS = {
    unknown_operation: r"operation no_such_thing \(output \w+\) is unknown here",
    wrong_shape: r"operation conv \(output \w+\) gives 1x16x64x64; the program declares fp32 1x17",
    wrong_type: r"operation relu \(output \w+\) declares fp16; expected fp32",
    unknown_argument: r"operation relu \(output \w+\) has an unknown argument: slope",
    value_from_nowhere: r"operation relu \(output \w+\) takes 'nowhere', which nothing before",
    offset_beyond: r"weight\.bin: found \d+ bytes; expected \d+, to the end of the record",
    weights_elsewhere: "expected one inside the package",
    output_not_described: "output probabilities is float32 1x1x64x64; described as float32 array",
    other_release: "has operations 'CoreML99'; expected one of CoreML5",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_program_that_is_not_what_it_says_is_refused(fault, changed):
    path = changed(fault)
    with pytest.raises(BadInput, match=FAULTS[fault]) as caught:
        coreml_program.load(path)(np.zeros((3, 64, 64), np.float32))
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_another_kind_of_model_is_refused(changed):
    def older(spec):
        spec.neuralNetwork.SetInParent()

    with pytest.raises(BadInput, match=r"kind neuralNetwork; expected an ML program"):
        open_package(changed(older))


def test_what_is_no_package_is_refused(copied, tmp_path, tiny_bundle):
    def refused(path):
        with pytest.raises(BadInput) as caught:
            open_package(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert refused(tmp_path / "none").endswith("none: no such package")
    assert "expected an .mlpackage folder" in refused(tmp_path)
    assert "pass" in refused(tiny_bundle) and "model.mlpackage" in refused(tiny_bundle)
    package = copied("network")
    manifest = package / "Manifest.json"
    good = json.loads(manifest.read_text())
    program = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    content = program.read_bytes()
    program.write_bytes(content[: len(content) // 2])
    assert "cannot be read as a Core ML model" in refused(package)
    manifest.write_text("{}")
    assert "names no model" in refused(package)
    root = good["rootModelIdentifier"]
    good["itemInfoEntries"][root]["path"] = "../../elsewhere"
    manifest.write_text(json.dumps(good))
    assert "expected one inside the package" in refused(package)
    good["itemInfoEntries"][root]["path"] = "link"
    (package / "Data" / "link").symlink_to("/etc/hostname")
    manifest.write_text(json.dumps(good))
    assert "expected one inside the package" in refused(package)


def test_weights_cut_short_are_refused(copied):
    package = copied("usual")
    (file,) = (package / "Data" / "com.apple.CoreML" / "weights").iterdir()
    content = file.read_bytes()
    for length in (0, 63, 100, len(content) // 2, len(content) - 1000):
        file.write_bytes(content[:length])
        with pytest.raises(BadInput, match=r"weight\.bin: found \d+ bytes; expected"):
            open_model(package)


def test_the_protobuf_classes_are_those_of_coremltools():
    """Loaded without it, or with it: one program is read alike."""
    from coremltools.proto import Model_pb2

    assert specification().Model().SerializeToString() == b""
    assert specification().Model.DESCRIPTOR.full_name == Model_pb2.Model.DESCRIPTOR.full_name
