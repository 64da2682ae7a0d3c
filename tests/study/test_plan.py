"""A study file says what is trained; what it may not say is one line that names the place."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from mobileseg.errors import BadInput
from mobileseg.models.variants import VARIANTS
from mobileseg.study.plan import find_study, read_plan, shipped
from mobileseg.study.planned import Plan, PlannedRun

WHOLE = """
name = "whole"
data = "pictures"
approximate = ["SE", "MA"]
[preprocess]
side_px = 256
frame = "600x800"
crop = "rectangle"
finder = 1
[training]
batch = 2
split_seed = 7
[training.augment]
flip = 0
scale = [0.5, 1.5]
[[runs]]
variants = ["s", "xs"]
tasks = ["EX", "MA,HE"]
runs = 2
[[runs]]
variants = ["xs"]
tasks = ["EX"]
seeds = [5]
lr = 1e-3
batch = 3
[[ensembles]]
variants = ["xs"]
tasks = ["EX", "MA,HE"]
best = 2
"""


@pytest.fixture
def read(tmp_path):
    def call(text: str, **given: object) -> Plan:
        file = tmp_path / "a.toml"
        file.write_text(text)
        return read_plan(file, **given)

    return call


@pytest.fixture
def refused(read, tmp_path):
    """What reading a text is answered with, after the file's name."""

    def call(text: str, **given: object) -> str:
        with pytest.raises(BadInput) as refusal:
            read(text, **given)
        line = str(refusal.value)
        assert line.startswith(f"{tmp_path / 'a.toml'}: ")
        assert "\n" not in line
        return line.removeprefix(f"{tmp_path / 'a.toml'}: ")

    return call


def test_blocks_become_variants_times_tasks_times_seeds(read):
    assert [run.name for run in read(WHOLE).runs] == [
        *("s-EX-0", "s-EX-1", "s-MA_HE-0", "s-MA_HE-1"),
        *("xs-EX-0", "xs-EX-1", "xs-MA_HE-0", "xs-MA_HE-1"),
        "xs-EX-5",
    ]


def test_a_block_overrides_what_holds_for_the_study(read):
    runs = {run.name: run.choices for run in read(WHOLE).runs}
    assert (runs["xs-EX-0"].batch, runs["xs-EX-5"].batch) == (2, 3)
    assert (runs["xs-EX-0"].lr, runs["xs-EX-5"].lr) == (5e-4, 1e-3)
    assert {run.augment.flip for run in runs.values()} == {0.0}
    assert {run.augment.scale for run in runs.values()} == {(0.5, 1.5)}


def test_epochs_and_patience_follow_the_task_where_the_file_is_silent(read):
    lengths = {r.task: (r.choices.epochs, r.choices.plateau_patience) for r in read(WHOLE).runs}
    assert lengths == {"EX": (400, 15), "MA,HE": (600, 30)}  # paper, section 5


def test_a_recipe_comes_before_everything_that_is_said(read):
    text = WHOLE.replace("batch = 2", 'recipe = "pieces"\nbatch = 2\nminutes = 15')
    runs = {run.name: run.choices for run in read(text).runs}
    plain, other = runs["xs-EX-0"], runs["xs-EX-5"]
    assert (plain.pieces, plain.ema, plain.epochs, plain.minutes) == (256, 0.998, 60, 15)
    assert (plain.batch, other.batch) == (2, 3)  # said for the study, and for a block
    assert (plain.lr, other.lr) == (2e-3, 1e-3)
    text = text.replace("batch = 3", 'batch = 3\nrecipe = "paper"')  # a block's own
    (other,) = [run.choices for run in read(text).runs if run.name == "xs-EX-5"]
    assert (other.pieces, other.ema, other.epochs, other.minutes) == (0, 0.0, 400, 15)


def test_the_rest_of_the_file_is_read(read, tmp_path):
    plan = read(WHOLE)
    assert (plan.name, plan.data, plan.protocol) == ("whole", tmp_path / "pictures", "clean")
    assert plan.approximate == ("MA", "SE")  # in the order of the channels
    assert (plan.preprocess.side_px, plan.preprocess.frame_hw) == (256, (600, 800))
    assert plan.preprocess.crop == "rectangle"
    assert [e.name for e in plan.ensembles] == ["xs-EX-best2", "xs-MA_HE-best2"]


def test_the_clean_protocol_has_one_split_and_the_papers_one_a_run(read):
    assert {run.choices.split_seed for run in read(WHOLE).runs} == {7}
    redrawn = read(WHOLE.replace("split_seed = 7", 'protocol = "paper"'))
    assert all(run.choices.split_seed == run.choices.seed for run in redrawn.runs)
    assert redrawn.protocol == "paper"


