"""Which of Android's declarations a row of framework.txt is."""

from __future__ import annotations

import re

from declarations import NULL, Member
from framework_table import Row

NUMBERS = {"int", "long", "short", "byte", "float", "double"}
TEXTS = {"java.lang.String", "java.lang.CharSequence"}


def twin(row: Row, members: list[Member]) -> Member | None:
    """Android's declaration of a row."""
    for member in members:
        if member.name != row.name or member.static != ("static" in row.modifiers):
            continue
        if (member.parameters is None) != (row.parameters is None):
            continue
        pairs = list(zip(row.parameters or (), member.parameters or (), strict=False))
        same_count = len(row.parameters or ()) == len(member.parameters or ())
        if not same_count or not all(_fits(ours, theirs) for ours, theirs in pairs):
            continue
        if is_literal(member.result) or _fits(row.kind or "void", member.result or "void"):
            return member
    return None


def is_literal(text: str) -> bool:
    return bool(re.match(r'["\d-]|true$|false$', text))


def _fits(ours: str, theirs: str) -> bool:
    """Whether a Java type is what a declaration says, as far as it says it."""
    theirs = theirs.removesuffix(NULL)
    if ours.endswith(("[]", "...")):
        inner = re.match(r"androidNative\.Array<(.*)>$", theirs)
        return bool(inner) and _fits(re.sub(r"(\[\]|\.\.\.)$", "", ours), inner[1])  # type: ignore[index]
    bare, their_bare = re.sub("<.*", "", ours), re.sub("<.*", "", theirs)
    if theirs == "any" or bare == "T":
        return True
    if bare in NUMBERS:
        return their_bare == "number"
    if bare in TEXTS:
        return their_bare == "string"
    return bare == their_bare
