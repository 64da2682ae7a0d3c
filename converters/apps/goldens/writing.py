"""How a golden lies on disk, and the formula that its pixels come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def dump(path: Path, value: Any) -> None:
    """JSON, readable in a diff: an entry a line, a list of plain values on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_laid_out(value) + "\n", encoding="utf-8")


def _laid_out(value: Any, indent: str = "") -> str:
    inner = f"{indent} "
    if isinstance(value, dict) and value:
        entries = [f"{_plain(key)}: {_laid_out(one, inner)}" for key, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        entries = [_laid_out(one, inner) for one in value]
    else:
        return _plain(value)
    left, right = "{}" if isinstance(value, dict) else "[]"
    return f"{left}\n{inner}" + f",\n{inner}".join(entries) + f"\n{indent}{right}"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def raw(path: Path, values: NDArray[Any], dtype: str = "u1") -> None:
    """Row after row, little-endian, without a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.ascontiguousarray(values).astype(f"<{dtype}").tobytes())


def mixed(y: ArrayLike, x: ArrayLike, c: ArrayLike, seed: int = 0) -> NDArray[np.int64]:
    """Whole numbers 0..65535 that look like noise: no two neighbours, rows or channels alike."""
    found = np.asarray(y, np.int64) * 73856093 ^ np.asarray(x, np.int64) * 19349663
    found = found ^ (np.asarray(c, np.int64) + 7 * seed + 1) * 83492791
    found = (found ^ (found >> 13)) * 1274126177
    return (found ^ (found >> 16)) & 0xFFFF


def noise(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.int64]:
    """`mixed` at every place of an array of up to three axes."""
    y, x, c = np.indices((*shape, *[1] * (3 - len(shape))))
    return mixed(y, x, c, seed).reshape(shape)
