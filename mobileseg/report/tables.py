"""Table 3 beside the paper's: Markdown for a reader, CSV with every digit, LaTeX for a paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mobileseg.lesions import LESIONS
from mobileseg.report.evaluation_file import METRIC_ROWS
from mobileseg.report.load import RunFolder
from mobileseg.report.outliers import Summary
from mobileseg.report.published_results import LITERATURE, TABLE_3, PublishedRow, published_row
from mobileseg.report.rows import FAMILY_MARK, TABLE_ORDER, Row

NONE = "–"
OURS, THEIRS = "ours", "published"
ALL = tuple(LESIONS)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of Table 3, of ours or published."""

    name: str
    source: str  # OURS, or "published, who"
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and lines, in whatever form they are written."""

    headings: tuple[str, ...]
    lines: tuple[Line, ...]

    def rows(self) -> list[list[str]]:
        return [[line.name, line.source, *line.cells] for line in self.lines]

    def beside_ours(self) -> list[list[str]]:
        """Our rows and the published rows of the same name."""
        ours = {line.name for line in self.lines if line.source == OURS}
        return [row for row in self.rows() if row[0] in ours]


def means_shown(lesions: Sequence[str]) -> list[tuple[str, ...]]:
    """What the columns of means run over: all four, and the study's own where those are fewer."""
    return [tuple(lesions), ALL] if 2 <= len(lesions) < len(ALL) else [ALL]


def table_3(
    rows: Sequence[Row], lesions: Sequence[str], approximate: Sequence[str], *, outliers: bool
) -> Table:
    """AUPR per lesion over runs.

    Args:
        rows: ours, in any order.
        lesions: those that the study scored.
        approximate: those whose masks are approximate; headings say so.
        outliers: whether runs outside the boxplot's whiskers count.
    """
    over = means_shown(lesions)
    headings = ["model", "figures"]
    headings += [f"{code} (approximate masks)" if code in approximate else code for code in ALL]
    headings += [f"mean of {'all four' if codes == ALL else ', '.join(codes)}" for codes in over]
    lines: list[Line] = []
    left = {(r.variant, r.family, r.members) for r in TABLE_3 if r.variant}
    keyed: dict[tuple[str | None, str, int], list[Row]] = {key: [] for key in left}
    for row in rows:
        keyed.setdefault((row.variant, row.family, row.members), []).append(row)
    for key in sorted(keyed, key=_order):
        lines += [_our_line(row, over, outliers=outliers) for row in keyed[key]]
        theirs = published_row(*key)
        # Theirs is without outliers; beside the means of all runs it would be out of place.
        lines += [_their_line(theirs, over)] if theirs else []
    lines += [_their_line(row, over) for row in LITERATURE]
    return Table(tuple(headings), tuple(lines))


def _order(key: tuple[str | None, str, int]) -> tuple[int, int, int, int]:
    variant, family, members = key
    place = TABLE_ORDER.index(variant) if variant in TABLE_ORDER else len(TABLE_ORDER)
    return (int(members > 1), list(FAMILY_MARK).index(family), place, members)


def _our_line(row: Row, over: Sequence[tuple[str, ...]], *, outliers: bool) -> Line:
    cells = [shown(row.summary(code, outliers=outliers)) for code in ALL]
    means = [row.mean_over(codes, outliers=outliers) for codes in over]
    cells += [NONE if mean is None else f"{mean:.3f}" for mean in means]
    return Line(row.label, OURS, tuple(cells))


def _their_line(row: PublishedRow, over: Sequence[tuple[str, ...]]) -> Line:
    cells = [row.aupr[c] + (f" ({row.sd[c]})" if row.sd else "") for c in ALL]
    for codes in over:
        mean = sum(float(row.aupr[c]) for c in codes) / len(codes)
        cells.append(row.mean if codes == ALL else f"{mean:.3f}")
    return Line(row.name, f"{THEIRS}, {row.cited}", tuple(cells))


