"""A study's report: Table 3, Figs 2 to 5, curves and pages, with the paper's figures beside ours.

    report.md                     everything below on one page
    table3.md, .csv, .tex         AUPR per lesion, without and with the boxplot's outliers
    scores.csv                    every figure of every complete run
    fig2-tradeoff, fig3-aupr, fig4-dice, fig5-hausdorff     .png and .svg
    curves/<variant>-<task>       losses and validation AUPR of its runs, .png and .svg
    pages/index.html              with data: a page a picture, and fig1 (.html, .png)

The same study gives the same bytes: dates are those of the runs, never of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mobileseg.data.idrid import read_idrid
from mobileseg.files.atomic import refuse_existing, staged_folder, write_text
from mobileseg.report.html_pages import write_pages
from mobileseg.report.load import RunFolder, Study
from mobileseg.report.markdown import OVER, caption, page, table_section, titles, unfinished
from mobileseg.report.plots import (
    BOXPLOTS,
    Curve,
    draw_boxplots,
    draw_curves,
    finished_epochs,
)
from mobileseg.report.predicted_masks import Watch, look_at
from mobileseg.report.rows import Row, as_rows, lesions_of
from mobileseg.report.style import save
from mobileseg.report.tables import (
    Table,
    escape_markdown,
    latex,
    scores_csv,
    table_3,
    table_3_csv,
)
from mobileseg.report.tradeoff import circles, draw_tradeoff

REPORT = "report.md"  # marks a folder that another report may replace


@dataclass(frozen=True, slots=True)
class Report:
    """What was written."""

    folder: Path
    files: tuple[str, ...]
    table: Table  # Table 3 without outliers
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]


def write_report(
    study: Study,
    folder: Path,
    *,
    data: Path | None = None,
    force: bool = False,
    watch: Watch = lambda what, done, total: None,
) -> Report:
    """Write a study's report; the folder is there when it is whole.

    Args:
        data: IDRiD folder; with it, pages with the pictures and what the networks mark on them.
        force: replace an earlier report.
        watch: told what is done, how much of it and of how much.

    Raises:
        BadInput: the folder exists, the data do not fit, or a metrics.csv is damaged.
    """
    refuse_existing(folder, force=force, mark=REPORT)
    if data is not None:
        read_idrid(data)  # a wrong folder is told before anything is drawn
    rows = as_rows(study.complete)
    lesions = lesions_of(rows)
    kept, every = (
        table_3(rows, lesions, study.approximate, outliers=outliers) for outliers in (False, True)
    )
    remarks = unfinished(study)
    curves = _curve_groups(study)  # before anything is drawn: a damaged file is told at once
    with staged_folder(folder, force=force, mark=REPORT) as staged:
        files = _write_tables(staged, study, rows, kept, every)
        figures = _draw_figures(staged, study, rows, curves, watch)
        pages: list[str] = []
        if data is not None and rows:
            pages, not_drawn = _write_pages(staged, study, rows, data, watch)
            remarks += not_drawn
        text = page(study, rows, kept, every, figures, pages, remarks)
        write_text(staged / REPORT, text)
    names = (REPORT, *files, *(name for names in figures.values() for name in names), *pages)
    return Report(folder, names, kept, tuple(rows), tuple(remarks))


def _write_tables(
    folder: Path, study: Study, rows: Sequence[Row], kept: Table, every: Table
) -> list[str]:
    about = caption(study, rows)
    without, with_all = titles()
    texts = {
        "table3.md": f"{table_section(without, kept)}\n{table_section(with_all, every)}\n"
        f"{escape_markdown(about)}\n",
        "table3.csv": table_3_csv(rows, study.approximate),
        "table3.tex": latex(kept, f"{without}. {about}", "tab:aupr")
        + "\n"
        + latex(every, f"{with_all}. {about}", "tab:aupr-all"),
        "scores.csv": scores_csv(study.complete),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return list(texts)


def _draw_figures(
    folder: Path,
    study: Study,
    rows: Sequence[Row],
    curves: dict[str, list[Curve]],
    watch: Watch,
) -> dict[str, list[str]]:
    """Title -> file names, drawn into `folder`."""
    drawn: dict[str, list[str]] = {}
    lesions = lesions_of(rows)
    total = (1 + len(BOXPLOTS) if lesions else 0) + len(curves)

    def add(title: str, names: list[str]) -> None:
        drawn[title] = names
        watch("drawing", len(drawn), total)

    if lesions:
        over = tradeoff_lesions(rows, lesions)
        make = partial(draw_tradeoff, circles(rows, over), over)
        title = f"Fig. 2: AUPR against MACs{OVER}{', '.join(over)}"
        add(title, save(folder, "fig2-tradeoff", make))
        for number, which in enumerate(BOXPLOTS, start=3):
            make = partial(draw_boxplots, rows, lesions, which, study.approximate)
            add(f"Fig. {number}: {which.title}", save(folder, which.name, make))
    if curves:
        (folder / "curves").mkdir()
    for name, runs in curves.items():
        names = save(folder / "curves", name, partial(draw_curves, runs))
        add(f"Training curves: {name}", [f"curves/{n}" for n in names])
    return drawn


def _curve_groups(study: Study) -> dict[str, list[Curve]]:
    """Plain runs of one variant and task, complete or not: their curves belong together."""
    groups: dict[str, list[RunFolder]] = {}
    for run in study.folders:
        if run.variant and not run.members:
            groups.setdefault(f"{run.variant}-{run.task.replace(',', '_')}", []).append(run)
    read = {name: finished_epochs(runs) for name, runs in groups.items()}
    return {name: curves for name, curves in read.items() if curves}


def tradeoff_lesions(rows: Sequence[Row], lesions: Sequence[str]) -> tuple[str, ...]:
    """What Fig. 2 averages over: all lesions if any single-task row has all, else the commonest."""
    single = [row for row in rows if row.family == "single" and row.variant]
    whole = [row for row in single if row.mean_over(lesions, outliers=False) is not None]
    if whole or not single:
        return tuple(lesions)
    counts = {c: sum(bool(row.values(c)) for row in single) for c in lesions}
    most = max(counts.values())
    return tuple(c for c in lesions if counts[c] == most)


def _write_pages(
    folder: Path, study: Study, rows: Sequence[Row], data: Path, watch: Watch
) -> tuple[list[str], list[str]]:
    seen, not_drawn = look_at(rows, data, watch)
    (folder / "pages").mkdir()
    about = f"{caption(study, rows)} Each network is its row's best run by validation."
    names = write_pages(folder / "pages", seen, [row.label for row in rows], about, watch)
    return [f"pages/{name}" for name in names], not_drawn


def to_json(study: Study, report: Report) -> dict[str, Any]:
    """The report for a machine: its rows with every digit, and where the files are."""
    lesions = lesions_of(report.rows)
    rows = [
        {
            "model": row.label,
            "difference": row.difference,
            "variant": row.variant,
            "family": row.family,
            "members": row.members,
            "aupr": {
                code: {
                    "kept": _summary_json(row, code, outliers=False),
                    "all": _summary_json(row, code, outliers=True),
                    "outliers": row.outliers(code),
                }
                for code in lesions
                if row.values(code)
            },
        }
        for row in report.rows
    ]
    return {
        "study": study.name,
        "folder": str(report.folder),
        "files": list(report.files),
        "complete": [run.name for run in study.complete],
        "unfinished": {run.name: run.state for run in study.unfinished},
        "approximate": list(study.approximate),
        "rows": rows,
        "remarks": list(report.remarks),
    }


def _summary_json(row: Row, code: str, *, outliers: bool) -> dict[str, float | int | None]:
    summary = row.summary(code, outliers=outliers)
    return {"n": summary.n, "mean": summary.mean, "sd": summary.sd}
