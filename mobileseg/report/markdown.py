"""The words of a report: what every figure must say of itself, and the page that holds them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobileseg.report.evaluation_file import AUPR_CONVENTION, METRIC_ROWS
from mobileseg.report.html_pages import NOT_MEDICAL
from mobileseg.report.load import RunFolder, Study
from mobileseg.report.outliers import RULE, WHISKER_IQR
from mobileseg.report.plots import BOX_FROM
from mobileseg.report.published_results import DICE_EX, HOW, PAPER, cite
from mobileseg.report.rows import Row, lesions_of
from mobileseg.report.tables import (
    NONE,
    OURS,
    THEIRS,
    Table,
    escape_markdown,
    markdown,
    shown,
)
from mobileseg.report.tradeoff import left_out

MARKS = (
    "*: depthwise separable; †: mean of three runs, or of as many as the figure behind it says; "
    "(DT), (MT): dual and multi task."
)
OVER = ", mean over "  # in Fig. 2's title, before the lesions


def unfinished(study: Study) -> list[str]:
    """Every run that is not complete, with its state; those in the same state on one line."""
    states: dict[str, list[str]] = {}
    for run in study.unfinished:
        states.setdefault(run.state, []).append(run.name)
    return [f"{', '.join(names)}: {state}" for state, names in states.items()]


def titles() -> tuple[str, str]:
    what = "AUPR on the test pictures, mean (SD) over n runs"
    return f"{what}, outliers left out", f"{what}, all runs; published rows are without outliers"


def table_section(title: str, table: Table) -> str:
    return f"**{title}**\n\n{markdown(table.headings, table.rows(), words=2)}"


def caption(study: Study, rows: Sequence[Row]) -> str:
    """What a figure or table of this study must say of itself."""
    if not rows:
        return f"No run is complete. Published rows: {PAPER}; {HOW}."
    settings = {row.setting: None for row in rows}
    said = [
        f"Data {s.data}, {s.split} set, {s.side_px} px at {s.resolution} resolution, "
        f"protocol {s.protocol}."
        for s in settings
    ]
    leaks = {leak: None for row in rows for run in row.runs for leak in run.leaks}
    if leaks:
        said.append(f"Leaks of the test set: {'; '.join(leaks)}.")
    if study.approximate:
        said.append(f"Approximate masks, no expert's: {', '.join(study.approximate)}.")
    said.append(f"{AUPR_CONVENTION[0].upper()}{AUPR_CONVENTION[1:]}; SD of a sample; {RULE}.")
    for row in (r for r in rows if r.mark):
        said.append(f"{row.label}: {row.difference}.")
    said.append(MARKS)
    said.append(_when([run for row in rows for run in row.runs]))
    said.append(f"Published rows: {PAPER}, whose HX and SX are EX and SE; {HOW}.")
    return " ".join(said)


def _when(runs: Sequence[RunFolder]) -> str:
    """Dates and machines of the runs themselves."""
    days = sorted({str(r.record["finished"])[:10] for r in runs if "finished" in r.record})
    span = days[0] if days[:1] == days[-1:] else f"{days[0]} to {days[-1]}" if days else ""
    machines = sorted({m for r in runs if (m := _machine(r.record))})
    dated = f"Trained {span}" if days else "Dates not recorded"
    return f"{dated}{' on ' + '; '.join(machines) if machines else ''}."


def _machine(record: dict[str, Any]) -> str:
    parts = [str(record[key]) for key in ("gpu", "machine") if record.get(key)]
    return ", ".join(parts)


def page(
    study: Study,
    rows: Sequence[Row],
    kept: Table,
    every: Table,
    figures: dict[str, list[str]],
    pages: Sequence[str],
    remarks: Sequence[str],
) -> str:
    """The one page that holds it all."""
    complete, total = len(study.complete), len(study.folders)
    plan = "planned" if study.planned else "found; there is no study.json, so none is missed"
    without, with_all = titles()
    parts = [
        f"# {escape_markdown(study.name)}: report",
        f"**{NOT_MEDICAL}**",
        f"{complete} of {total} runs and ensembles {plan} are complete.",
        escape_markdown(caption(study, rows)),
        "## Not complete" if remarks else "",
        "\n".join(f"- {escape_markdown(r)}" for r in remarks),
        "## Table 3",
        table_section(without, kept),
        table_section(with_all, every),
        _outliers_section(rows),
        "## Other figures",
        _other_figures(rows),
        "## Every complete run",
        _run_table(study.complete),
        "## Figures",
        *_figure_sections(rows, figures),
        _dice_section(rows),
    ]
    if pages:
        parts += ["## Pictures", "[A page a picture](pages/index.html)"]
        if "pages/fig1.html" in pages:
            parts += ["[Best and worst, side by side](pages/fig1.html)", "![](pages/fig1.png)"]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _outliers_section(rows: Sequence[Row]) -> str:
    lines = [
        f"- {row.label}, {code}: {', '.join(names)}"
        for row in rows
        for code in lesions_of([row])
        if (names := row.outliers(code))
    ]
    undefined = [
        f"- {row.label}, {code}: undefined in {', '.join(names)}, which n leaves out"
        for row in rows
        for code in lesions_of([row])
        if (names := row.undefined(code))
    ]
    said = "Outliers:" if lines else "No run is an outlier."
    return "\n".join([said, "", *map(escape_markdown, [*lines, *undefined])])


def _other_figures(rows: Sequence[Row]) -> str:
    """Mean (SD) over all runs of what else was scored."""
    names = [n for n in METRIC_ROWS if n != "aupr"]
    body = []
    for row in rows:
        for code in lesions_of([row]):
            cells = [
                shown(row.summary(code, n, outliers=True), METRIC_ROWS[n].digits) for n in names
            ]
            body.append([row.label, code, *cells])
    if not body:
        return "No run is complete."
    used = [i for i in range(len(names)) if any(line[i + 2] != NONE for line in body)]
    headings = ["model", "lesion", *(METRIC_ROWS[names[i]].title for i in used)]
    notes = "; ".join(f"{METRIC_ROWS[names[i]].title}: {METRIC_ROWS[names[i]].about}" for i in used)
    table = markdown(
        headings, [[*line[:2], *(line[i + 2] for i in used)] for line in body], words=2
    )
    return f"Mean (SD) over all n runs, outliers included.\n\n{table}\n{escape_markdown(notes)}."


def _run_table(runs: Sequence[RunFolder]) -> str:
    """A line per run and lesion; the interval is a bootstrap's over pictures."""
    body = []
    for run in runs:
        for code, scored in run.lesions.items():
            ends = scored.interval.get("aupr")
            interval = f"{ends[0]:.3f}–{ends[1]:.3f}" if ends else NONE
            aupr, dice = scored.figures["aupr"], scored.figures["dice"]
            body.append(
                [
                    run.name,
                    code,
                    NONE if aupr is None else f"{aupr:.4f}",
                    interval,
                    NONE if dice is None else f"{dice:.4f}",
                    NONE if scored.threshold is None else f"{scored.threshold:.3f}",
                    ", ".join(run.members) or NONE,
                ]
            )
    headings = ["run", "lesion", "AUPR", "95 % interval", "Dice", "threshold", "members"]
    note = "The interval is a bootstrap's over pictures."
    return f"{note}\n\n{markdown(headings, body, words=2)}" if body else "None."


