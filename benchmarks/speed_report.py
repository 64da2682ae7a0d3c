"""Write benchmarks/README.md and its figures from the speed results.

    python benchmarks/speed_report.py            # rewrite
    python benchmarks/speed_report.py --check    # exit 1 if README.md says something else

A benchmark that has not been run has no file, and its section says so and how to run it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mobileseg.files.atomic import staged_file

HERE = Path(__file__).parent
RESULTS = HERE / "results"
PAGE, FIGURE = HERE / "README.md", HERE / "scale.png"
NONE = "–"
Row = dict[str, Any]

HEAD = """# Benchmarks

Written by `benchmarks/speed_report.py` from `benchmarks/results/*.json`, whose rows each name
date, machine, versions and command. **Ratios count**: what is compared took turns in one run on one
shared machine; milliseconds are of that machine at that moment. `make bench` measures all of it
again on yours.
"""
# What each axis grows by, and why. `expected` is the exponent that the reason gives.
REASONS = {
    "side": (
        "side, px",
        "Time grows with the number of pixels, so with the square of the side, because every map "
        "does; what an operation costs by itself does not show from 256 px on. Memory likewise: "
        "maps fill it, not weights.",
    ),
    "batch": (
        "pictures at once",
        "One picture keeps a core busy, so more at once win nothing; they lose where their maps no "
        "longer fit the cache. Memory grows with them less a constant: the weights and the "
        "library's own buffers are there once.",
    ),
    "members": (
        "members of an ensemble",
        "Members answer one after the other and share the preprocessing, so each adds a network's "
        "time and not a pipeline's. Each is a delegate with a working memory of its own, which "
        "XNNPACK keeps, so memory grows by the same step.",
    ),
    "pictures": (
        "pictures in predict",
        "After the model is opened every picture costs the same, and none stays in memory.",
    ),
}


def page() -> str:
    """The whole page."""
    sections = [
        HEAD,
        _artifacts(),
        _lean(),
        _ensembles(),
        _scale(),
        _predict(),
        _metrics(),
        _training(),
    ]
    return "\n".join([*sections, _gpu(), _missing()])


def rows_of(name: str) -> list[Row]:
    """A result's rows; none where it was not measured."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def table(headers: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _measured(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["not_measured"] is None]


def _told(rows: Sequence[Row]) -> str:
    """When, where and by which command; and what speaks against the figures."""
    if not rows:
        return ""
    first = rows[0]
    packages = ", ".join(f"{name} {version}" for name, version in first["versions"].items())
    doubts = "".join(f"\n**Doubt:** {d}.\n" for d in first.get("doubts") or [])
    return f"{first['date'][:10]}, {first['machine']}; `{first['command']}`; {packages}.\n{doubts}"


def _artifacts() -> str:
    rows = rows_of("artifacts-cpu.json")
    said = "## Files and their peers\n\nOne thread each, pinned, processes of their own.\n"
    for run, graph in dict.fromkeys((r["run"], r["graph"]) for r in _measured(rows)):
        shown = [r for r in _measured(rows) if (r["run"], r["graph"]) == (run, graph)]
        side = shown[0]["side"]
        part = "whole pipeline" if graph == "whole" else "network alone"
        said += f"\n### {run}, {side} px, {part}\n\n"
        said += table(ARTIFACT_HEADERS, map(_artifact, shown))
    return f"{said}\n{PICTURE if rows else ''}\n{_told(rows)}\n{CAUSE}"


ARTIFACT_HEADERS = [
    "engine",
    "× onnxruntime fp32",
    "p10–p90",
    "median ms",
    "p90 ms",
    "peak MB",
    "load ms",
    "file kB",
    "AUPR",
]
PICTURE = "![Time against AUPR, a mark as large as the file](../docs/speed.png)\n"
CAUSE = """\
**Aims:** `.pte` float32 ≤ 0.8 and int8 ≤ 0.45 of onnxruntime's time on one x86 thread. Where
they are missed on a processor with AVX2 and no AVX-512, the cause is in XNNPACK's kernels, not
in the graph: the tiles that it takes there keep accumulators in memory (seen in the disassembly
of the wheel's library). With AVX-512 it takes others. A phone's are written for ARM: no figure
here is a phone's.
"""
LEAN = """## Lean networks, and the floor

`.pte` files in float32 hold lean networks: side maps mixed while they are small, batch norm
folded. `taps` also mixes channels before neighbours in the two finest side convolutions. The
floor is the larger of true multiply-accumulates over the core's measured matrix rate, and bytes
over its measured copy bandwidth, each map written and read once. Tried and left out, no gain:
2×2 pixels folded into channels, joined convolutions split.
"""


