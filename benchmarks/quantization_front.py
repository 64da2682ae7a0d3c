"""What quantized runs keep of their own measurement, as the front: a JSON list, a row a file.

    python benchmarks/quantization_front.py RUN ... -o benchmarks/results/…

RUN is a folder that `mobileseg quantize` wrote, or a shipped run. Nothing is measured here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mobileseg.files.atomic import write_json
from mobileseg.quantization.quantized_run import open_quantized
from mobileseg.runs import Run, open_run

SPLITS = ("validation", "test")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(runs: tuple[Path, ...], output: Path) -> None:
    """Write the front of every run."""
    write_json(output, [row for path in runs for row in front(open_run(path))])


def front(run: Run) -> list[dict[str, Any]]:
    """A row for each written file, lesion and set of pictures."""
    told = open_quantized(run).report
    return [
        {
            **{name: told.get(name) for name in ("date", "machine", "command", "data")},
            "variant": run.config.variant,
            "side": run.config.preprocess.side_px,
            "precision": file["name"],
            "layers_float": file["layers_float"] if file["int8_convolutions"] else ["all"],
            "network_bytes": file["network_bytes"],
            "median_ms_ratio_to_fp32": file["median_ms_ratio_to_fp32"],
            "spread": file["spread"],
            "lesion": score["lesion"],
            "aupr": score["aupr"],
            "aupr_drop": score["aupr_drop"],
            "lesion_recall_drop": score["recall_drop"],
            "lesions_missed": len(score["missed"]),
            "lesions_gained": score["gained"],
            "split": split,
            "chosen": file["chosen"],
        }
        for file in told["files"]
        for split in SPLITS
        for score in file[split]
    ]


if __name__ == "__main__":
    main()