def _figure_sections(rows: Sequence[Row], figures: dict[str, list[str]]) -> list[str]:
    notes = {
        "Fig. 2": "A circle's area is the parameters. MACs by the paper's convention for one "
        "lesion; ours at the side they were trained at. Dual- and multi-task networks and "
        "combinations answer for several lesions at that cost and are not drawn.",
        "Fig. 3": f"Boxes: quartiles and median, whiskers to {WHISKER_IQR} interquartile ranges; "
        f"fewer than {BOX_FROM} runs: dots only.",
        "Fig. 5": "In pixels at the resolution named above; less is better.",
    }
    over = [title.rpartition(OVER)[2].split(", ") for title in figures if OVER in title]
    missing = left_out(rows, over[0]) if over else []
    if missing:
        notes["Fig. 2"] += f" Not in it: {escape_markdown(', '.join(missing))}."
    parts = []
    for title, names in figures.items():
        png = next(name for name in names if name.endswith(".png"))
        note = next((text for key, text in notes.items() if title.startswith(key)), "")
        parts += [f"### {escape_markdown(title)}", f"![]({png})", note]
    return parts


def _dice_section(rows: Sequence[Row]) -> str:
    """Hard exudates have a published Dice, at a threshold chosen on the test pictures."""
    body = [[row.label, OURS, shown(row.summary("EX", "dice", outliers=True)),
             "threshold chosen on validation pictures" if row.setting.protocol == "clean"
             else "threshold chosen on the test pictures"]
            for row in rows if row.values("EX", "dice")]  # fmt: skip
    if not body:
        return ""
    body += [[d.name, f"{THEIRS}, {cite(d.source)}", d.dice, d.note] for d in DICE_EX]
    table = markdown(["model", "figures", "Dice", "how"], body)
    return f"## Dice on hard exudates, beside the literature\n\n{table}"
