"""What pays here is read from the processor, and nothing is promised where it does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mobileseg.training.processor import BF16_INSTRUCTIONS, fast_precision

CPU_INFO = Path("/proc/cpuinfo")


def told(monkeypatch: pytest.MonkeyPatch, **found: object) -> str:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    return fast_precision()


@pytest.mark.skipif(not CPU_INFO.is_file(), reason="not run: the kernel does not tell")
def test_the_kernel_says_the_same_of_this_processor() -> None:
    flags = CPU_INFO.read_text().split()
    expected = "bf16" if any(name in flags for name in BF16_INSTRUCTIONS) else "fp32"
    assert fast_precision() == expected


@pytest.mark.parametrize("name", BF16_INSTRUCTIONS)
def test_a_processor_that_multiplies_bfloat16_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(monkeypatch, architecture="x86_64", **{name: True}) == "bf16"


def test_without_such_instructions_or_without_onednn_it_is_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told(monkeypatch, architecture="x86_64", avx512_f=True, avx512_bf16=False) == "fp32"
    assert told(monkeypatch, architecture="arm64", bf16=True) == "fp32"  # not measured
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert told(monkeypatch, avx512_bf16=True) == "fp32"


def test_a_pytorch_that_does_not_tell_gives_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert fast_precision() == "fp32"
