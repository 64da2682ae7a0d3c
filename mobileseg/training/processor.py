"""Which arithmetic pays on this machine's processor; nothing here chooses it for anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

# Instructions that multiply bfloat16 numbers, by PyTorch's names. Without them autocast is slower
# than float32: PyTorch converts back and forth (pytorch/pytorch#86550, #118499).
BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


def fast_precision() -> str:
    """The `precision` that trains fastest on this CPU: "bf16", or "fp32" where that is not known.

    "bf16" where the processor has AVX-512 BF16 or AMX and PyTorch brings oneDNN, which uses them;
    measured with the former (benchmarks/results/training-cpu.json), best with `channels_last`.
    ARM's instructions have not been measured: "fp32". It says nothing about a run's quality.
    """
    found = _capabilities()
    multiplies = any(found.get(name) for name in BF16_INSTRUCTIONS)
    return "bf16" if multiplies and torch.backends.mkldnn.is_available() else "fp32"  # type: ignore[no-untyped-call]


def _capabilities() -> Mapping[str, Any]:
    """What the processor can do, by PyTorch's names; nothing where PyTorch does not tell."""
    read = getattr(torch.cpu, "get_capabilities", None)
    return read() if read else {}
