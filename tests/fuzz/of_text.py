"""Damage to text by its words: TOML that is almost what it was."""

from __future__ import annotations

import re
from random import Random

from fuzz.spot import OnBytes

WORD = re.compile(r"[A-Za-z_0-9.+-]+|\"[^\"\n]*\"|\s+|.", re.DOTALL)
NEW = (
    *("nan", "inf", "-inf", "1e400", "-1", "0", "9" * 30, "1_0", "0x10", "1979-05-27", "true"),
    *('""', '"""', "'''", '"EX"', '"xs"', '"..\\u0000"', '"\\ud800"', "[", "]", "[[", "]]", "{}"),
    *("=", ".", ",", "\n", "#", "\\", "\0", "\ufeff", "é", "runs", "[runs]", "[[runs]]"),
    *("runs = 1000000000000\n", "[" * 3000 + "]" * 3000, "x = [" + "[" * 200 + "]" * 200 + "]\n"),
    *("9" * 5000, '"' + "x" * 5000 + '"', "{a = " * 500 + "1" + "}" * 500),
    *("a.b.c = 1\n", "a" + ".a" * 2000 + " = 1\n"),
)  # fmt: skip


def words(rng: Random, data: bytes, other: bytes) -> bytes:
    """Words dropped, doubled, swapped, replaced or put in."""
    parts = WORD.findall(data.decode("utf-8", "replace"))
    theirs = WORD.findall(other.decode("utf-8", "replace")) or [""]
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not parts:
            break
        at, to = rng.randrange(len(parts)), rng.randrange(len(parts))
        new = rng.choice(NEW if rng.random() < 0.7 else theirs)
        match rng.randrange(5):
            case 0:
                del parts[at]
            case 1:
                parts.insert(at, parts[to])
            case 2:
                parts[at], parts[to] = parts[to], parts[at]
            case 3:
                parts.insert(at, new)
            case _:
                parts[at] = new
    return "".join(parts).encode("utf-8", "surrogatepass")


def table(rng: Random, data: bytes, _: bytes) -> bytes:
    """Cells of a comma-separated table, and whole rows."""
    rows = [line.split(",") for line in data.decode("utf-8", "replace").split("\n")]
    row = rng.choice(rows)
    cells = ("", "nan", "inf", "-1", "1e400", "x", '"', '"a\nb"', "\0", "9" * 400, "epoch")
    match rng.randrange(4):
        case 0:
            row[rng.randrange(len(row))] = rng.choice(cells)
        case 1:
            row.insert(rng.randrange(len(row)), rng.choice(cells))
        case 2:
            del row[rng.randrange(len(row))]
        case _:
            rows.insert(rng.randrange(len(rows)), list(row))
    return "\n".join(",".join(row) for row in rows).encode()


WORDS = OnBytes(words)
TABLE = OnBytes(table)
