"""A study's report: what is averaged, what is said of it, and that nothing found is left out."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import cbook
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mobileseg.errors import BadInput, UnknownName
from mobileseg.models.variants import VARIANTS
from mobileseg.report.evaluation_file import METRIC_ROWS
from mobileseg.report.load import Study, read_study
from mobileseg.report.markdown import caption
from mobileseg.report.mask_comparison import COLOURS, compared, count
from mobileseg.report.outliers import fences, is_outlier, summarise, without_outliers
from mobileseg.report.published_results import TABLE_3
from mobileseg.report.rows import TABLE_ORDER, as_rows
from mobileseg.report.style import SMALLEST_PT, STYLE, drawn_alike
from mobileseg.report.tables import escape_latex, escape_markdown, shown, table_3, table_3_csv
from mobileseg.report.tradeoff import Circle, circles, draw_tradeoff
from mobileseg.report.write import Report, to_json, write_report
from mobileseg.runs import pretrained_run


def scored(values: dict[str, float | None], **more: Any) -> dict[str, Any]:
    """An evaluation.json: lesion -> AUPR."""
    return {
        "run": "r",
        "data": "eyes",
        "split": "test",
        "resolution": "network",
        "side_px": 512,
        "protocol": "clean",
        "leaks": [],
        "lesions": [
            {"lesion": code, "aupr": value, "dice": 0.5, "threshold": 0.4, "hausdorff": 20.0}
            for code, value in values.items()
        ],
        **more,
    }


def write_run(
    folder: Path,
    values: dict[str, float | None] | None,
    *,
    variant: str = "xs",
    task: str = "EX",
    epochs: int = 2,
    members: Sequence[dict[str, str]] = (),
    evaluation: dict[str, Any] | None = None,
    **choices: Any,
) -> Path:
    """A run folder as a report reads it; without values it is not scored."""
    folder.mkdir(parents=True)
    config: dict[str, Any] = {"schema": 1, "variant": variant, "task": task}
    config["training"] = {"epochs": 2, "lr": 0.1, "seed": 0, **choices}
    if members:
        config["members"] = list(members)
    (folder / "config.json").write_text(json.dumps(config))
    head = "epoch,lr,train_loss,validation_loss,validation_aupr_EX\n"
    rows = [f"{e},0.1,{2 / e},{3 / e},{0.2 * e}\n" for e in range(1, epochs + 1)]
    (folder / "metrics.csv").write_text(head + "".join(rows))
    if values is not None:
        done = evaluation or scored(values)
        (folder / "evaluation.json").write_text(json.dumps(done))
        (folder / "run.json").write_text(
            json.dumps({"finished": "2026-11-22T10:00:00+00:00", "machine": "a machine"})
        )
    return folder


EX = (0.70, 0.72, 0.74, 0.76, 0.10)  # quartiles 0.70, 0.74: fences 0.64, 0.80; the last is out


def write_study(folder: Path) -> Path:
    """Five XS runs for EX (one an outlier), an ensemble of three, one run in training."""
    for seed, value in enumerate(EX):
        write_run(folder / "runs" / f"xs-EX-{seed}", {"EX": value}, seed=seed)
    write_run(folder / "runs" / "xs-EX-5", None, seed=5, epochs=1)
    members = [{"name": f"xs-EX-{i}", "task": "EX"} for i in (0, 1, 2)]
    write_run(folder / "ensembles" / "xs-EX-best3", {"EX": 0.8}, members=members)
    planned = [{"name": f"xs-EX-{i}", "variant": "xs", "task": "EX", "seed": i} for i in range(7)]
    ensembles = [{"name": "xs-EX-best3", "variant": "xs", "task": "EX", "best": 3}]
    plan = {"schema": 1, "name": "small", "runs": planned, "ensembles": ensembles}
    (folder / "study.json").write_text(json.dumps(plan))
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """`write_study`, for a test that changes it."""
    return write_study(tmp_path / "study")


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> tuple[Study, Report]:
    """`write_study` and its report."""
    opened = read_study(write_study(tmp_path_factory.mktemp("reported") / "study"))
    return opened, write_report(opened, opened.path / "report")


# --- outliers, means ---------------------------------------------------------------------------


def test_quartiles_and_fences_of_five_by_hand():
    """Sorted 0.10 0.70 0.72 0.74 0.76: quartiles at the 2nd and 4th, 1.5 x 0.04 beyond them."""
    assert fences(EX) == pytest.approx((0.64, 0.80))
    assert is_outlier(EX) == [False, False, False, False, True]
    assert without_outliers(EX) == [0.70, 0.72, 0.74, 0.76]


def test_mean_and_sd_by_hand():
    kept = summarise(without_outliers(EX))
    assert (kept.n, kept.mean) == (4, pytest.approx(0.73))
    # Deviations -0.03 -0.01 0.01 0.03: squares 0.002 over n - 1 = 3.
    assert kept.sd == pytest.approx(math.sqrt(0.002 / 3))


def test_a_value_on_the_fence_is_kept():
    values = [0.0, 1.0, 1.0, 2.0, 2.0, 3.5]  # quartiles 1 and 2, so fences -0.5 and 3.5
    assert fences(values) == (-0.5, 3.5)
    assert not any(is_outlier(values))
    assert is_outlier([*values[:-1], 3.6])[-1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_rule_is_that_of_the_drawn_box(values):
    (box,) = cbook.boxplot_stats(values, whis=1.5)
    assert sorted(v for v, out in zip(values, is_outlier(values), strict=True) if out) == sorted(
        box["fliers"]
    )


@given(st.lists(st.floats(0, 1), max_size=3))
def test_three_runs_or_fewer_have_no_outlier(values):
    # Within rounding: the fences are sums.
    low, high = fences(values)
    assert all(low - 1e-12 <= v <= high + 1e-12 for v in values)


def test_one_run_has_no_sd_and_none_no_mean():
    assert (summarise([0.5]).sd, summarise([]).mean) == (None, None)
    assert shown(summarise([0.5])) == "0.500 n=1"
    assert shown(summarise([])) == "–"
    assert shown(summarise([0.5, 0.7])) == "0.600 (0.141) n=2"


# --- rows --------------------------------------------------------------------------------------


def test_seeds_are_repetitions_and_other_choices_are_not(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / f"a{seed}", {"EX": 0.7}, seed=seed, split_seed=seed, devices=seed)
        write_run(tmp_path / f"b{seed}", {"EX": 0.6}, seed=seed, lr=0.2)
    rows = as_rows(read_study(tmp_path).complete)
    assert [(r.label, r.difference, len(r.runs)) for r in rows] == [
        ("U²-Net-XS [a]", "lr 0.1", 2),
        ("U²-Net-XS [b]", "lr 0.2", 2),
    ]


def test_other_sides_and_protocols_are_not_averaged(tmp_path):
    write_run(tmp_path / "a", {"EX": 0.7})
    other = scored({"EX": 0.6}, side_px=256, protocol="paper", leaks=["it was seen"])
    write_run(tmp_path / "b", {"EX": 0.6}, evaluation=other)
    rows = as_rows(read_study(tmp_path).complete)
    assert [r.difference for r in rows] == [
        "side px 512, protocol clean",
        "side px 256, protocol paper",
    ]


@pytest.mark.parametrize(
    ("variant", "task", "members", "label"),
    [
        ("s", "MA", [], "U²-Net-S"),
        ("s", "MA,HE", [], "U²-Net-S (DT)"),
        ("s", "all", [], "U²-Net-S (MT)"),
        ("m-sep", "EX", ["EX"] * 3, "U²-Net-M*†"),
        ("s", "EX,SE", ["EX,SE"] * 3, "U²-Net-S† (DT)"),
        ("xs", "EX", ["EX"] * 5, "U²-Net-XS†5"),
        ("xs", "all", ["MA", "HE", "EX", "SE"], "U²-Net-XS (4 side by side)"),
        ("m,xs", "all", ["MA,HE", "EX,SE"], "mixed"),
    ],
)
def test_a_row_is_called_as_the_paper_would(tmp_path, variant, task, members, label):
    named = [{"name": f"member-{i}", "task": t} for i, t in enumerate(members)]
    write_run(tmp_path / "mixed", {"EX": 0.5}, variant=variant, task=task, members=named)
    (row,) = as_rows(read_study(tmp_path).complete)
    assert row.label == label


def test_the_tables_order_has_every_variant():
    assert set(TABLE_ORDER) == set(VARIANTS)


# --- table 3 -----------------------------------------------------------------------------------


def cells_of(table: Any, name: str, source: str) -> tuple[str, ...]:
    (line,) = [x for x in table.lines if x.name == name and x.source == source]
    return line.cells


def test_table_3_shows_ours_beside_the_papers(study):
    opened = read_study(study)
    rows = as_rows(opened.complete)
    kept = table_3(rows, ("EX",), (), outliers=False)
    assert cells_of(kept, "U²-Net-XS", "ours") == ("–", "–", "0.730 (0.026) n=4", "–", "–")
    assert cells_of(kept, "U²-Net-XS†", "ours") == ("–", "–", "0.800 n=1", "–", "–")
    published = cells_of(kept, "U²-Net-XS", "published, Siebert 2022")
    assert published[2:] == ("0.774 (0.057)", "0.615 (0.070)", "0.566")
    every = table_3(rows, ("EX",), (), outliers=True)
    assert cells_of(every, "U²-Net-XS", "ours")[2] == "0.604 (0.283) n=5"
    names = [line.name for line in kept.lines]
    assert names.index("U²-Net-XS") < names.index("U²-Net-S (DT)") < names.index("U²-Net-XS†")
    assert len(kept.lines) == len(TABLE_3) + 2


def test_the_mean_runs_over_the_lesions_its_heading_names(tmp_path):
    for task, value in (("EX", 0.7), ("SE", 0.5)):
        write_run(tmp_path / task, {task: value}, task=task)
    rows = as_rows(read_study(tmp_path).complete)
    table = table_3(rows, ("EX", "SE"), ("SE",), outliers=False)
    assert table.headings[-2:] == ("mean of EX, SE", "mean of all four")
    assert table.headings[5] == "SE (approximate masks)"
    assert cells_of(table, "U²-Net-XS", "ours")[-2:] == ("0.600", "–")
    # (0.774 + 0.615) / 2
    assert cells_of(table, "U²-Net-XS", "published, Siebert 2022")[-2:] == ("0.695", "0.566")


def test_an_undefined_figure_is_not_counted_and_is_named(tmp_path):
    write_run(tmp_path / "a", {"SE": None}, task="SE")
    write_run(tmp_path / "b", {"SE": 0.4}, task="SE", seed=1)
    (row,) = as_rows(read_study(tmp_path).complete)
    assert row.summary("SE", outliers=True).n == 1
    assert row.undefined("SE") == ["a"]


def test_the_csv_gives_every_digit_back(study):
    opened = read_study(study)
    rows = as_rows(opened.complete)
    lines = list(csv.DictReader(io.StringIO(table_3_csv(rows, ("EX",)))))
    ours, ensemble = (line for line in lines if line["figures"] == "ours")
    assert float(ours["mean_kept"]) == rows[0].summary("EX", outliers=False).mean
    assert float(ours["sd_all"]) == rows[0].summary("EX", outliers=True).sd
    assert (ours["n_kept"], ours["n_all"], ours["outliers"]) == ("4", "5", "xs-EX-4")
    assert (ours["approximate_masks"], ours["data"], ours["side_px"]) == ("True", "eyes", "512")
    assert (ensemble["members"], ensemble["sd_all"]) == ("3", "")
    theirs = [line for line in lines if line["figures"] == "published"]
    assert len(theirs) == 4 * len(TABLE_3)
    assert theirs[0]["mean_kept"] == "0.355" and theirs[0]["source"].startswith("Siebert")


def test_latex_and_markdown_keep_names_as_they_are():
    assert escape_latex("a_b & 5 % U²-Net-M*† #1") == (
        r"a\_b \& 5 \% U\textsuperscript{2}-Net-M\textasteriskcentered{}\textdagger{} \#1"
    )
    assert escape_latex("\\{x}~^") == (r"\textbackslash{}\{x\}\textasciitilde{}\textasciicircum{}")
    assert escape_markdown("a|b *c* _d_") == r"a\|b \*c\* \_d\_"


# --- the whole report --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report of runs of all kinds, all lesions; the runs' folder is called with a % and a _."""
    folder = tmp_path_factory.mktemp("report") / "50%_study"
    values = {"MA": 0.3, "HE": 0.5, "EX": 0.7, "SE": 0.6}
    for variant, shift in (("xs", 0.0), ("xs-sep", -0.1)):
        for code, value in values.items():
            for seed in range(4):
                aupr = value + shift + 0.01 * seed
                name = f"{variant}-{code}-{seed}"
                kind = {"variant": variant, "task": code, "epochs": 2 if code == "EX" else 0}
                write_run(folder / name, {code: aupr}, **kind, seed=seed)
    members = [{"name": f"xs-all-{i}", "task": "all"} for i in range(3)]
    write_run(folder / "xs-all-best3", values, task="all", members=members)
    failed = write_run(folder / "xs-all-0", None, task="all", epochs=1)
    (failed / "diverged.json").write_text("{}")
    study = read_study(folder, ["MA", "HE", "SE"])
    return study, write_report(study, folder / "report")


