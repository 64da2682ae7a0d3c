"""`gate.toml`: what it overrides, and every way in which it can be wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converters.parity.metrics import faults
from converters.parity.tolerances import TOLERANCES, read_gate
from mobileseg.errors import BadInput

REPOSITORY = Path(__file__).parents[3]


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "gate.toml").write_text(text)
    return tmp_path / "gate.toml"


def test_what_it_names_is_overridden_and_the_rest_stays(tmp_path):
    file = write(tmp_path, "[fp32]\nwritten = 2e-5\nrecall = 0\n[pictures]\nlabelled = 8\n")
    gate = read_gate(file)
    assert gate.limits["fp32"]["written"].most == 2e-5
    assert gate.limits["fp32"]["written"].why == "by gate.toml"
    assert gate.limits["fp32"]["mean"] == TOLERANCES["fp32"]["mean"]
    assert gate.limits["int8"] == TOLERANCES["int8"]
    assert (gate.pictures, gate.source) == ({"labelled": 8}, str(file))
    assert read_gate(write(tmp_path, "")).limits == TOLERANCES


def test_the_limit_that_it_sets_is_the_one_that_holds(tmp_path, made):
    gate = read_gate(write(tmp_path, "[fp32]\nwritten = 9e-6\n"))
    (fault,) = faults(made.parity(), gate)
    assert str(fault) == "written artifact: max |Δp| 1e-05, at most 9e-06"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[fp33]\nmean = 1", "found section [fp33]; expected one of fp32, fp16, int8"),
        ("[fp32]\nmeen = 1", "found 'meen' in [fp32]; expected one of level_flips"),
        ("[fp32]\nrounded_mean = 1", "found 'rounded_mean' in [fp32]; expected one of"),
        ("[fp32]\nmean = '1'", "found mean = '1'; expected a number, 0 or above"),
        ("[fp32]\nmean = true", "found mean = True; expected a number"),
        ("[fp32]\nmean = nan", "found mean = nan; expected a number"),
        ("[fp32]\nmean = inf", "found mean = inf; expected a number"),
        ("[fp32]\nmean = -1", "found mean = -1; expected a number"),
        ("mean = 1", "found 'mean' outside a section; expected [fp32]"),
        ("[pictures]\nlabeled = 1", "found 'labeled' in [pictures]; expected labelled and cropped"),
        ("[pictures]\nlabelled = 1.5", "found labelled = 1.5; expected a whole number"),
        ("[pictures]\nlabelled = true", "found labelled = True; expected a whole number"),
        ("[fp32", "cannot be read as TOML"),
        ("[fp32]\nmean = 1\nmean = 2", "cannot be read as TOML"),
        ("a = " + "[" * 5000, "cannot be read as TOML"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(text, said, tmp_path):
    with pytest.raises(BadInput) as refused:
        read_gate(write(tmp_path, text))
    assert str(refused.value).startswith(f"{tmp_path / 'gate.toml'}: {said}")
    assert "\n" not in str(refused.value)


def test_what_is_no_file_of_text_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"#" * 2_000_000)
    for name, said in (
        ("fifo", "found no plain file"),
        (".", "found no plain file"),
        ("nowhere", "no such file"),
        ("binary", "cannot be read as TOML"),
        ("large", "found 2000000 B; expected a gate of a few lines"),
    ):
        with pytest.raises(BadInput, match=said):
            read_gate(tmp_path / name)


def test_the_example_in_the_documentation_is_the_table_itself():
    gate = read_gate(REPOSITORY / "docs" / "ci" / "gate.toml")
    for precision, row in TOLERANCES.items():
        assert {k: v.most for k, v in gate.limits[precision].items()} == {
            k: v.most for k, v in row.items()
        }
