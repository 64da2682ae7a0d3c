"""The demo's page: one file, nothing fetched, and no name of a file can break out of its text."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from converters.report_page import PictureRow, Report, as_rows, render

HOSTILE = '<script>alert("x")</script> & $title \'"'
CURVE = [
    {"epoch": e, "train_loss": 3 / e, "validation_loss": 4 / e, "validation_aupr_EX": 0.1 * e}
    for e in (1, 2, 3)
]
REPORT = Report(
    title="U²-Net-XS, EX, 64 px",
    record={"date": "2026-01-01", "machine": "x86_64"},
    curve=CURVE,
    scores=[["lesion", "AUPR"], ["hard exudates", "0.5000"]],
    parity=[["", "executorch fp32"], ["verdict", "agrees"]],
    remarks=["coreml: not run"],
    profile=[["variant", "MACs G"], ["xs", "3.29"]],
    colours={"hard exudates": (225, 60, 225)},
    pictures=[
        PictureRow(
            "eye 1",
            {"picture": np.full((60, 80, 3), 90, np.uint8), "coreml fp32": "not run: no Apple"},
            "EX: 3 found",
        )
    ],
)


@pytest.fixture(scope="module")
def page() -> str:
    return render(REPORT)


def test_everything_it_was_given_is_on_the_page(page):
    for text in (
        "<title>U²-Net-XS, EX, 64 px</title>",
        "<dt>machine</dt><dd>x86_64</dd>",
        "<th>AUPR</th>",
        "<td>0.5000</td>",
        "<td>agrees</td>",
        "<li>coreml: not run</li>",
        "<td>3.29</td>",
        "rgb(225, 60, 225)",
        "<h3>eye 1</h3><p>EX: 3 found</p>",
        "Not a medical device",
    ):
        assert text in page
    assert "$" not in page  # no placeholder left


def test_a_picture_that_nobody_could_make_is_said_in_words_in_its_place(page):
    shown = '<div class="none">not run: no Apple</div><figcaption>coreml fp32</figcaption>'
    assert shown in page
    assert page.count("<figure>") == 2


def pictures(page: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/\w+;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def test_pictures_are_inside_the_page_and_keep_their_shape(page):
    curve, eye = pictures(page)
    assert (curve.format, eye.format) == ("PNG", "JPEG")
    assert eye.size == (80, 60)
    assert np.abs(np.asarray(eye).astype(int) - 90).max() <= 2  # JPEG
    wide = PictureRow("wide", {"picture": np.zeros((1000, 2000, 3), np.uint8)})
    assert pictures(render(replace(REPORT, pictures=[wide])))[1].size == (840, 420)


def test_nothing_is_fetched_from_anywhere(page):
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "http" not in re.sub(r"base64,[^\"]+", "", page)
    assert "<script" not in page


def test_hostile_names_stay_text():
    row = PictureRow(HOSTILE, {HOSTILE: np.zeros((8, 8, 3), np.uint8), "x": HOSTILE}, HOSTILE)
    page = render(
        replace(
            REPORT,
            title=HOSTILE,
            record={HOSTILE: HOSTILE},
            scores=[[HOSTILE], [HOSTILE]],
            parity=[[HOSTILE], [HOSTILE]],
            profile=[[HOSTILE], [HOSTILE]],
            remarks=[HOSTILE],
            colours={HOSTILE: (1, 2, 3)},
            pictures=[row],
        )
    )
    assert "<script" not in page
    escaped = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; $title &#x27;&quot;"
    # Title twice, record twice, three tables twice, remark, legend; of the picture: its name,
    # its alternative text (with the name of who saw it), two captions' worth, its note.
    assert page.count(escaped) == 2 + 2 + 6 + 1 + 1 + (1 + 2 + 1 + 1 + 1)


def test_a_page_without_pictures_or_remarks_is_whole_too():
    page = render(replace(REPORT, pictures=[], remarks=[]))
    assert page.rstrip().endswith("</html>")


def test_rows_of_anything_become_text():
    assert as_rows(["a", "b"], [[1, 0.5], [None, "x"]]) == [["a", "b"], ["1", "0.5"], ["None", "x"]]