def test_every_file_that_is_named_is_there(written):
    _, report = written
    assert all((report.folder / name).is_file() for name in report.files)
    there = {str(p.relative_to(report.folder)) for p in report.folder.rglob("*") if p.is_file()}
    assert there == set(report.files)
    for name in ("table3.md", "table3.csv", "table3.tex", "fig2-tradeoff.svg", "fig3-aupr.png",
                 "fig4-dice.png", "fig5-hausdorff.svg", "curves/xs-EX.png"):  # fmt: skip
        assert name in report.files


def test_every_picture_on_the_page_is_there(written):
    _, report = written
    text = (report.folder / "report.md").read_text()
    pictures = re.findall(r"!\[\]\(([^)]+)\)", text)
    assert len(pictures) == 7
    assert all((report.folder / name).is_file() for name in pictures)


def test_the_caption_says_what_a_figure_must_say(written):
    _, report = written
    for name in ("report.md", "table3.md", "table3.tex"):
        text = (report.folder / name).read_text()
        for said in ("Data eyes, test set, 512 px", "protocol clean", "MA, HE, SE", "2026-11-22",
                     "a machine", "xact AUPR, pixels pooled", "1.5 interquartile"):  # fmt: skip
            assert said in text, (name, said)
    assert "Not a medical device" in (report.folder / "report.md").read_text()


