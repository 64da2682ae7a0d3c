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
PARITY = (
    "parity-xs-ex-executorch.json",
    "parity-xs-ex-torchscript.json",
    "parity-xs-ex-coreml.json",
    "parity-xs-ex-onnx.json",
    "parity-xs-ex-executorch-fp16.json",
    "parity-xs-ex-executorch-int8.json",
    "parity-s-ex-executorch-int8.json",
    "parity-xs-ex-coreml-fp16.json",
    "parity-xs-ex-coreml-int8w.json",
    "parity-xs-ex-coreml-pal6w.json",
)
# What quantising the shipped runs and compressing their weights cost.
INT8, WEIGHTS = "quantization-front-cpu.json", "coreml-weights-cpu.json"
# Networks that learnt from an ensemble, oldest first.
TAUGHT = (
    "distillation-cpu.json",
    "distillation-scratch-cpu.json",
    "distillation-settled-cpu.json",
    "distillation-blends-cpu.json",
)
# Batch norm held in the last epochs.
SETTLED = "settling-cpu.json"
PRUNED = "pruning-cpu.json"
# Files beside what else one could run.
SPEED = "artifacts-cpu.json"
# Trained runs by the study that made them.
STUDIES = ("study-exudates-cpu.json",)
# Hard exudates in the paper's Table 3, at 512 px: they stand beside ours, not in one column.
PUBLISHED = {("xs", 1): "0.774", ("s", 1): "0.760", ("xs", 3): "0.852", ("s", 3): "0.850"}


def block() -> str:
    """The text between the markers."""
    found = {name: _read(name) for name in DEMOS}
    rows = [_row(name, report) for name, report in found.items()]
    compared = [_read(name)["measured"] for name in PARITY]
    return "\n".join(
        [
            START,
            "",
            *_studies(),
            "",
            "A few minutes' training (five on two idle cores), U²-Net-XS, hard exudates, "
            "`mobileseg demo` with its defaults:",
            "",
            "| data | side px | epochs | test AUPR | Dice at the validation threshold | date |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            *_int8(),
            "",
            *_weights(),
            "",
            *_settled(),
            "",
            *_taught(),
            "",
            "The files against eager PyTorch in float32, each reopened from disk, on "
            f"{compared[0]['data']}:",
            "",
            "| file | pictures (of them cropped) | grey levels off "
            "| max \\|Δp\\| from the same tensor | mask pixels flipped "
            "| AUPR lost | lesion recall lost | verdict |",
            "|---|---|---|---|---|---|---|---|",
            *map(_parity, compared),
            "",
            *_speed(),
            "",
            "Commands, machine and every figure: `benchmarks/results/`.",
            "",
            END,
        ]
    )


def _speed() -> list[str]:
    """The files beside their peers; the reasons are on a page of their own."""
    rows = [row for row in _read(SPEED) if row["not_measured"] is None]
    return [
        "Time of a picture beside its peers, onnxruntime on the plain float32 export = 1 (one "
        f"thread, one interleaved run, {rows[0]['machine']}; why, how it grows and what binds: "
        "[benchmarks/README.md](benchmarks/README.md)):",
        "",
        "| network | part | engine | time / onnxruntime fp32 (p10–p90) | peak MB | file kB |",
        "|---|---|---|---|---|---|",
        *map(_speed_row, rows),
    ]


def _speed_row(row: dict[str, Any]) -> str:
    part = "whole pipeline" if row["graph"] == "whole" else "network alone"
    size = f"{row['file_bytes'] / 1000:.0f}" if row["file_bytes"] else "–"
    peak = "–" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
    return (
        f"| U²-Net-{row['variant'].upper()}, {row['side']} px | {part} "
        f"| {row['engine']} {row['precision']} | {row['ratio_to_onnxruntime_fp32']:.2f} "
        f"({row['ratio_p10']:.2f}–{row['ratio_p90']:.2f}) | {peak} | {size} |"
    )


def _read(name: str) -> Any:
    return json.loads((HERE / "results" / name).read_text())


def _studies() -> list[str]:
    """A row per network that a study trained; test pictures, protocol and size named."""
    rows = [row for name in STUDIES for row in _read(name)]
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


def _int8() -> list[str]:
    """A row per written file, on the test pictures that chose nothing."""
    rows = [row for row in _read(INT8) if row["split"] == "test"]
    return [
        "`mobileseg quantize` on the shipped runs: files of the network alone, XNNPACK, chosen on "
        f"the validation pictures, here on {rows[0]['data']}'s test pictures; time is a ratio of "
        "one interleaved run on one thread of a shared x86 machine:",
        "",
        "| network | file | layers in float | weights kB | time / fp32 (spread) | AUPR (drop) "
        "| lesion recall drop | lesions lost, gained |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| U²-Net-{row['variant'].upper()} | {row['precision']}{' (chosen)' * row['chosen']} "
            f"| {', '.join(row['layers_float']) or '–'} | {row['network_bytes'] / 1000:.0f} "
            f"| {row['median_ms_ratio_to_fp32']:.2f} ({row['spread']:.0%}) {_drops(row)} |"
            for row in rows
        ),
    ]


