"""Files that somebody else wrote: what is read of them, and what is refused in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mobileseg.errors import BadInput
from mobileseg.files.schema import (
    FLAG,
    NAME,
    SHA256,
    TEXT,
    Unfit,
    either,
    entries,
    many,
    mapping,
    number,
    one_of,
    whole,
)
from mobileseg.files.untrusted import DEEPEST, parse_json, read_json, read_plain, said, shown

HERE = Path("a.json")


def test_what_json_can_say_comes_back():
    value = {"a": [1, -2, 0.5, 1e-300, True, None, "ö", {}], "b": {"c": 123456789012345678}}
    assert parse_json(json.dumps(value).encode(), HERE) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("", "Expecting value"),
        ('{"a": 1, "a": 1}', "'a' stands twice in one object"),
        ('[{"b": {"a": 1, "a": 2}}]', "'a' stands twice in one object"),
        ("NaN", "NaN is no number"),
        ("[Infinity]", "([0]: Infinity is no number"),
        ('{"a": [{"b": NaN}]}', "(a[0].b: NaN is no number"),
        ("1e400", "1e400 is beyond what a double holds"),
        ("-1e400", "-1e400 is beyond"),
        ("1" + 30 * "0", "a whole number of 31 digits"),
        ("-" + 5000 * "9", "a whole number of 5000 digits"),
        (100_000 * "[", "maximum recursion depth"),
        (100_000 * '{"a":', "maximum recursion depth"),
        ((DEEPEST + 2) * "[" + (DEEPEST + 2) * "]", f"nested more than {DEEPEST} deep"),
        ('"\\udc80"', "surrogates not allowed"),
        ('{"\\ud800": 1}', "surrogates not allowed"),
    ],
    ids=range(16),
)
def test_what_readers_take_in_different_ways_is_refused(text, said):
    with pytest.raises(BadInput) as caught:
        parse_json(text.encode(), HERE)
    assert str(caught.value).startswith("a.json: cannot be read as JSON (")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_nesting_up_to_the_limit_is_read():
    text = DEEPEST * "[" + DEEPEST * "]"
    assert parse_json(text.encode(), HERE) is not None


def test_a_file_no_larger_than_it_may_be_is_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_plain(path, 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes, more than 4"):
        read_plain(path, 4)


def test_a_file_that_says_it_is_empty_and_is_not_is_bounded_too():
    """Such are the system's own: size 0, and as long as they like."""
    path = Path("/proc/self/maps")
    if not path.exists():
        pytest.skip("not run: no such file on this system")
    assert path.stat().st_size == 0
    with pytest.raises(OSError, match="more than 10"):
        read_plain(path, 10)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "(a pipe, not a plain file)"),
        (Path.mkdir, "(a folder, not a plain file)"),
        (lambda path: path.symlink_to("/dev/zero"), "(a device, not a plain file)"),
        (lambda path: path.symlink_to(path), "(Too many levels of symbolic links)"),
        (lambda path: (path.touch(), os.truncate(path, 1 << 40)), " bytes, more than "),
        (lambda path: None, "no such file"),
    ],
    ids=["pipe", "folder", "device", "loop", "huge", "none"],
)
def test_what_could_be_read_for_ever_is_not_begun(make, said, tmp_path):
    make(tmp_path / "a.json")
    with pytest.raises(BadInput) as caught:
        read_json(tmp_path / "a.json")
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}: ") and said in str(caught.value)


def test_a_link_will_do_where_it_was_not_ruled_out(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "b.json").symlink_to("a.json")
    assert read_json(tmp_path / "b.json") == [1]
    with pytest.raises(BadInput, match=r"\(a link, not a plain file\)"):
        read_json(tmp_path / "b.json", links=False)


def test_a_value_is_shown_short_and_on_one_line():
    assert shown("a\nb\x1b") == "'a\\nb\\x1b'"
    assert len(shown("x" * 10**6)) < 70
    assert "\n" not in shown({"a": "b\n"})


FITS = [
    (TEXT, ""),
    (NAME, "a b"),
    (FLAG, False),
    (SHA256, 64 * "a"),
    (number(0, 1), 0),
    (number(0, 1), 1.0),
    (whole(0, 9), 9),
    (one_of("ab"), "a"),
    (many(TEXT, 0, 2), []),
    (mapping(TEXT, TEXT), {}),
    (either(FLAG, TEXT), "x"),
    (entries({"a": TEXT}, {"b": FLAG}), {"a": "", "c": 1}),
]


@pytest.mark.parametrize(("kind", "value"), FITS)
def test_what_fits_is_passed_in_silence(kind, value):
    kind(value, "it")


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (TEXT, 1, "it: found 1, expected a text"),
        (NAME, "", "it: found '', expected a name of 1..200 characters"),
        (NAME, "a\n", "it: found 'a\\n', expected a name"),
        (FLAG, 1, "it: found 1, expected true or false"),
        (SHA256, 64 * "g", "expected 64 hexadecimal digits"),
        (number(0, 1), True, "it: found True, expected a number 0..1"),
        (number(0, 1), 1.001, "it: found 1.001"),
        (number(0, 1), float("nan"), "it: found nan"),
        (number(0, 1), "1", "it: found '1'"),
        (whole(0, 9), 9.0, "it: found 9.0, expected a whole number 0..9"),
        (whole(0, 9), True, "it: found True"),
        (one_of(["a", "b"]), ["a"], "it: found ['a'], expected one of a, b"),
        (many(TEXT, 2, 2), ["a"], "it: found 1 of them, expected a list of 2"),
        (many(TEXT, 0, 2), ["a", 1], "it[1]: found 1, expected a text"),
        (many(TEXT, 0, 2), "ab", "it: found 'ab', expected a list of 0..2"),
        (mapping(NAME, FLAG), {"a": 1}, "it.a: found 1, expected true or false"),
        (mapping(NAME, FLAG), {"": True}, "it's key: found ''"),
        (mapping(NAME, FLAG, most=1), {"a": True, "b": True}, "it: found 2 entries"),
        (either(FLAG, TEXT), 1, "it: found 1, expected a text"),
        (entries({"a": TEXT}), {}, "'it.a'"),
        (entries({}, {"b": FLAG}), {"b": 1}, "it.b: found 1"),
        (entries({}), [], "it: found [], expected an object"),
    ],
    ids=range(22),
)
def test_what_does_not_fit_is_named(kind, value, said):
    with pytest.raises(Unfit) as caught:
        kind(value, "it")
    assert said in str(caught.value)


def test_what_a_library_says_is_one_short_line():
    assert said(ValueError("a\nb\x00\x1b[31mc  d")) == "a b [31mc d"
    assert said(ValueError("")) == "ValueError"
    assert len(said(ValueError("x" * 5000))) == 201
