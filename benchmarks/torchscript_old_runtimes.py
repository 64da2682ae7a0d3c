"""Whether an old PyTorch answers a `.ptl` as the current one does, on a bundle's golden frames.

    python3.11 -m venv old-1.13.1 && old-1.13.1/bin/pip install torch==1.13.1 'numpy<2'
    python benchmarks/torchscript_old_runtimes.py BUNDLE --python old-1.13.1/bin/python \
        -o benchmarks/results/torchscript-old-runtimes.json

Each Python loads the bundle's file with its own lite interpreter and answers the same bytes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from converters.bundle.evidence import record
from converters.bundle.read import artifact_sha256, open_bundle
from converters.deployable import OUTPUTS
from mobileseg.files.atomic import read_json, write_json

# Runs under the old PyTorch: nothing of this package is there.
ANSWER = """
import sys
import numpy as np, torch
from torch.jit.mobile import _load_for_lite_interpreter
artifact, frame, height, width, into = sys.argv[1:]
pixels = np.fromfile(frame, np.uint8).reshape(1, int(height), int(width), 3)
with torch.no_grad():
    answer = _load_for_lite_interpreter(artifact)(torch.from_numpy(pixels))
np.savez(into, *[a.numpy() for a in answer])
print(torch.__version__)
"""


def answer(python: str, artifact: Path, golden: Path) -> tuple[str, list[Any]]:
    """The version of PyTorch that a Python has, and what it answers."""
    height, width, _ = read_json(golden / "expected.json")["frame"]["shape"]
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "answer.npz"
        arguments = [artifact, golden / "frame.rgb", height, width, into]
        done = subprocess.run(
            [python, "-c", ANSWER, *map(str, arguments)], capture_output=True, text=True
        )
        if done.returncode:
            raise click.ClickException(f"{python}: {done.stderr.strip().splitlines()[-1]}")
        with np.load(into) as saved:
            return done.stdout.split()[-1], [saved[name] for name in saved.files]


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--python", "pythons", multiple=True, required=True, help="Of an old PyTorch.")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True)
def main(bundle: Path, pythons: tuple[str, ...], output: Path) -> None:
    """Write the largest difference from the current PyTorch, by release, golden and output."""
    opened = open_bundle(bundle)
    goldens = sorted(p for p in (bundle / "goldens").iterdir() if p.is_dir())
    current = {g.name: answer(sys.executable, opened.artifact, g) for g in goldens}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for python in pythons:
        for golden in goldens:
            release, old = answer(python, opened.artifact, golden)
            new = current[golden.name][1]
            found.setdefault(release, {})[golden.name] = {
                name: float(np.abs(a - b).max())
                for name, a, b in zip(OUTPUTS, old, new, strict=True)
            }
    write_json(
        output,
        {
            **record(),
            "data": "the bundle's goldens (phantoms)",
            "bundle": bundle.name,
            "artifact_sha256": artifact_sha256(opened),
            "compared_with": current[goldens[0].name][0],
            "largest_difference": found,
        },
    )
    click.echo(output.read_text())


if __name__ == "__main__":
    main()