def test_leaks_are_told_where_the_protocol_has_them(tmp_path):
    leaky = scored({"EX": 0.7}, protocol="paper", leaks=["thresholds were chosen there"])
    write_run(tmp_path / "runs" / "a", {"EX": 0.7}, evaluation=leaky)
    study = read_study(tmp_path)
    said = caption(study, as_rows(study.complete))
    assert "protocol paper. Leaks of the test set: thresholds were chosen there." in said


def test_latex_has_no_letter_that_means_something_else(written):
    _, report = written
    text = (report.folder / "table3.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    columns = {len(re.findall(r"(?<!\\)&", line)) for line in body}
    assert columns == {6}
    assert not re.search(r"(?<!\\)[%#_$]", re.sub(r"\$\\times\$|\\label\{.*\}", "", text))
    assert not set(text) & set("²†–×")


def test_svg_is_xml_and_has_no_date(written):
    _, report = written
    for name in (n for n in report.files if n.endswith(".svg")):
        root = ElementTree.parse(report.folder / name).getroot()
        assert root.tag.endswith("svg")
        assert "<dc:date>" not in (report.folder / name).read_text()


def test_the_same_study_gives_the_same_bytes(reported, tmp_path):
    study, one = reported
    two = write_report(read_study(study.path), tmp_path / "two")
    assert one.files == two.files
    for name in one.files:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes(), name


def test_what_is_not_complete_is_listed_with_its_epoch(study, written):
    opened = read_study(study)
    assert {f.name: f.state for f in opened.unfinished} == {
        "xs-EX-5": "in training: epoch 1 of 2",
        "xs-EX-6": "not started",
    }
    diverged, report = written
    assert [f.state for f in diverged.unfinished] == ["diverged after epoch 1 of 2"]
    text = (report.folder / "report.md").read_text()
    assert "- xs-all-0: diverged after epoch 1 of 2" in text
    assert "33 of 34 runs and ensembles found; there is no study.json" in text


def test_a_run_that_a_study_gave_up_says_why(study):
    (study / "states").mkdir()
    for name in ("xs-EX-5", "xs-EX-6"):
        noted = {"state": "failed", "attempts": 3, "error": "out of memory"}
        (study / "states" / f"{name}.json").write_text(json.dumps(noted))
    assert {f.name: f.state for f in read_study(study).unfinished} == {
        "xs-EX-5": "failed: out of memory; epoch 1 of 2",
        "xs-EX-6": "failed: out of memory",
    }


def test_a_study_in_its_first_hours_has_its_curves_and_the_papers_rows(tmp_path):
    write_run(tmp_path / "runs" / "xs-EX-0", None)
    report = write_report(read_study(tmp_path), tmp_path / "out")
    assert report.files == (
        "report.md", "table3.md", "table3.csv", "table3.tex", "scores.csv",
        "curves/xs-EX.png", "curves/xs-EX.svg",
    )  # fmt: skip
    assert len(report.table.lines) == len(TABLE_3)


def test_json_has_the_rows_and_the_unfinished(reported):
    values = to_json(*reported)
    assert json.loads(json.dumps(values, allow_nan=False))["rows"][0]["aupr"]["EX"] == {
        "kept": {"n": 4, "mean": pytest.approx(0.73), "sd": pytest.approx(0.02582, abs=1e-5)},
        "all": {"n": 5, "mean": pytest.approx(0.604), "sd": pytest.approx(0.2826, abs=1e-4)},
        "outliers": ["xs-EX-4"],
    }
    assert set(values["unfinished"]) == {"xs-EX-5", "xs-EX-6"}


def test_a_report_is_only_replaced_by_force_and_nothing_else_ever(tmp_path):
    write_run(tmp_path / "runs" / "a", None, epochs=0)
    opened = read_study(tmp_path)
    write_report(opened, tmp_path / "out")
    with pytest.raises(BadInput, match="exists already"):
        write_report(opened, tmp_path / "out")
    write_report(opened, tmp_path / "out", force=True)
    with pytest.raises(BadInput, match=r"holds no report\.md"):
        write_report(opened, tmp_path / "runs", force=True)


def test_lesions_that_study_json_calls_approximate_are_told_so(study):
    plan = json.loads((study / "study.json").read_text())
    (study / "study.json").write_text(json.dumps({**plan, "approximate": ["SE"]}))
    assert read_study(study, ["MA"]).approximate == ("MA", "SE")


# --- figures -----------------------------------------------------------------------------------


def test_circles_stand_at_the_papers_macs(tmp_path):
    write_run(tmp_path / "whole", {"EX": 0.7})
    write_run(tmp_path / "half", {"EX": 0.6}, evaluation=scored({"EX": 0.6}, side_px=256))
    drawn = circles(as_rows(read_study(tmp_path).complete), ("EX",))
    theirs = {c.name: c for c in drawn if not c.ours}
    assert len(theirs) == 12
    assert (theirs["XS†"].macs_g, theirs["XS†"].params_m, theirs["XS†"].aupr) == (10.1, 0.22, 0.852)
    half, whole = sorted((c for c in drawn if c.ours), key=lambda c: c.macs_g)
    assert f"{whole.macs_g:.2f} {whole.params_m:.2f}" == "3.48 0.07"  # Table 2
    assert half.macs_g == pytest.approx(whole.macs_g / 4, rel=0.01)
    assert (half.aupr, whole.aupr) == (0.6, 0.7)


def test_no_label_covers_another_even_where_all_points_meet():
    papers = circles([], ("EX",))
    ours = [Circle(c.name, c.macs_g, c.params_m, c.aupr + 1e-3, c.look, True) for c in papers]
    with drawn_alike():
        figure = draw_tradeoff([*papers, *ours], ("EX",))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        notes = figure.axes[0].texts
        boxes = [note.get_window_extent(canvas.get_renderer()) for note in notes]
    assert len(boxes) == 24
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i]), notes[i].get_text()
        assert figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1)
        assert figure.bbox.containsy(box.y0) and figure.bbox.containsy(box.y1)