def _lean() -> str:
    rows = _measured(rows_of("lean-cpu.json"))
    if not rows:
        return LEAN + "\nNot measured yet: `make bench`.\n"
    headers = ["network", "engine", "form", "× plain", "× onnxruntime", "floor / time", "binds"]
    cells = (
        [
            r["variant"],
            r["engine"],
            r["form"],
            f"{r['ratio_to_plain']:.2f}",
            f"{r['ratio_to_onnxruntime_fp32']:.2f}",
            f"{r['limit_share']:.0%}",
            r["binds"],
        ]
        for r in rows
    )
    first = rows[0]
    rate, bandwidth = first["core_gmacs_per_s"], first["core_gb_per_s"]
    core = f"This core: {rate:.0f} G multiply-accumulates/s, {bandwidth:.0f} GB/s."
    return f"{LEAN}\n{table(headers, cells)}\n{core} {_told(rows)}"


def _artifact(r: Row) -> list[str]:
    ratio = r["ratio_to_onnxruntime_fp32"]
    return [
        f"{r['engine']} {r['precision']}",
        NONE if ratio is None else f"{ratio:.2f}",
        NONE if ratio is None else f"{r['ratio_p10']:.2f}–{r['ratio_p90']:.2f}",
        f"{r['median_ms']:.0f}",
        f"{r['p90_ms']:.0f}",
        NONE if r["peak_mb"] is None else f"{r['peak_mb']:.0f}",
        f"{r['load_ms']:.0f}",
        f"{r['file_bytes'] / 1000:.0f}" if r.get("file_bytes") else NONE,
        NONE if r.get("aupr") is None else f"{r['aupr']:.4f}",
    ]


def _ensembles() -> str:
    rows = _measured(rows_of("scale-cpu.json"))
    one = [r for r in rows if r["axis"] == "members" and r["value"] == 1]
    said = "## Ensembles in one graph\n\n"
    if one:
        said += table(
            ["members", "answer", "× one member's time", "× its memory", "file kB"],
            (
                [
                    str(r["value"]),
                    ANSWER[r["axis"]],
                    f"{r['median_ms'] / one[0]['median_ms']:.2f}",
                    f"{r['peak_mb'] / one[0]['peak_mb']:.2f}",
                    f"{r['file_bytes'] / 1000:.0f}",
                ]
                for r in rows
                if r["axis"] in ANSWER
            ),
        )
    return said + f"\n{ENSEMBLE_TEXT}\n"


ANSWER = {"members": "in turn", "grouped": "at once, by groups"}
ENSEMBLE_TEXT = """\
XS, whole pipeline, `.pte` float32. Aim for three: time ≤ 2.6, memory ≤ 2.5. XNNPACK computes
every group of a grouped convolution as one of its own, and joined maps must be cut and laid
anew: so files take turns, and `convert --member-execution grouped` is for runtimes where a launch
costs more than its work, as on a GPU. int8 members keep ranges of their own and answer in turn.
"""


def _scale() -> str:
    rows = _scaled()
    said = "## How it grows\n\n"
    if not rows:
        return said + "Not measured yet: `make bench`.\n"
    said += f"![Time and memory against side, batch and members]({FIGURE.name})\n\n"
    for axis in dict.fromkeys(r["axis"] for r in rows):
        shown = [r for r in rows if r["axis"] == axis]
        label, why = REASONS[axis]
        values = np.array([r["value"] for r in shown], float)
        times = np.array([r["median_ms"] for r in shown])
        memory = np.array([r["peak_mb"] for r in shown])
        said += f"**{label}**: time ∝ value^{_slope(values, times):.2f}, "
        said += (
            f"memory ∝ value^{_slope(values, memory):.2f} (least squares on logarithms). {why}\n\n"
        )
        said += table(
            [label, "median ms", "p90 ms", "peak MB"],
            (
                [
                    str(r["value"]),
                    f"{r['median_ms']:.0f}",
                    f"{r['p90_ms']:.0f}",
                    f"{r['peak_mb']:.0f}",
                ]
                for r in shown
            ),
        )
        said += "\n"
    return said + _told(rows)


def _scaled() -> list[Row]:
    return [r for r in _measured(rows_of("scale-cpu.json")) if r["axis"] in REASONS]


def _slope(values: Any, measured: Any) -> float:
    """The exponent of the power law that fits best."""
    return float(np.polyfit(np.log(values), np.log(measured), 1)[0])


def _predict() -> str:
    rows = _measured(rows_of("predict-scale-cpu.json"))
    said = f"## A folder of pictures\n\n{REASONS['pictures'][1]}\n\n"
    if not rows:
        return said + "Not measured yet: `make bench`.\n"
    said += table(
        ["pictures", "workers", "seconds", "of it start-up", "pictures/s after it", "peak MB"],
        (
            [
                str(r["pictures"]),
                str(r["workers"]),
                f"{r['seconds']:.1f}",
                f"{r['start_up_s']:.1f}",
                f"{r['pictures_per_s_after_start_up']:.2f}",
                f"{r['peak_mb']:.0f}",
            ]
            for r in rows
        ),
    )
    return said + "\n" + _told(rows)


