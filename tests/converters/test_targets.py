"""The table of targets: every row leads to a module that offers what all modules offer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from converters.deployable import Layout
from converters.options import Order
from converters.targets import CHOICES, TARGETS, artifact_size, target
from mobileseg.errors import BadInput, UnknownName

OFFERED = ("why_not", "export", "load", "inspect", "describe", "versions")


@pytest.mark.parametrize("row", TARGETS.values(), ids=TARGETS)
def test_a_row_leads_to_a_module_that_offers_everything(row):
    module = row.converter()
    assert module.__name__ == row.module
    assert isinstance(module.LAYOUT, Layout)
    for name in OFFERED:
        assert callable(getattr(module, name)), name


@pytest.mark.parametrize("row", TARGETS.values(), ids=TARGETS)
def test_a_row_is_in_itself_consistent(row):
    assert TARGETS[row.name] is row is target(row.name)
    assert set(row.choices) <= set(CHOICES)
    usual = row.order([(64, 96)])
    assert usual.frames == ((64, 96),) and usual.precision == "fp32" and usual.whole
    for name, values in row.choices.items():
        assert getattr(usual, name) == values[0]
        assert [getattr(row.order([(64, 96)], **{name: v}), name) for v in values] == list(values)
    assert Order.from_json(usual.to_json(), [[64, 96]]) == usual
    assert row.artifact.startswith("model.")
    assert row.converter().versions()["torch"]


@pytest.mark.parametrize("row", TARGETS.values(), ids=TARGETS)
def test_an_extra_of_the_table_is_one_that_pip_can_install(row):
    from importlib import metadata

    extras = metadata.metadata("mobileseg").get_all("Provides-Extra")
    assert row.extra is None or row.extra in extras


def test_artifacts_of_different_targets_have_different_names():
    assert len({row.artifact for row in TARGETS.values()}) == len(TARGETS)


def test_an_unknown_target_is_named_with_the_choices():
    with pytest.raises(UnknownName) as caught:
        target("tflite")
    assert str(caught.value) == (
        "no target 'tflite'; choose from executorch, torchscript, coreml, onnx"
    )


def test_an_unknown_precision_is_named_with_this_targets_choices():
    with pytest.raises(UnknownName) as caught:
        target("torchscript").order([(64, 64)], precision="int8")
    assert str(caught.value) == "no torchscript precision 'int8'; choose from fp32"


def test_a_choice_that_a_target_does_not_have_says_who_has_it():
    with pytest.raises(BadInput) as caught:
        target("torchscript").order([(64, 64)], ios="17")
    assert str(caught.value) == "target torchscript has no choice of ios; coreml has"


def test_several_frame_sizes_are_refused_where_a_file_takes_one():
    with pytest.raises(
        BadInput, match="found 2 frame sizes; expected one: torchscript takes one size"
    ):
        target("torchscript").order([(64, 64), (64, 96)])


def loaded_by(statement: str) -> set[str]:
    probe = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return {"torch", "executorch", "coremltools"} & set(done.stdout.split())


def test_the_table_loads_no_toolkit_and_not_even_torch():
    assert loaded_by("import converters.targets") == set()
    assert loaded_by("import converters.targets, torch") == {"torch"}  # the probe can see


def test_a_targets_module_loads_no_toolkit_before_it_is_asked_to():
    modules = ", ".join(row.module for row in TARGETS.values())
    assert loaded_by(f"import {modules}") == {"torch"}


def test_the_size_of_a_package_is_that_of_all_files_in_it(tmp_path: Path):
    inside = tmp_path / "a.mlpackage" / "Data"
    inside.mkdir(parents=True)
    (inside / "one").write_bytes(b"123")
    (inside.parent / "two").write_bytes(b"45")
    assert artifact_size(tmp_path / "a.mlpackage") == 5
    assert artifact_size(inside / "one") == 3
    with pytest.raises(BadInput, match=r"model\.pte: no such file; expected an artifact"):
        artifact_size(tmp_path / "model.pte")
