"""What operators an old PyTorch knows, for `converters/torchscript/operators.json`.

Run it once under each release, in an environment of its own, then join what they printed:

    python3.11 -m venv old && old/bin/pip install torch==1.13.1 'numpy<2'
    old/bin/python benchmarks/torchscript_operators.py dump > 1.13.1.json
    python benchmarks/torchscript_operators.py join 1.13.1.json 2.1.2.json \
        > converters/torchscript/operators.json

Needs nothing but that PyTorch, here its Linux package (`pip install --no-deps` and the few packages
it asks for); the mobile libraries, built from the same source, publish no list. Left out is what no
traced inference graph calls (see `LEFT_OUT`): what the file does not list counts as unknown.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

# Operators that write into a given tensor, compute gradients, or belong to another device.
LEFT_OUT = re.compile(
    r"backward|^_?(foreach|cudnn|cufft|cuda|mkldnn|miopen|mps|nested|fused|thnn|fbgemm|fft)"
    r"|sparse|quantize|^special_|^linalg_|^_|_copy$|\.(.*_)?out(put)?(_.*)?$|(_|\.)out$"
)
TRACED = {"_convolution"}  # a name for insiders that every traced convolution has


def dump() -> dict[str, list[int]]:
    """Name -> fewest and most arguments that a call may give, of this PyTorch."""
    import torch

    known: dict[str, list[int]] = {}
    for schema in torch._C._jit_get_all_schemas():
        space, name = schema.name.split("::")
        full = f"{name}.{schema.overload_name}" if schema.overload_name else name
        if space != "aten" or (LEFT_OUT.search(full) and name not in TRACED):
            continue
        needed = [not a.has_default_value() for a in schema.arguments]
        # Arguments are left off from the end: all up to the last that has no default are given.
        fewest = max((i + 1 for i, need in enumerate(needed) if need), default=0)
        known[full] = [fewest, len(needed)]
    return known


def join(files: list[Path]) -> str:
    """One text of all releases; what they agree on stands once, under all their names."""
    tables = {path.stem: json.loads(path.read_text()) for path in files}
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(set().union(*tables.values())):
        takers: dict[str, list[str]] = defaultdict(list)
        for release, table in tables.items():
            if name in table:
                fewest, most = table[name]
                takers[f"{fewest}-{most}"].append(release)
        for arguments, releases in takers.items():
            groups[" ".join(releases)][arguments].append(name)
    compact = {
        releases: {arguments: " ".join(names) for arguments, names in sorted(by_count.items())}
        for releases, by_count in sorted(groups.items())
    }
    return json.dumps(compact, indent=0)


if __name__ == "__main__":
    if sys.argv[1] == "dump":
        print(json.dumps(dump()))
    else:
        print(join([Path(name) for name in sys.argv[2:]]))