def shown(summary: Summary, digits: int = 3) -> str:
    """Mean (SD) n; no SD from one run, a dash from none."""
    if summary.mean is None:
        return NONE
    sd = "" if summary.sd is None else f" ({summary.sd:.{digits}f})"
    return f"{summary.mean:.{digits}f}{sd} n={summary.n}"


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A pipe table; its first columns, `words` of them, read left, the others right."""
    rule = ["---"] * words + ["---:"] * (len(headings) - words)
    lines = [headings, rule, *rows]
    return "\n".join(f"| {' | '.join(escape_markdown(c) for c in line)} |" for line in lines) + "\n"


def escape_markdown(text: str) -> str:
    """Names as they are: a star or an underscore is one, and no emphasis."""
    for mark in ("\\", "|", "*", "_", "[", "]", "<"):
        text = text.replace(mark, f"\\{mark}")
    return text


LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": r"\textsuperscript{2}",
    "†": r"\textdagger{}",
    "–": "--",
    "×": r"$\times$",
    "*": r"\textasteriskcentered{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after the \\ of a row a bracket would be its option
    "]": "{]}",
    "°": r"\textdegree{}",
    "≈": r"$\approx$",
}


def escape_latex(text: str) -> str:
    """Text for LaTeX's own letters: everything with a meaning there, and our marks."""
    return "".join(LATEX.get(letter, letter) for letter in text)


def latex(table: Table, caption: str, label: str) -> str:
    """A table environment that needs no package."""
    columns = "ll" + "r" * (len(table.headings) - 2)
    body = [" & ".join(map(escape_latex, row)) + r" \\" for row in table.rows()]
    head = " & ".join(map(escape_latex, table.headings)) + r" \\"
    lines = [
        r"\begin{table*}",
        r"\centering\footnotesize",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\hline",
        head,
        r"\hline",
        *body,
        r"\hline",
        r"\end{tabular}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


CSV_COLUMNS = (
    "figures", "source", "model", "difference", "variant", "family", "members", "lesion",
    "approximate_masks", "n_all", "mean_all", "sd_all", "n_kept", "mean_kept", "sd_kept",
    "outliers", "data", "split", "resolution", "side_px", "protocol",
)  # fmt: skip


def table_3_csv(rows: Sequence[Row], approximate: Sequence[str]) -> str:
    """Table 3 for a machine: a line per row and lesion, every digit; empty where there is none."""
    lines: list[dict[str, object]] = []
    for row in rows:
        scored = [c for c in ALL if row.values(c) or row.undefined(c)]
        lines += [_csv_line(row, code, approximate) for code in scored]
    for theirs in TABLE_3:
        for code in ALL:
            lines.append(
                {
                    "figures": THEIRS,
                    "source": theirs.source,
                    "model": theirs.name,
                    "difference": theirs.note,
                    "variant": theirs.variant,
                    "family": theirs.family if theirs.variant else None,
                    "members": theirs.members if theirs.variant else None,
                    "lesion": code,
                    "mean_kept": theirs.aupr[code],
                    "sd_kept": theirs.sd.get(code),
                }
            )
    return as_csv(CSV_COLUMNS, lines)


def _csv_line(row: Row, code: str, approximate: Sequence[str]) -> dict[str, object]:
    everything = row.summary(code, outliers=True)
    kept = row.summary(code, outliers=False)
    return {
        "figures": OURS,
        "model": row.label,
        "difference": row.difference,
        "variant": row.variant,
        "family": row.family,
        "members": row.members,
        "lesion": code,
        "approximate_masks": code in approximate,
        "n_all": everything.n,
        "mean_all": everything.mean,
        "sd_all": everything.sd,
        "n_kept": kept.n,
        "mean_kept": kept.mean,
        "sd_kept": kept.sd,
        "outliers": " ".join(row.outliers(code)),
        **{n: getattr(row.setting, n) for n in row.setting.__dataclass_fields__},
    }


def scores_csv(runs: Iterable[RunFolder]) -> str:
    """Every figure of every complete run: a line per run and lesion."""
    columns = ("run", "variant", "task", "seed", "members", "lesion", "threshold", *METRIC_ROWS)
    lines: list[dict[str, object]] = []
    for run in runs:
        for code, scored in run.lesions.items():
            about = {"run": run.name, "variant": run.variant, "task": run.task, "seed": run.seed}
            what = {"members": run.size, "lesion": code, "threshold": scored.threshold}
            lines.append({**about, **what, **scored.figures})
    return as_csv(columns, lines)


def as_csv(columns: Sequence[str], lines: Iterable[dict[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
