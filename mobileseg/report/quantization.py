"""The page and the picture of a quantisation: what each layer costs, and the front that remains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mobileseg.files.atomic import write_text
from mobileseg.quantization.gate import signed
from mobileseg.report.style import GREY, INK, PAGE_IN, PALETTE, save

PICTURE, PAGE = "quantized.png", "quantized.md"
AREA_PT2_PER_KB = 0.6  # of a circle: XS in fp32, 287 kB, is then 15 points wide
NAMED = {"float": PALETTE[1], "int8": PALETTE[0]}


def write_quantized_page(folder: Path, told: dict[str, Any]) -> None:
    """Write both into a quantized run.

    Args:
        told: as `converters.quantize.report.finish` returns it.
    """
    save(folder, PICTURE.removesuffix(".png"), lambda: _figure(told), svg=False)
    write_text(folder / PAGE, _page(told))


def _figure(told: dict[str, Any]) -> Figure:
    height = max(2.6, 0.17 * len(told["layers"]) + 0.9)
    figure = Figure(figsize=(PAGE_IN, height), layout="constrained")
    costs, front = figure.subplots(1, 2, width_ratios=(1.1, 1))
    _draw_costs(costs, told)
    _draw_front(front, told)
    return figure


def _draw_costs(axes: Axes, told: dict[str, Any]) -> None:
    layers = told["layers"]
    drops = [max(layer["aupr_drop"].values()) for layer in layers]
    places = range(len(layers))
    axes.barh(places, drops, color=[NAMED[layer["choice"]] for layer in layers], height=0.7)
    labels = [f"{layer['layer']} ({layer['macs_share']:.0%})" for layer in layers]
    axes.set_yticks(list(places), labels)
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.6)
    limit = told["gate"]["max_aupr_drop"]
    axes.axvline(limit, color=GREY, linestyle="--")
    above = axes.get_xaxis_transform()
    axes.text(limit, 1.01, "gate", ha="center", va="bottom", color=GREY, transform=above)
    axes.set_xlim(min([0.0, *drops]) * 1.3 - limit / 20, max([limit, *drops]) * 1.15)
    axes.set_xlabel("AUPR lost with this layer alone in int8 (validation)")
    axes.set_title("Layer (share of the work); orange stays float", pad=14)


def _draw_front(axes: Axes, told: dict[str, Any]) -> None:
    for file in told["files"]:
        drop = max(score["aupr_drop"] for score in file["validation"])
        ratio = file["median_ms_ratio_to_fp32"]
        area = AREA_PT2_PER_KB * file["network_bytes"] / 1000
        colour = PALETTE[2] if file["chosen"] else PALETTE[5]
        axes.scatter(ratio, drop, s=area, color=colour, alpha=0.6, edgecolors=INK, linewidths=0.5)
        axes.annotate(
            f"{file['name']}\n{file['network_bytes'] / 1000:.0f} kB",
            (ratio, drop),
            xytext=(0, 4 + math.sqrt(area / math.pi)),  # clear of the circle
            textcoords="offset points",
            ha="center",
        )
    limit = told["gate"]["max_aupr_drop"]
    axes.axhline(limit, color=GREY, linestyle="--")
    axes.text(0.02, limit, "gate", color=GREY, va="bottom", transform=axes.get_yaxis_transform())
    highest = max([limit, *(s["aupr_drop"] for f in told["files"] for s in f["validation"])])
    axes.set_xlim(0, 1.15)
    axes.set_ylim(-0.35 * highest, 1.5 * highest)
    axes.set_xlabel("time of the network / float32, one thread")
    axes.set_ylabel("AUPR lost (validation)")
    axes.set_title("Written files (area: weights; green: chosen)", pad=14)


def _page(told: dict[str, Any]) -> str:
    gate = told["gate"]
    return "\n".join(
        [
            f"# {told['run']} in int8: gate {told['decision']}",
            "",
            "**Not a medical device.** For research and prototypes; no diagnosis may rest on it.",
            "",
            f"For every lesion, against float32: AUPR drops by at most {gate['max_aupr_drop']:g}, "
            f"lesion recall by at most {gate['max_recall_drop']:g}; measured on the written file, "
            "on the run's validation pictures. The test set states the result and chose nothing.",
            "",
            f"![What each layer costs, and the files that were written]({PICTURE})",
            "",
            "| layer | share of MACs | AUPR drop | recall drop | choice |",
            "|---|---|---|---|---|",
            *(
                f"| {layer['layer']} | {layer['macs_share']:.1%} "
                f"| {_worst(layer['aupr_drop'])} | {_worst(layer['recall_drop'])} "
                f"| {layer['choice']} |"
                for layer in told["layers"]
            ),
            "",
            "| file | int8 convolutions | weights kB | time / fp32 (spread) | validation: AUPR "
            "(drop), recall drop | test: AUPR (drop), recall drop |",
            "|---|---|---|---|---|---|",
            *map(_file, told["files"]),
            "",
            *_missed(told["files"]),
        ]
    )


def _worst(drops: dict[str, float]) -> str:
    return signed(max(drops.values()))


def _file(file: dict[str, Any]) -> str:
    chosen = " (chosen)" if file["chosen"] else ""
    return (
        f"| {file['name']}{chosen} | {file['int8_convolutions']} of {file['convolutions']} "
        f"| {file['network_bytes'] / 1000:.0f} "
        f"| {file['median_ms_ratio_to_fp32']:.2f} ({file['spread']:.0%}) "
        f"| {_scores(file['validation'])} | {_scores(file['test'])} |"
    )


def _scores(scores: Sequence[dict[str, Any]]) -> str:
    each = [
        f"{s['lesion']} {s['aupr']:.4f} ({signed(s['aupr_drop'])}), {signed(s['recall_drop'])}"
        for s in scores
    ]
    return "; ".join(each) or "not run: no test set"


def _missed(files: Sequence[dict[str, Any]]) -> list[str]:
    """Every lesion that the chosen file lost on the test set."""
    lines = []
    for file in files:
        for score in file["test"] if file["chosen"] else ():
            lines += [
                f"## {score['lesion']}, test set: {len(score['missed'])} of {score['lesions']} "
                f"lesions missed that float32 finds, {score['gained']} found that it misses",
                "",
                "x, y: its centre, in pixels of the network's picture.",
                "",
                "| picture | x | y | pixels |",
                "|---|---|---|---|",
                *(
                    f"| {m['picture']} | {m['x']} | {m['y']} | {m['pixels']} |"
                    for m in score["missed"]
                ),
                "",
            ]
    return lines
