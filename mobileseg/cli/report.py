"""`mobileseg report`: a study's tables, figures and pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mobileseg.cli.console import NOT_MEDICAL, progress, remark, show_json, show_table
from mobileseg.cli.options import data_option, force_option, json_option

if TYPE_CHECKING:
    from mobileseg.report.tables import Table

FOLDER = "report"  # in the study, unless another is named


@click.command(short_help="Tables and figures of a study, beside the paper's.")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Folder to write. [default: STUDY/{FOLDER}]",
)
@data_option(
    required=False, text="IDRiD folder: adds a page per test picture with what the networks mark."
)
@click.option(
    "--approximate",
    default="",
    metavar="LESIONS",
    help="Lesions whose masks are approximate, as MA,HE,SE; tables and figures then say so, as "
    "they do for those that study.json names.",
)
@force_option("a report at DIR")
@json_option()
def command(
    study: Path,
    output: Path | None,
    data: Path | None,
    approximate: str,
    force: bool,
    as_json: bool,
) -> None:
    """Write the report of STUDY, a folder of mobileseg study or any folder of runs.

    Table 3 (mean and SD over runs, with and without outliers) as Markdown, CSV and LaTeX, AUPR
    against MACs, boxplots and training curves as PNG and SVG, all on report.md. The paper's and
    the literature's figures stand beside ours, marked as published. Runs that are not complete
    are listed with the epoch they reached.

    \b
    Example:
        mobileseg report studies/exudates
        mobileseg report runs -o report --data IDRiD --approximate MA,HE,SE
    """
    from mobileseg.report.load import read_study
    from mobileseg.report.write import to_json, write_report

    codes = [code.strip() for code in approximate.split(",") if code.strip()]
    opened = read_study(study, codes)
    with progress() as bar:
        task = bar.add_task("reading", total=None, note="")

        def watch(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        written = write_report(
            opened, output or study / FOLDER, data=data, force=force, watch=watch
        )
    if not opened.planned:
        remark(f"{study}: no study.json; {len(opened.folders)} run folder(s) found")
    for line in written.remarks:
        remark(line)
    if as_json:
        show_json(to_json(opened, written))
        return
    _show(written.table, opened.name)
    click.echo(f"{written.folder / 'report.md'}: {len(written.files)} files. {NOT_MEDICAL}")


def _show(table: Table, name: str) -> None:
    """Our rows and the published ones of the same networks; columns in which ours have a figure."""
    rows = table.beside_ours()
    ours = [row for row in rows if row[1] == "ours"]
    used = [i for i in range(len(table.headings)) if any(row[i] != "–" for row in ours)]
    if not rows:
        click.echo(f"{name}: no run is complete")
        return
    who = {"ours": "ours"}  # anyone else beside our rows is the paper
    lines = [[row[0].removeprefix("U²-Net-"), who.get(row[1], "paper"), *row[2:]] for row in rows]
    show_table(
        f"{name}: AUPR, mean (SD) over n runs without outliers",
        [table.headings[i] for i in used],
        [[line[i] for i in used] for line in lines],
    )
