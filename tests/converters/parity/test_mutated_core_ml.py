"""Faults planted into a saved Core ML package change the gate's verdict, and name the file."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

from converters.bundle.read import Bundle, open_bundle, write_bundle
from converters.parity.compare import compare
from converters.parity.metrics import faults, in_words, made_by, verdict
from converters.parity.result import Verdict
from converters.parity.stages import ARTIFACT, STAGES
from converters.targets import target

MIL = Path(__file__).parents[1] / "coreml" / "mil" / "mutations.py"


def _mutations():
    """Tests are no package: the table of the evaluator's own tests, by its path."""
    spec = importlib.util.spec_from_file_location("mil_mutations", MIL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTATIONS


pytest.importorskip("coremltools", reason="not run: coremltools is not installed")
MUTATIONS = _mutations()


@pytest.fixture(scope="module")
def whole(tiny_run, tmp_path_factory) -> Path:
    folder, row = tmp_path_factory.mktemp("coreml") / "bundle", target("coreml")
    write_bundle(tiny_run, folder, target=row, order=row.order([(128, 160)]))
    return folder


def test_the_package_agrees_and_the_verdict_says_on_what(whole, cases):
    result = compare(open_bundle(whole), cases[:2], "two phantoms")
    assert in_words(result) == "agrees (Linux evaluation)", faults(result)
    assert result.stages == [s for s in STAGES[1:] if "quantized" not in s]
    assert max(p.same_tensor.max for p in result.pictures) < 1e-5
    assert all(p.box_equal for p in result.pictures)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_fault_changes_the_verdict_and_names_the_file(name, whole, cases, tmp_path):
    """Not opened, because the sum would give it away: as if it had been written so."""
    folder = shutil.copytree(whole, tmp_path / "bundle")
    MUTATIONS[name](folder / "model.mlpackage")
    result = compare(Bundle(folder, open_bundle(whole).manifest), cases[:1], "one phantom")
    assert verdict(result) is Verdict.DIFFERS
    assert made_by(result) == ARTIFACT
    assert any(f.stage == "from the same tensor" for f in faults(result))