def test_protocol_and_approximate_masks_can_be_said_beside_the_file(read):
    plan = read(WHOLE.replace("split_seed = 7", ""), protocol_name="paper", approximate=("HE",))
    assert (plan.protocol, plan.approximate) == ("paper", ("HE",))
    assert {run.choices.protocol for run in plan.runs} == {"paper"}


def test_a_combination_takes_all_tasks_of_its_kind(read):
    more = """
[[runs]]
variants = ["xs"]
tasks = ["EX,SE"]
runs = 1
[[combinations]]
variants = ["xs"]
of = "dual"
"""
    (row,) = read(WHOLE + more).combinations
    assert (row.name, row.tasks) == ("xs-dual-combination", ("MA,HE", "EX,SE"))


def test_a_run_is_the_same_after_a_turn_through_json(read):
    for run in read(WHOLE).runs:
        assert PlannedRun.from_json(run.to_json()) == run


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('name = "whole"', "", 'no name in it; expected name = "…"'),
        ('name = "whole"', "name = 3", "name: found 3; expected a text in quotes"),
        ("[training]", "[trainng]", "no entry 'trainng' is known; choose from name, data,"),
        ("batch = 2", "bach = 2", "[training]: no entry 'bach' is known; choose from epochs, bat"),
        ("batch = 2", 'batch = "2"', "[training] batch: found '2'; expected a whole number"),
        ("batch = 2", "batch = true", "[training] batch: found True; expected a whole number"),
        ("batch = 2", "batch = 2.5", "[training] batch: found 2.5; expected a whole number"),
        ("batch = 2", "seed = 2", "[training] seed: each run has its own; say seeds = [...] in"),
        ("batch = 2", "devices = 2", "[training] devices: a study gives each run one device"),
        ("batch = 2", 'protocol = "own"', "[training] protocol: no protocol 'own'; choose from cl"),
        ("batch = 2", 'recipe = "soup"', "[training] recipe: no recipe 'soup'; choose from paper"),
        ("batch = 3", "recipe = 3", "[[runs]] 2 recipe: found 3; expected a text in quotes"),
        ("batch = 2", "pieces = 100", "[[runs]] 1: pieces 100: expected 0, or a multiple of 32"),
        ("batch = 2", "epochs = 0", "[[runs]] 1: epochs 0: expected 1 or more"),
        ("batch = 3", "split_seed = 3", "[[runs]] 2 split_seed: one for the whole study"),
        ("batch = 3", "lr = 0", "cannot be read as TOML (Cannot overwrite a value"),
        ("batch = 3", 'schedule = "step"', "[[runs]] 2: no schedule 'step'; choose from plateau"),
        ("batch = 3", "count = 3", "[[runs]] 2: no entry 'count' is known; choose from variants"),
        ("batch = 3", "runs = 3", "[[runs]] 2: expected either runs = N (seeds 0 to N - 1) or"),
        ("runs = 2", "", "[[runs]] 1: expected either runs = N"),
        ("runs = 2", "runs = -2", "[[runs]] 1 runs: found -2; expected 1 to 10000"),
        ("seeds = [5]", 'seeds = ["a"]', "[[runs]] 2 seeds: found 'a'; expected a whole number"),
        ("seeds = [5]", "seeds = [-5]", "[[runs]] 2: seed -5: expected 0 or more"),
        ("seeds = [5]", "seeds = [1]", "xs-EX-1 is asked for 2 times; a study has each variant,"),
        ('["s", "xs"]', '"xs"', "[[runs]] 1 variants: found 'xs'; expected a list in brackets"),
        ('["s", "xs"]', '["xxs"]', "[[runs]] 1 variants: no variant 'xxs'; choose from unet, o,"),
        ('["EX", "MA,HE"]\nruns', '["XX"]\nruns', "[[runs]] 1 tasks: no task 'XX'; choose from MA"),
        ('["SE", "MA"]', '["XX"]', "approximate: no lesion 'XX'; choose from MA, HE, EX, SE"),
        ("side_px = 256", "side_px = 100", "[preprocess]: side 100: expected a multiple of 32"),
        ("side_px = 256", "side = 256", "[preprocess]: no entry 'side' is known; choose from side"),
        ('"600x800"', "600", "[preprocess] frame: found 600; expected \"HxW\", as in"),
        ("flip = 0", "flips = 0", "[training] augment: no entry 'flips' is known; choose from rot"),
        ("[0.5, 1.5]", "[0.5]", "[training] augment scale: found 1 values; expected 2"),
        ("runs = 2", "runs = 10000000", "[[runs]] 1 runs: found 10000000; expected 1 to 10000"),
        ("seeds = [5]", "seeds = [1000000000000000000]", "expected below 10**18"),
        ('frame = "600x800"', 'frame = "1' + "0" * 5000 + 'x1"', "expected \"HxW\""),
        ("best = 2", "best = 1", "[[ensembles]] 1 best: found 1; expected 2 or more"),
        ("best = 2", "", "[[ensembles]] 1 best: found None; expected a whole number"),
        ("best = 2", "best = 3", "ensemble xs-MA_HE-best3 wants the best 3 of 2 run(s)"),
    ],
    ids=lambda text: text.splitlines()[0][:30] if text else "nothing",
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(refused, old, new, text):
    assert old in WHOLE
    assert text in refused(WHOLE.replace(old, new))


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000 + "]" * 5000, "# " + "x" * (1 << 20), "a = '\x00'"]
)
def test_what_is_no_toml_that_anybody_writes_is_one_short_line(refused, text):
    said = refused(text)
    assert "cannot be read as TOML (" in said and said.isprintable() and len(said) < 300


