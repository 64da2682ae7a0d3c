"""What can go wrong on a user's side, as exceptions whose text is the whole message.

    MobilesegError          exit 2; one line: the file, found, expected, what to do
    ├── BadInput            a file, folder or picture that cannot be used
    ├── UnknownName         a variant, task, target … that does not exist; lists the choices
    ├── MissingToolkit      an optional package that the request needs is not installed
    └── Diverged            a training whose loss is no longer a number

The command line prints the text and leaves; nobody else catches these.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_NAME = 60  # characters of a name that is in no table; it may come from a damaged file


class MobilesegError(Exception):
    """Base of every error that is the user's to mend; its text is shown as it is."""

    exit_code = 2


class BadInput(MobilesegError):
    """A file or folder is not what it should be."""


class UnknownName(MobilesegError):
    """A name that is in none of the project's tables."""

    def __init__(self, what: str, name: str, choices: Iterable[str]) -> None:
        said = repr(name)
        said = said if len(said) <= LONGEST_NAME else f"{said[:LONGEST_NAME]}…"
        super().__init__(f"no {what} {said}; choose from {', '.join(choices)}")


class MissingToolkit(MobilesegError):
    """A runtime or exporter that the request needs is not to be had here."""

    @classmethod
    def install(cls, package: str, extra: str) -> MissingToolkit:
        """The error for a package that an extra of ours would bring."""
        return cls(
            f"{package} is not installed and this needs it; "
            f"install the extra: pip install 'mobileseg[{extra}]'"
        )


class Diverged(MobilesegError):
    """The loss became infinite or not a number."""

    exit_code = 1
