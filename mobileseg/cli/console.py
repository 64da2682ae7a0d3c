"""Where words go: results to stdout, progress and remarks to stderr."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

TOLD_EVERY_S = 60.0  # in a log, at most
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


class _Told(Progress):
    """Where there is no terminal for a bar, a line now and then: a log of hours is not silent."""

    _told = time.monotonic()  # when last, or when it began

    def start(self) -> None:
        self._told = time.monotonic()
        super().start()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._tell(task_id)

    def update(self, task_id: TaskID, **given: Any) -> None:
        super().update(task_id, **given)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        if not self.disable or time.monotonic() - self._told < TOLD_EVERY_S:
            return
        self._told = time.monotonic()
        task = next(task for task in self.tasks if task.id == task_id)
        if task.total is None:
            remark(f"{task.description}: {task.completed:g}")
            return
        left, note = task.time_remaining, task.fields.get("note")
        words = [f"{task.description}: {task.completed:g} of {task.total:g}"]
        words += [f"{math.ceil(left / 60)} min left"] if left and not task.finished else []
        words += [note] if note else []
        remark(", ".join(words))


def progress() -> Progress:
    """A bar with the time left, on stderr; without a terminal a line a minute."""
    console = Console(stderr=True)
    return _Told(
        TextColumn("{task.description}"),
        BarColumn(),
        _Done(),
        TimeElapsedColumn(),
        _Left(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,
    )
