"""How a case may end, which of the ends are faults of ours, and what a good refusal reads like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mobileseg.errors import MobilesegError

LONGEST = 1000  # characters of a refusal, its path not counted; a terminal shows twelve lines
ITEM = "\n  "  # begins each line but the first of a refusal that lists files


class End(Enum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DIED_NATIVE = "native loader died"  # the runtime of a target that aborts on foreign bytes
    TRACEBACK = "TRACEBACK"  # another exception than ours, or a message that is no line
    HANG = "HANG"
    MEMORY = "MEMORY"
    DIED = "DIED"


FAULTS = (End.TRACEBACK, End.HANG, End.MEMORY, End.DIED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case."""

    end: End
    text: str = ""  # the refusal, or where it went wrong
    seconds: float = 0.0  # at work
    peak_mib: float = 0.0  # of its process so far
    added_mib: float = 0.0  # of them since the first case


def refusal_fault(error: MobilesegError, folder: Path, *, listed: bool) -> str | None:
    """What is wrong with the text of a refusal, or None.

    Args:
        folder: what the case was about; the text has to name it, or a file in it.
        listed: the text may go on with a line for each bad file.
    """
    text = str(error)
    lines = text.split(ITEM) if listed else [text]
    if any(not line.isprintable() for line in lines):
        return "not one printable line"
    if str(folder) not in text:
        return "names no file"
    longest = max(len(line.replace(str(folder), "")) for line in lines)
    return f"{longest} characters long" if longest > LONGEST else None
