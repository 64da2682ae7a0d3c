"""What is said of a picture by its quality."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from mobileseg.evaluation.picture_flags import (
    BY_VALUES,
    FLAGS,
    LANGUAGES,
    SENTENCES,
    QualitySpec,
    judge_quality,
)
from mobileseg.files.schema import Unfit

SPEC: dict[str, Any] = {
    "usable": 0.5,
    "values": [
        {
            "name": "light",
            "meaning": "mean level over the disc, 0..1",
            "least": 0.1,
            "most": 0.9,
            "flag_below": "too-dark",
            "flag_above": "too-bright",
        },
        {
            "name": "fundus",
            "meaning": "how much it looks like a retina, 0..1",
            "least": 0.5,
            "most": None,
            "flag_below": "not-fundus",
            "flag_above": None,
        },
    ],
}
NAN = float("nan")


def judged(*quality: float, raised: tuple[str, ...] = ()) -> Any:
    return judge_quality(quality, ["MA", "EX"], QualitySpec.from_json(SPEC), raised)


def test_a_good_picture_is_usable_and_nothing_is_said() -> None:
    good = judged(0.75, 0.5, 0.4, 1.0)
    assert good.usable
    assert good.shown == 0.5  # the least
    assert good.lesions == {"MA": 0.75, "EX": 0.5}
    assert list(good.values) == ["light", "fundus"]
    assert (good.flags, good.sentences) == ((), {"en": (), "de": ()})


@pytest.mark.parametrize(
    ("quality", "flags", "usable"),
    [
        ((0.9, 0.9, 0.05, 1), ("too-dark",), True),
        ((0.9, 0.9, 0.1, 1), (), True),  # the limit itself, as float32 has it
        ((0.9, 0.9, 0.95, 0.4), ("not-fundus", "too-bright"), False),
        ((0.9, 0.49, 0.4, 1), (), False),
        ((0.9, NAN, 0.4, 1), (), False),
        ((0.9, 0.9, NAN, 1), ("too-dark", "too-bright"), True),
        ((0.9, 0.9, 0.4, NAN), ("not-fundus",), False),
    ],
)
def test_limits_raise_flags_and_the_least_quality_decides(
    quality: tuple[float, ...], flags: tuple[str, ...], usable: bool
) -> None:
    found = judged(*quality)
    assert (found.flags, found.usable) == (flags, usable)


def test_a_picture_without_retina_is_not_usable_whatever_its_quality() -> None:
    found = judged(1, 1, 0.4, 1, raised=("no-retina",))
    assert not found.usable
    assert found.sentences["en"] == ("No retina found.",)


def test_without_a_retina_the_values_raise_nothing() -> None:
    found = judged(0, 0, 0, 0, raised=("no-retina",))
    assert (found.flags, found.values) == (("no-retina",), {"light": 0, "fundus": 0})


def test_an_unusable_picture_without_a_flag_has_a_sentence_too() -> None:
    assert judged(0, 0, 0.4, 1).sentences["de"] == (SENTENCES["poor"]["de"],)


def test_another_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found 3 numbers of quality, expected 2 \+ 2"):
        judged(1, 1, 0.4)


def test_every_flag_has_a_sentence_in_every_language() -> None:
    assert all(set(SENTENCES[code]) == set(LANGUAGES) for code in FLAGS)
    assert "poor" not in FLAGS
    assert {"no-retina", "too-small"}.isdisjoint(BY_VALUES)


def test_a_spec_reads_as_it_was_written() -> None:
    assert QualitySpec.from_json(SPEC).to_json() == SPEC


@pytest.mark.parametrize(
    ("place", "key", "value", "words"),
    [
        (None, "usable", NAN, "quality.usable: found nan, expected a number 0..1"),
        (None, "usable", True, "quality.usable: found True"),
        (0, "least", NAN, r"quality.values\[0\].least: found nan"),
        (0, "most", float("inf"), r"quality.values\[0\].most: found inf"),
        (0, "most", 0.1, r"quality.values\[0\].most: found 0.1, expected above least, 0.1"),
        (0, "flag_above", None, r"values\[0\].flag_above: found None, expected one exactly where"),
        (1, "flag_above", "glare", r"values\[1\].flag_above: found glare, expected one exactly"),
        (1, "flag_below", "no-retina", r"values\[1\].flag_below: found 'no-retina', expected one"),
        (1, "name", "light", r"values\[1\].name: found light again"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_with_its_entry(
    place: int | None, key: str, value: Any, words: str
) -> None:
    spec = deepcopy(SPEC)
    (spec if place is None else spec["values"][place])[key] = value
    with pytest.raises(Unfit, match=words):
        QualitySpec.from_json(spec)


@pytest.mark.parametrize("key", ["name", "meaning", "least", "most", "flag_below", "flag_above"])
def test_a_value_that_lacks_an_entry_is_refused(key: str) -> None:
    spec = deepcopy(SPEC)
    del spec["values"][1][key]
    with pytest.raises(Unfit, match=rf"quality.values\[1\].{key}"):
        QualitySpec.from_json(spec)