def test_what_is_found_is_repeated_in_part(refused):
    long = "x" * 5000
    for text in (f"{long} = 1\n{WHOLE}", WHOLE.replace("runs = 2", f'runs = "{long}"')):
        assert len(refused(text)) < 400


def test_more_runs_than_can_be_counted_are_refused(refused):
    tasks, seeds = '["EX"' + ', "EX"' * 200 + "]", str(list(range(100)))
    text = f'name = "a"\n[[runs]]\nvariants = ["xs"]\ntasks = {tasks}\nseeds = {seeds}\n'
    assert "[[runs]] 1: asks for 20100 at once; expected at most 10000" in refused(text)


def test_a_file_without_runs_is_refused(refused):
    assert "no runs in it; expected [[runs]] with" in refused('name = "a"')
    assert "no runs in it; expected [[runs]] with" in refused('name = "a"\nruns = []')


def test_the_papers_protocol_takes_no_split_seed(refused):
    text = WHOLE.replace("batch = 2", 'protocol = "paper"')
    assert "split_seed: protocol paper draws a split per run; leave it out" in refused(text)
    assert "split_seed: protocol paper draws" in refused(WHOLE, protocol_name="paper")


def test_a_combination_without_a_run_for_some_lesion_is_refused(refused):
    text = WHOLE + '[[combinations]]\nvariants = ["xs"]\nof = "single"\n'
    assert "combination xs-single-combination needs a run of xs for MA; exp" in refused(text)
    assert "of: found 'all'; expected single or dual" in refused(text.replace('"single"', '"all"'))


def test_a_name_that_is_neither_file_nor_study_is_answered_with_those_that_are(tmp_path):
    assert {"paper", "dual-ensembles"} <= set(shipped())
    with pytest.raises(BadInput) as refusal:
        find_study("papers")
    assert str(refusal.value).endswith(f"expected a TOML file or one of {', '.join(shipped())}")
    file = tmp_path / "papers"
    file.touch()
    assert find_study(str(file)) == file
    assert find_study("paper").parent == shipped()["paper"].parent


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_study_can_be_read_and_has_its_own_name(name):
    assert read_plan(shipped()[name]).name == name


def test_the_papers_study_is_table_3():
    plan = read_plan(shipped()["paper"])
    counts = Counter((run.variant, run.task) for run in plan.runs)
    assert set(counts.values()) == {10}
    nine = set(VARIANTS) - {"qin-o"}
    dual_and_multi = {("s", "MA,HE"), ("s", "EX,SE"), ("s", "all")}
    assert set(counts) == {(v, t) for v in nine for t in ("MA", "HE", "EX", "SE")} | dual_and_multi
    assert len(plan.runs) == (9 * 4 + 3) * 10
    assert {(e.variant, e.best) for e in plan.ensembles} == {("m", 3), ("s", 3), ("xs", 3)}
    assert len(plan.ensembles) == 12


def test_the_example_at_the_top_of_the_module_is_one(read):
    from mobileseg.study import plan

    indented = (plan.__doc__ or "").split("\n\n")[1]
    text = "\n".join(line.removeprefix("    ") for line in indented.splitlines())
    assert tomllib.loads(text)["name"] == "exudates"
    # It shows every kind of block; its combination would need the other lesions' runs too.
    assert len(read(text.split("[[combinations]]")[0]).runs) == 9


def test_the_shipped_studies_are_in_the_package():
    assert all(path.is_relative_to(Path(read_plan.__code__.co_filename).parent)
               for path in shipped().values())  # fmt: skip
