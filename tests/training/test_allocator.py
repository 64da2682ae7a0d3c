"""Freed blocks come back without the kernel, in a process that asked for it and in no other."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from mobileseg.training import allocator
from mobileseg.training.allocator import keep_large_blocks

# Three blocks of 64 MiB, each written and freed in turn, as a step's maps are: page faults of the
# last two rounds. A page of memory is 4 KiB at least, or 64 KiB on some ARM machines.
PROBE = """
import ctypes, resource
from mobileseg.training.allocator import keep_large_blocks
{first}
libc, size = ctypes.CDLL(None), 2**26
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def round():
    blocks = [libc.malloc(size) for _ in range(3)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        libc.free(block)
round()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
round()
round()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 6 * 2**26 // 2**16  # of the two rounds, by the largest pages
glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="not run: not the GNU C library"
)


def page_faults(first: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(first=first)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@glibc
def test_blocks_are_kept_once_it_is_asked_for() -> None:
    assert page_faults("assert keep_large_blocks()") < PAGES / 20


@glibc
def test_a_second_call_is_harmless() -> None:
    assert page_faults("assert keep_large_blocks() and keep_large_blocks()") < PAGES / 20


@glibc
def test_nothing_is_kept_by_the_import_alone() -> None:
    # Transparent huge pages would be 2 MiB each, 192 of them; glibc does not ask for any.
    assert page_faults("") >= PAGES / 20


@glibc
def test_an_older_library_that_refuses_the_threshold_keeps_blocks_too() -> None:
    # M_MXFAST in its place, which no library takes a gigabyte for: mallopt says 0 as of old.
    refused = "from mobileseg.training import allocator; allocator.M_MMAP_THRESHOLD = 1"
    assert page_faults(f"{refused}; assert keep_large_blocks()") < PAGES / 20


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_left_as_they_are(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert keep_large_blocks() is False


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # musl: no gnu_get_libc_version
    assert keep_large_blocks() is False

    def refuse(_: object) -> None:
        raise OSError("no symbols of one's own")

    monkeypatch.setattr(allocator.ctypes, "CDLL", refuse)  # a static Python
    assert keep_large_blocks() is False
