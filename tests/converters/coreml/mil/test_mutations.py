"""Every planted fault shows in the answer, at least as far as a verdict's limit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from converters.coreml import converter as coreml_program

LIMIT = 1e-5  # max |Δp| from the same input that fp32 is allowed


def _mutations():
    """The table beside this file: tests are no package."""
    path = Path(__file__).with_name("mutations.py")
    spec = importlib.util.spec_from_file_location("mil_mutations", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTATIONS


MUTATIONS = _mutations()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_moves_the_answer_beyond_the_limit(name, copied, coreml_packages, phantom_frame):
    package = copied("usual")
    MUTATIONS[name](package)
    whole = coreml_program.load(coreml_packages["usual"].path)(phantom_frame)
    found = coreml_program.load(package)(phantom_frame)
    assert np.isfinite(found.probabilities).all()
    moved = float(np.abs(found.probabilities - whole.probabilities).max())
    print(f"{name}: {moved:.1e}")
    assert moved > LIMIT


def test_a_copy_without_a_fault_moves_nothing(copied, coreml_packages, phantom_frame):
    """So that the limit above is not met by chance."""
    one, other = (
        coreml_program.load(path)(phantom_frame)
        for path in (coreml_packages["usual"].path, copied("usual"))
    )
    assert np.array_equal(one.probabilities, other.probabilities)