METRICS = """## Metrics against the plain way

scikit-learn, SciPy, and surface-distance, whose Hausdorff is ours and whose 95th percentile,
weighted by border length, is not.

"""


def _metrics() -> str:
    rows = _measured(rows_of("metrics-speed-cpu.json"))
    said = METRICS
    said += table(
        ["figure", "ours ms", "plain ms", "times as fast", "apart"],
        (
            [
                str(r["metric"]),
                f"{r['median_ms']:.0f}",
                f"{r['plain_median_ms']:.0f}",
                f"{r['ratio']:.1f}",
                NONE if r.get("largest_difference") is None else f"{r['largest_difference']:.0e}",
            ]
            for r in rows
        ),
    )
    return said + "\n" + _told(rows)


def _training() -> str:
    rows = _measured(rows_of("training-speed-cpu.json"))
    said = "## Training\n\n"
    for r in rows:
        if r.get("ratio_to_published_loop"):
            said += (
                f"CPU check, no claim: {r['variant']}, side {r['side']}, {r['images_per_s']:.1f} "
                f"images/s, {r['ratio_to_published_loop']:.2f} times the loop in the manner of "
                "Qin's script.\n"
            )
    absent = [r for r in rows_of("training-speed.json") if r["not_measured"]]
    if absent:
        said += f"\nOn a GPU: {len(absent)} rows not measured: {absent[0]['not_measured']}\n"
    return said


def _gpu() -> str:
    rows = rows_of("gpu.json")
    said = "## GPU: Table 2, and networks at their best\n\n"
    if not _measured(rows):
        why = rows[0]["not_measured"] if rows else "no run yet"
        return (
            said
            + f"Not measured: {why}. `mobileseg bench --gpu -o benchmarks/results/gpu.json`, in "
            "pieces by `--part`, `--variant` and `--within`.\n"
        )
    return said + table(
        ["network", "fps", "the paper's", "share of the limit"],
        (
            [
                f"{r['variant']}{'†' if r['members'] > 1 else ''}",
                f"{r['fps']:.0f}",
                f"{r['fps_paper']}",
                f"{r['limit_share']:.0%}" if r["limit_share"] else NONE,
            ]
            for r in _measured(rows)
        ),
    )


def _missing() -> str:
    """What has a row and no figure, each reason once."""
    names = ("artifacts-cpu.json", "scale-cpu.json", "metrics-speed-cpu.json")
    absent = {
        f"{r['engine']} {r['precision'] or ''}".strip(): r["not_measured"]
        for name in names
        for r in rows_of(name)
        if r["not_measured"]
    }
    lines = "".join(f"- {what}: {why}\n" for what, why in absent.items())
    return f"## Not measured\n\n{lines or 'Everything else above was.'}"


def draw(path: Path) -> None:
    """Time and memory against each axis, with the fitted line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = _scaled()
    axes_named = list(dict.fromkeys(r["axis"] for r in rows))
    figure, panels = pyplot.subplots(
        2, len(axes_named), figsize=(4 * len(axes_named), 6), layout="constrained", squeeze=False
    )
    for column, axis in enumerate(axes_named):
        shown = [r for r in rows if r["axis"] == axis]
        values = np.array([r["value"] for r in shown], float)
        for line, (key, unit) in enumerate((("median_ms", "time, ms"), ("peak_mb", "peak, MB"))):
            _panel(panels[line][column], values, np.array([r[key] for r in shown]), unit)
            panels[line][column].set_xlabel(REASONS[axis][0])
    with staged_file(path) as staged:
        figure.savefig(staged, dpi=110, format="png")
    pyplot.close(figure)


def _panel(panel: Any, values: Any, measured: Any, unit: str) -> None:
    slope, level = np.polyfit(np.log(values), np.log(measured), 1)
    panel.loglog(values, measured, "o", color="C0")
    panel.loglog(values, np.exp(level) * values**slope, "--", color="C1", label=f"∝ x^{slope:.2f}")
    panel.set_xticks(values, [f"{v:g}" for v in values])
    panel.minorticks_off()
    panel.set_ylabel(unit)
    panel.legend(fontsize=8)


def main(check: bool, draw_figure: Callable[[Path], None] = draw) -> int:
    """0; 1 if `check` and the page is not what the results say."""
    if check:
        return int(PAGE.read_text(encoding="utf-8") != page())
    if _measured(rows_of("scale-cpu.json")):
        draw_figure(FIGURE)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
