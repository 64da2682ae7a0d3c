"""What a form computes with: the type of the maps, and whether float32 products are shortened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the network alone: normalisation and sigmoid stay float32 in every precision."""

    dtype: torch.dtype
    tf32: bool = False  # float32 operands are rounded to 11 bits before they are multiplied


PRECISIONS: dict[str, Precision] = {
    "fp32": Precision(torch.float32),
    "tf32": Precision(torch.float32, tf32=True),
    "bf16": Precision(torch.bfloat16),
    "fp16": Precision(torch.float16),
}


@contextmanager
def arithmetic(precision: str, *, search: bool) -> Iterator[None]:
    """PyTorch's switches as a form wants them, and afterwards as they were.

    Args:
        precision: a name of `PRECISIONS`.
        search: let cuDNN time its algorithms once per shape and keep the fastest.
    """
    # PyTorch shortens the products of convolutions unless it is told not to.
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark
    tf32 = PRECISIONS[precision].tf32
    cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark = tf32, tf32, search
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32, cudnn.benchmark = before
