"""Where words go: results to stdout, progress and remarks to stderr."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

NOT_MEDICAL = "Not a medical device: for research and prototypes only."


def remark(text: str) -> None:
    """Say something that is not the result."""
    click.echo(text, err=True)


def show_json(value: Any) -> None:
    """Print a result for a machine; NaN becomes null, because JSON has no NaN."""
    click.echo(json.dumps(finite(value), indent=2))


def finite(value: Any) -> Any:
    """The same structure with every NaN or infinity replaced by None."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def show_table(title: str, headers: list[str], rows: list[list[str]]) -> None:
    """Print a result for a person; the first column reads left, figures read right."""
    table = Table(title=title, title_justify="left")
    for i, header in enumerate(headers):
        table.add_column(header, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


class _Done(MofNCompleteColumn):
    """How many of how many; nothing where the work has no count."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text()


class _Left(TimeRemainingColumn):
    """The time left; nothing where the work has no count."""

    def render(self, task: Task) -> Text:
        return super().render(task).append(" left") if task.total else Text()


def progress() -> Progress:
    """A bar with the time left, on stderr, and only on a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        _Done(),
        TimeElapsedColumn(),
        _Left(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
    )