def _weights() -> list[str]:
    """A row per precision of Core ML's weights."""
    return [
        "Core ML packages of the network alone, their saved weights put back into PyTorch and "
        "scored on the same pictures (no Mac has run them; fp16 rounds values too and is not "
        "scored):",
        "",
        "| network | precision | weights kB | package kB | AUPR (drop) | lesion recall drop "
        "| lesions lost, gained |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| U²-Net-{row['variant'].upper()} | {row['precision']} "
            f"| {row['network_weight_bytes'] / 1000:.0f} "
            f"| {row['network_package_bytes'] / 1000:.0f} "
            f"{_drops(row) if 'aupr' in row else '| – | – | –'} |"
            for row in _read(WEIGHTS)
        ),
    ]


def _drops(row: dict[str, Any]) -> str:
    return (
        f"| {row['aupr']:.4f} ({row['aupr_drop']:+.4f}) | {row['lesion_recall_drop']:+.4f} "
        f"| {row['lesions_missed']}, {row['lesions_gained']}"
    )


def _settled() -> list[str]:
    """What it is worth to train as a phone computes, against as many epochs without."""
    return [
        "Batch norm's averages held in the last epochs (`--settle`), test AUPR, mean (SD), and the "
        "mean of the pictures' own:",
        "",
        "| network | side px | seeds | epochs | plain | as long, not settled | settled |",
        "|---|---|---|---|---|---|---|",
        *map(_settled_row, _read(SETTLED)),
    ]


def _settled_row(row: dict[str, Any]) -> str:
    def told(part: str) -> str:
        if part not in row:
            return "–"
        pooled, each = row[part]["pooled"], row[part]["per_picture"]
        sd = f" ({pooled['sd']:.3f})" if pooled["sd"] is not None else ""
        return f"{pooled['mean']:.3f}{sd}; {each['mean']:.3f}"

    plain, settled = row["training"]["plain"], row["training"]["settled"]
    more = f" + {settled['epochs']} settled" if "start" in settled else ""
    last = "" if more else f", the last {settled['settle']} settled"
    # A plain run of one training that settles within its epochs is as long as that one.
    cells = [told("plain"), told("control")] if more else ["–", told("plain")]
    seeds = len(row["plain"]["pooled"]["runs"])
    return (
        f"| U²-Net-{row['variant'].upper()} | {row['side']} | {seeds} "
        f"| {plain['epochs']}{more}{last} | {' | '.join(cells)} | {told('settled')} |"
    )


def _taught() -> list[str]:
    """A row per way of learning from an ensemble."""
    rows = [row for name in TAUGHT for row in _read(name)]
    return [
        "Does one U²-Net-XS learn what three know? Test AUPR, means of three runs (SD); the "
        "teacher is their ensemble, and a control trains as the pupil does, without the teacher:",
        "",
        "| side px | pupil | plain | teacher | pupil | control | share of the gap closed, by the "
        "control |",
        "|---|---|---|---|---|---|---|",
        *map(_taught_row, rows),
        "",
        *map(_pruned, _read(PRUNED)),
    ]


def _pruned(row: dict[str, Any]) -> str:
    """What zeros cost; they make no file faster."""
    return (
        f"With {row['zero_share']:.0%} of its convolutions' weights at 0 (`--prune`, "
        f"{row['seeds']} run, begun at the shipped weights), U²-Net-{row['variant'].upper()} has "
        f"{row['aupr']:.3f}; trained as long without, {row['aupr_control_without_pruning']:.3f}; "
        f"as shipped, {row['aupr_plain']:.3f}. No runtime here is made faster by zeros."
    )


def _taught_row(row: dict[str, Any]) -> str:
    def mean(part: str) -> str:
        known = row.get(f"{part}_mean")
        return f"{known:.3f} ({row[f'{part}_sd']:.3f})" if known is not None else "–"

    how = row["training"]["distilled"]
    start = how.get("start")
    begun = "from scratch"
    if start:  # one of the row's own plain runs, or what came of it
        begun = f"begun at {'the plain' if start['name'] in row['plain'] else 'settled'} weights"
    epochs = f"{how['epochs']} {'settled ' * bool(how.get('settle'))}epochs"
    epochs += ", with blends" * bool(how.get("distil_blend"))
    closed = "undecidable: " + (row["undecidable"] or "")
    if not row["undecidable"]:
        control = row.get("gap_closed_by_control")
        closed = f"{row['gap_closed']:.0%}" + (f", {control:.0%}" if control is not None else "")
    return (
        f"| {row['side']} | {begun}, {epochs} | {mean('plain')} | {row['teacher']:.3f} "
        f"| {mean('distilled')} | {mean('control')} | {closed} |"
    )


def _row(name: str, report: dict[str, Any]) -> str:
    score = report["scores"][0]
    return (
        f"| {DEMOS[name]} | {report['side_px']} | {report['training']['epochs']} "
        f"| {score['aupr']:.3f} | {score['dice']:.3f} | {report['date'][:10]} |"
    )


def _parity(p: dict[str, Any]) -> str:
    size = "S" if p["bundle"].startswith("s-ex") else "XS"
    lost = {f["key"]: f["found"] for f in p["figures"]}
    return (
        f"| U²-Net-{size}, {p['target']} {p['made']} | {len(p['pictures'])} ({p['cropped']}) "
        f"| {_share(p['level_flip_share'])} | {_number(p['max_same_tensor'])} "
        f"| {_share(p['flipped_share'])} | {_lost(lost['aupr'])} | {_lost(lost['recall'])} "
        f"| {p['in_words']} |"
    )


def _lost(value: float) -> str:
    return f"{round(value, 4) + 0.0:+.4f}"  # never "-0.0000"


def _number(value: float) -> str:
    return f"{value:.1e}" if value else "0"


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
