"""A sort of file under test: a row of `fuzz.kinds`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fuzz.specimens import Make
from fuzz.spot import Change, Spot


@dataclass(frozen=True, slots=True)
class Kind:
    """What is damaged, how, and who is then asked to open it."""

    name: str
    specimens: Make  # writes whole ones, a folder each; one that begins with a dot is none
    victims: tuple[str, ...]  # patterns of the files in a specimen of which a case takes one
    changes: tuple[Change, ...]  # a row that stands twice is taken twice as often
    ask: Callable[[Spot], object]
    share: int  # its cases in a whole run
    suffixes: tuple[str, ...] = ()  # names that a file may wrongly have
    listed: bool = False  # its refusals go on with a line for each bad file
    may_die: bool = False  # a toolkit's native code reads the file: its abort is not ours
    needs: str = ""  # a package without which the kind is not run
