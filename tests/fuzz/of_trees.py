"""Damage to values: a tree of dicts and lists in which an entry goes, moves or becomes another.

As JSON text it may also hold what no value can: a key twice, numbers too long to read, lists in
lists without end.
"""

from __future__ import annotations

import copy
import json
import struct
from random import Random
from typing import Any

from fuzz.spot import OnBytes

RAW = "raw text: "  # a string that begins so is written to JSON as what follows, unquoted
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 2**31, 2**63, 2**64, 10**40, -(10**9), 10**9),
    *(float("nan"), float("inf"), float("-inf"), 1e308, 5e-324),
    *("", " ", "\x00", "a\nb", "\r\x1b[31m", "\u202e", "é", "\ud800", "x" * 5000, "0", "None"),
    *("..", "../../etc/passwd", "/etc/passwd", "a/../b", "C:\\x", "~", ".", "con", "%s%n"),
    *([], {}, [[]], [None], [{}], {"": 0}, [0] * 1000, {"a": {"a": {"a": {}}}}),
    *("EX", "MA,HE", "xs", "fp32", "int8", "coreml", "square", [1, 2], [1024, 1024], [32, 10**9]),
    *(RAW + "1" * 5000, RAW + "1e999999", RAW + "[" * 5000 + "]" * 5000),
    *(RAW + "[" * 200 + "]" * 200, RAW + "[" * 25 + "]" * 25),
    *(RAW + '{"a":' * 3000 + "0" + "}" * 3000, RAW + "NaN", RAW + "-Infinity", RAW + "truE", RAW),
)  # fmt: skip


def _parents(tree: Any) -> list[Any]:
    """Every dict and list of a tree that holds something."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, dict | list) and node:
            found.append(node)
            todo += node.values() if isinstance(node, dict) else node
    return found


def _entry(rng: Random, tree: Any) -> tuple[Any, Any]:
    """A parent and a key or place in it; shallow ones as often as deep ones, who are many."""
    parents = _parents(tree)
    parent = rng.choice(parents[: rng.choice((1, 4, len(parents)))])
    return parent, rng.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))


def dropped(rng: Random, tree: Any) -> None:
    parent, key = _entry(rng, tree)
    del parent[key]


def other_value(rng: Random, tree: Any) -> None:
    parent, key = _entry(rng, tree)
    parent[key] = copy.deepcopy(rng.choice(VALUES))


def moved_value(rng: Random, tree: Any) -> None:
    """A value from elsewhere in the tree: of a kind that occurs there, in the wrong place."""
    (parent, key), (source, place) = _entry(rng, tree), _entry(rng, tree)
    parent[key] = copy.deepcopy(source[place])


def wrapped(rng: Random, tree: Any) -> None:
    parent, key = _entry(rng, tree)
    parent[key] = rng.choice(([parent[key]], {"a": parent[key]}, [parent[key]] * 2))


def added(rng: Random, tree: Any) -> None:
    parent, key = _entry(rng, tree)
    value = copy.deepcopy(rng.choice(VALUES))
    if isinstance(parent, list):
        parent.insert(key, value)
    else:
        parent[rng.choice(("", "..", "../x", "a/b", "/x", "\ud800", "x" * 300, "schema"))] = value


def renamed(rng: Random, tree: Any) -> None:
    parent, key = _entry(rng, tree)
    if isinstance(parent, dict):
        name = rng.choice((str(key).upper(), f"{key} ", f"../{key}", f"{key}/", f"./{key}", ""))
        parent[name] = parent.pop(key)
    else:
        parent.append(parent.pop(key))


def nudged(rng: Random, tree: Any) -> None:
    """A value close to the one that stands there, which is of the right kind."""
    parent, key = _entry(rng, tree)
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int | float):
        parent[key] = rng.choice(
            (-value, value + 1, value * 2, value * 10**6, float(value), str(value))
        )
    elif isinstance(value, str):
        parent[key] = rng.choice((value + "x", value[:-1], value.upper(), f"../{value}", [value]))


CHANGES = (
    dropped,
    other_value,
    other_value,
    other_value,
    moved_value,
    wrapped,
    added,
    renamed,
    nudged,
)


def any_value(rng: Random, tree: Any) -> Any:
    """One to three of the above, to a copy."""
    tree = copy.deepcopy(tree)
    if rng.random() < 0.02:
        return copy.deepcopy(rng.choice(VALUES))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if isinstance(tree, dict | list) and tree:
            rng.choice(CHANGES)(rng, tree)
    return tree


def as_json(rng: Random, tree: Any) -> bytes:
    """Text of a tree, raw parts and all, now and then with a key of it twice."""
    text = json.dumps(tree)
    for raw in [v for v in VALUES if isinstance(v, str) and v.startswith(RAW)]:
        text = text.replace(json.dumps(raw), raw.removeprefix(RAW))
    if rng.random() < 0.05 and isinstance(tree, dict) and tree:
        key = json.dumps(rng.choice(list(tree)))
        text = f"{text[:-1]}, {key}: {json.dumps(rng.choice((None, 0, 'x', [], {})))}}}"
    return text.encode()


def json_tree(rng: Random, data: bytes, _: bytes) -> bytes:
    """A JSON file with its values damaged; left alone where it is none any more."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return data
    return as_json(rng, any_value(rng, tree))


def safetensors_header(rng: Random, data: bytes, _: bytes) -> bytes:
    """The same for the header of a safetensors file, its length said truly."""
    try:
        (length,) = struct.unpack_from("<Q", data)
        tree = json.loads(data[8 : 8 + length])
    except (struct.error, ValueError, RecursionError, OverflowError):
        return data
    header = as_json(rng, any_value(rng, tree))
    return struct.pack("<Q", len(header)) + header + data[8 + length :]


JSON = OnBytes(json_tree)
SAFETENSORS = OnBytes(safetensors_header)
