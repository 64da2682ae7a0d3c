"""Write the measured figures from benchmarks/results into README.md, between its markers.

python benchmarks/readme_results.py            # rewrite
python benchmarks/readme_results.py --check    # exit 1 if README.md says something else
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- results -->", "<!-- end of results -->"

# File -> what a reader should know of its data.
DEMOS = {
    "demo-idrid512-ex.json": "real pictures, IDRiD at 512 px, true EX masks",
    "demo-phantoms-ex.json": "phantoms, which show no camera's faults",
}
# The shipped run's bundles on all test pictures, and on full-size ones whose crop cuts.
PARITY = ("parity-xs-ex-executorch.json", "parity-xs-ex-torchscript.json")
# Trained runs by the study that made them.
STUDIES = ("study-exudates-cpu.json",)
# Hard exudates in the paper's Table 3, at 512 px: they stand beside ours, not in one column.
PUBLISHED = {("xs", 1): "0.774", ("s", 1): "0.760", ("xs", 3): "0.852", ("s", 3): "0.850"}


def block() -> str:
    """The text between the markers."""
    found = {name: json.loads((HERE / "results" / name).read_text()) for name in DEMOS}
    rows = [_row(name, report) for name, report in found.items()]
    compared = [p for report in found.values() for p in report["parity"]]
    compared += [json.loads((HERE / "results" / name).read_text())["measured"] for name in PARITY]
    return "\n".join(
        [
            START,
            "",
            *_studies(),
            "",
            "Five minutes' training on two CPU cores, U²-Net-XS, hard exudates, `mobileseg demo` "
            "with its defaults:",
            "",
            "| data | side px | epochs | test AUPR | Dice at the validation threshold | date |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "The files against eager PyTorch, fp32, each reopened from disk:",
            "",
            "| data | file | pictures (of them cropped) | max \\|Δp\\| end to end "
            "| mask pixels flipped | grey levels off | verdict |",
            "|---|---|---|---|---|---|---|",
            *map(_parity, compared),
            "",
            "Commands, machine and every figure: `benchmarks/results/`.",
            "",
            END,
        ]
    )


def _studies() -> list[str]:
    """A row per network that a study trained; test pictures, protocol and size named."""
    rows = [row for name in STUDIES for row in json.loads((HERE / "results" / name).read_text())]
    gpu = {row["gpu"] for row in rows} - {None}
    where = ", ".join(sorted(gpu)) or "CPU only (half the paper's side, fewer epochs)"
    return [
        f"Trained on {rows[0]['data']} (true masks of hard exudates), protocol "
        f"`{rows[0]['protocol']}`, {where}:",
        "",
        "| network | side px | epochs | runs | test AUPR, exact | Dice | lesion recall "
        "| the paper's AUPR, 512 px |",
        "|---|---|---|---|---|---|---|---|",
        *map(_study_row, rows),
        "",
        "(SD over runs), [95 % interval over pictures]. The paper's are of another crop and size.",
    ]


def _study_row(row: dict[str, Any]) -> str:
    members = len(row["ensemble"] or [0])
    name = f"{row['variant'].upper()}{'†' if members > 1 else ''}"
    sd = f" ({row['aupr_sd']:.3f})" if row["aupr_sd"] is not None else ""
    low, high = next(iter(row["interval_95"].values()))["aupr"]
    interval = f" [{low:.2f}–{high:.2f}]" if row["runs"] == 1 else ""
    epochs = row["epochs"] or "as its members"
    return (
        f"| U²-Net-{name} | {row['side']} | {epochs} | {row['runs']} "
        f"| {row['aupr_mean']:.3f}{sd}{interval} | {row['dice_mean']:.3f} "
        f"| {row['lesion_recall']:.3f} | {PUBLISHED.get((row['variant'], members), '–')} |"
    )


def _row(name: str, report: dict[str, Any]) -> str:
    score = report["scores"][0]
    return (
        f"| {DEMOS[name]} | {report['side_px']} | {report['training']['epochs']} "
        f"| {score['aupr']:.3f} | {score['dice']:.3f} | {report['date'][:10]} |"
    )


def _parity(p: dict[str, Any]) -> str:
    start = f"| {p['data']} | {p['target']} {p['precision']} "
    if p["not_run"]:
        return start + f"| – | – | – | – | {p['verdict']} |"
    # A list of every picture in a bundle's own evidence, their number in a report.
    pictures = p["pictures"] if isinstance(p["pictures"], int) else len(p["pictures"])
    return (
        start + f"| {pictures} ({p['cropped']}) | {p['max_end_to_end']:.1e} "
        f"| {_share(p['flipped_share'])} | {_share(p['level_flip_share'])} | {p['verdict']} |"
    )


def _share(share: float) -> str:
    return f"{share:.1e} of all" if share else "0"


def main() -> int:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    written = before + block() + after
    if "--check" in sys.argv:
        return int(written != text)
    README.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