def test_no_letter_is_smaller_than_seven_points():
    sizes = [v for k, v in STYLE.items() if k.endswith(("size", "fontsize"))]
    assert min(sizes) == SMALLEST_PT == 7


# Machado et al. 2009, severity 1: what a protanope and a deuteranope see, linear RGB.
DEFICIENT = {
    "everyone": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


@pytest.mark.parametrize("who", DEFICIENT)
def test_found_missed_and_false_keep_apart_for_the_colour_blind(who):
    seen = [np.asarray(DEFICIENT[who]) @ (np.array(rgb) / 255) ** 2.2 for rgb in COLOURS.values()]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(apart) > 0.5  # of a cube whose side is 1


# --- pictures ----------------------------------------------------------------------------------


def test_a_comparison_by_hand():
    truth = np.zeros((4, 6), bool)
    truth[0, :2] = truth[3, 4] = True  # two lesions, one of two pixels
    predicted = np.zeros((4, 6), bool)
    predicted[0, 1:3] = True  # a pixel of the first, and one beside it
    counts = count(truth, predicted)
    assert (counts.found, counts.missed, counts.false) == (1, 2, 1)
    assert (counts.lesions, counts.lesions_found) == (2, 1)
    assert counts.dice == pytest.approx(2 / 5)
    drawn = compared(np.zeros((4, 6, 3), np.uint8), truth, predicted)
    strongest = {tuple(c) for c in (drawn > 100).reshape(-1, 3).astype(int).tolist()}
    assert drawn[0, 1].min() > 150  # found: white
    assert drawn[3, 4].argmax() == 2  # missed: blue
    assert drawn[0, 2, 0] > drawn[0, 2, 2]  # false: yellow
    assert (0, 0, 0) in strongest


def test_two_empty_masks_have_no_dice():
    nothing = np.zeros((3, 3), bool)
    assert count(nothing, nothing).dice is None
    assert count(nothing, ~nothing).dice == 0


@pytest.fixture(scope="module")
def shown_study(tmp_path_factory) -> Path:
    """The run that ships, scored, beside one whose weights are missing."""
    folder = tmp_path_factory.mktemp("pages") / "study"
    for name, weights in (("xs-EX-0", True), ("s-EX-0", False)):
        run = folder / "runs" / name
        run.mkdir(parents=True)
        for path in pretrained_run().iterdir():
            if weights or path.suffix != ".safetensors":
                (run / path.name).write_bytes(path.read_bytes())
        done = scored({"EX": 0.6}, side_px=256)
        (run / "evaluation.json").write_text(json.dumps(done))
    config = json.loads((folder / "runs/s-EX-0/config.json").read_text())
    (folder / "runs/s-EX-0/config.json").write_text(json.dumps({**config, "variant": "s"}))
    return folder


def test_pages_open_offline_and_show_every_test_picture(shown_study, phantoms, tmp_path):
    report = write_report(read_study(shown_study), tmp_path / "out", data=phantoms)
    pages = sorted(n for n in report.files if n.startswith("pages/phantom"))
    assert len(pages) == 3
    for name in (*pages, "pages/index.html", "pages/fig1.html"):
        text = (report.folder / name).read_text()
        assert "http" not in text  # nothing is fetched
        assert "Not a medical device" in text
        for link in re.findall(r'href="([^"]+)"', text):
            assert (report.folder / "pages" / link).is_file()
    text = (report.folder / pages[0]).read_text()
    assert text.count("data:image/jpeg;base64,") == 4  # picture, truth, prediction, comparison
    assert "threshold 0.400" in text  # the one that was scored with
    assert (report.folder / "pages/fig1.png").is_file()
    assert any("s-EX-0" in line and "best.safetensors" in line for line in report.remarks)


# --- wrong input -------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere: no such folder"):
        read_study(tmp_path / "nowhere")


def test_a_folder_without_runs_is_refused(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(BadInput, match=r"found no study\.json and no run folders"):
        read_study(tmp_path)


def test_an_unknown_lesion_lists_the_choices(study):
    with pytest.raises(UnknownName, match="no lesion 'HX'; choose from MA, HE, EX, SE"):
        read_study(study, ["HX"])


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("evaluation.json", "{"),
        ("evaluation.json", "[]"),
        ("evaluation.json", "{}"),
        ("evaluation.json", json.dumps(scored({}))),
        ("evaluation.json", json.dumps(scored({"HX": 0.5}))),
        ("evaluation.json", json.dumps(scored({"EX": 0.5}, lesions=[{"lesion": "EX"}]))),
        ("evaluation.json", json.dumps(scored({"EX": 0.5}, side_px="wide"))),
        ("evaluation.json", json.dumps(scored({"EX": 0.5}, lesions=7))),
        ("config.json", "nothing"),
        ("config.json", '{"variant": "xs", "task": "HX"}'),
        ("run.json", "[1]"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(study, file, text):
    where = study / "runs" / "xs-EX-1" / file
    where.write_text(text)
    with pytest.raises(BadInput) as found:
        read_study(study)
    assert str(where) in str(found.value) and "\n" not in str(found.value)


@pytest.mark.parametrize(
    "text",
    ["epoch,lr\n1,a\n", "epoch,lr\n1\n", "a,b\n1,2\n", "epoch\n" + "1" * 200_000, "epoch\nnan\n"],
)
def test_damaged_metrics_are_named(study, tmp_path, text):
    where = study / "runs" / "xs-EX-1" / "metrics.csv"
    where.write_text(text)
    with pytest.raises(BadInput, match=re.escape(str(where))):
        write_report(read_study(study), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "plan",
    [
        *("[]", '{"runs": [{}]}', '{"runs": [{"name": "a", "variant": "x", "task": "EX"}]}'),
        '{"ensembles": [{"name": "a", "variant": "xs", "task": "EX", "best": []}]}',
        '{"runs": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_a_damaged_plan_is_named(study, plan):
    (study / "study.json").write_text(plan)
    with pytest.raises(BadInput, match=r"study\.json"):
        read_study(study)


def test_every_metric_of_the_contract_is_read(tmp_path):
    entry = {
        "lesion": "EX", "aupr": 0.7, "aupr_33": 0.1, "aupr_11": 0.2,
        "aupr_per_image": {"exact": 0.3, "33": 0.4, "11": 0.5, "undefined": []},
        "threshold": 0.4, "dice": 0.6, "precision": 0.65, "recall": 0.66, "hausdorff": 30.0,
        "hausdorff_95": 20.0, "lesion_recall": 0.8, "false_positives_per_image": 2.5,
        "oracle": {"dice": 0.61}, "interval_95": {"aupr": [0.6, 0.8], "dice": [None, 0.1]},
    }  # fmt: skip
    write_run(tmp_path / "a", {"EX": 0.7}, evaluation=scored({}, lesions=[entry]))
    (run,) = read_study(tmp_path).complete
    figures = run.lesions["EX"].figures
    assert list(figures) == list(METRIC_ROWS)
    assert list(figures.values()) == [0.7, 0.1, 0.2, 0.3, 0.6, 0.65, 0.66, 30, 20, 0.8, 2.5, 0.61]
    assert run.lesions["EX"].interval == {"aupr": (0.6, 0.8)}
