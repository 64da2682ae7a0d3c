"""Damaged files of every sort against everything that opens a file: it is used, or refused in one
line that names it.

    PYTHONPATH=tests python -m fuzz                        12,000 cases and the whole commands
    PYTHONPATH=tests python -m fuzz --case photos:17       one of them again
    PYTHONPATH=tests python -m fuzz --case photos:17 --keep DIR    and its files, to look at

A case follows from (seed, kind, number) alone. It runs in a process of its own kind that may
crash, hang or ask for memory without end: this one notices, names the case and goes on.
"""
