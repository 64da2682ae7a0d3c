"""The outcome for a CI server and for a person: nothing that was not run passes."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
from PIL import Image

from converters.parity import stages
from converters.parity.html_report import page
from converters.parity.json_report import as_json
from converters.parity.junit_report import junit
from converters.parity.result import Worst
from converters.parity.text_tables import remarks, stage_table, summary
from converters.parity.tolerances import BUILT_IN, TOLERANCES, Gate
from converters.targets import Check

HOSTILE = '<script>alert("1")</script>\x00\x1b'


@pytest.fixture
def not_run(made):
    return made.parity(pictures=[], hard=[], task={}, not_run="no Apple here", bundle="c")


@pytest.fixture
def differs(made):
    return made.with_picture(box_equal=False)


def suites(*results, gate=BUILT_IN):
    return Xml.fromstring(junit(results, gate).encode())


def test_agreement_is_passed_cases_alone(parity):
    root = suites(parity())
    (suite,) = root
    assert (root.get("failures"), root.get("skipped")) == ("0", "0")
    names = {(c.get("classname"), c.get("name")) for c in suite}
    assert ("written artifact", "max |Δp|") in names and ("verdict", "agrees") in names
    assert int(root.get("tests")) == len(suite) == len(TOLERANCES["fp32"]) - 1 + 2


def test_a_difference_fails_and_what_was_not_run_is_skipped(differs, not_run):
    root = suites(differs, not_run)
    wrong, open_ = root
    failed = {c.get("name"): c.find("failure").get("message") for c in wrong if len(c)}
    assert failed == {
        "eye: crop or retina share differs": "eye: crop or retina share differs",
        "differs": "differs",
    }
    (skipped,) = [c for c in open_ if c.find("skipped") is not None]
    assert (skipped.get("name"), skipped.find("skipped").get("message")) == (
        "not run",
        "no Apple here",
    )
    assert (root.get("failures"), root.get("skipped")) == ("2", "1")


def test_a_failed_check_and_a_figure_over_its_limit_fail_once_each(parity, differs):
    result = replace(parity(checks=[Check("no inverse", False, "2")]), pictures=differs.pictures)
    tight = Gate({**TOLERANCES, "fp32": {**TOLERANCES["fp32"], "mean": Limit0}})
    (suite,) = suites(result, gate=tight)
    messages = [c.find("failure").get("message") for c in suite if len(c)]
    assert sorted(messages) == sorted(
        [
            "found 2",
            "mean |Δp| of a picture 1e-05, at most 0",
            "eye: crop or retina share differs",
            "differs",
        ]
    )


Limit0 = replace(TOLERANCES["fp32"]["mean"], most=0.0)


def test_too_few_pictures_for_the_gate_are_skipped_not_passed(parity):
    few = parity(pictures=parity().pictures[:2])
    (suite,) = suites(few, gate=Gate(pictures={"cropped": 4}))
    (skipped,) = [c.find("skipped") for c in suite if c.find("skipped") is not None]
    assert "fewer than 4" in skipped.get("message")


def test_no_text_breaks_the_documents(parity):
    hostile = parity(bundle=HOSTILE, data=HOSTILE, checks=[Check(HOSTILE, False, HOSTILE)])
    (suite,) = suites(hostile)
    assert "<script>" in suite.get("name") and "\x00" not in suite.get("name")
    text = page([hostile], BUILT_IN, {"date": HOSTILE})
    assert "<script>" not in text and "&lt;script&gt;" in text


class Closed(HTMLParser):
    """Every element that is opened is closed, in its order."""

    VOID = ("meta", "img", "br", "hr", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def worst():
    expected = np.zeros((1, 8, 8), np.float32)
    found = expected.copy()
    found[0, 2, 3], found[0, 5, 5] = 0.5, np.nan
    return Worst("eye", np.full((8, 8, 3), 40, np.uint8), expected, found)


def test_the_page_shows_verdicts_stages_limits_and_where_the_worst_differs(worst, differs, not_run):
    text = page([replace(differs, worst=worst), not_run], BUILT_IN, {"date": "today"})
    Closed(text)
    for said in (
        "differs",
        "eye: crop or retina share differs",
        "not run: no Apple here",
        "graph preprocessing",
        "119 layers summed in another order",
        "The worst picture: eye",
        "Not a medical device",
        "black 0 to white 5.0e-01",
    ):
        assert said in text, said
    pictures = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        for data in re.findall(r"base64,([^\"]+)", text)
    ]
    assert len(pictures) == 4 and all(p.shape == (512, 512, 3) for p in pictures)
    heat, where = pictures[2], pictures[3]  # each pixel of 8 is 64 wide
    place, no_number, same = (slice(160, 161), slice(224, 225)), (352, 352), (10, 10)
    assert heat[place].min() > 150  # the largest difference is the lightest
    assert tuple(heat[no_number]) == (0, 90, 255)
    assert heat[same].max() < 10
    assert tuple(where[same]) == (40, 40, 40)
    assert tuple(where[place][0, 0]) == tuple(where[no_number]) != (40, 40, 40)


def test_the_tables_have_a_column_for_every_stage(parity, not_run):
    result = parity("int8")
    header, *rows = stage_table(result)
    assert header[2:] == result.stages and all(len(row) == len(header) for row in rows)
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["EX AUPR"][0] == "0.8000" and by_name["EX AUPR"][-1] == "-1.0e-02"
    assert by_name["EX recall"][-1] == "0"
    header, *rows = summary([result, not_run], BUILT_IN)
    assert ["verdict", "agrees", "not run"] in rows


def test_remarks_name_the_stage_and_what_an_evaluation_cannot_see(parity, with_picture, not_run):
    seen = parity(evaluation="Linux evaluation", blind_to="Apple's kernels")
    (line,) = remarks([seen])
    assert line.startswith("b: Linux evaluation cannot see Apple's kernels; verify_on_mac.py")
    steps = dict(parity().pictures[0].steps)
    steps[stages.EXPORTED] = replace(steps[stages.EXPORTED], max=0.1)
    lines = remarks([with_picture(steps=steps), not_run])
    assert "b: the first stage at fault: exported program" in lines
    assert "c: not run: no Apple here (1 of 1 checks hold)" in lines


def test_the_json_says_all_of_it(differs):
    values = as_json(differs)
    assert (values["verdict"], values["made_by"]) == ("differs", None)
    assert values["faults"] == ["end to end: eye: crop or retina share differs"]
    assert {f["key"] for f in values["figures"]} == set(TOLERANCES["fp32"]) - {"apple"}
    assert all(f["why"] and "at_most" in f for f in values["figures"])
    assert values["pictures"][0]["steps"][stages.ARTIFACT]["flipped"] == {"EX": 0}
    assert values["gate"] == "the built-in table"
