"""Runs made one: averaged, side by side, chosen, and refused where they do not go together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mobileseg.data.idrid import read_idrid
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.ensembling import combine as combining
from mobileseg.ensembling.combine import combine
from mobileseg.errors import BadInput
from mobileseg.evaluation.metrics import aupr, best_threshold
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.evaluation.score import score_run
from mobileseg.files.atomic import read_json
from mobileseg.preprocess.reference import Preprocessed, preprocess
from mobileseg.runs import Run, open_run
from mobileseg.spec import PreprocessSpec, photo_to_frame

MEANS = ((0.2, 0.1, 0.05), (0.5, 0.35, 0.2), (0.65, 0.4, 0.3))
SDS = ((0.1, 0.2, 0.08), (0.3, 0.12, 0.1), (0.2, 0.1, 0.25))
PAPER = {"protocol": "paper"}


@pytest.fixture(scope="module")
def picture() -> Preprocessed:
    """A phantom of which the network sees the border too: white out to the corners."""
    frame = np.maximum(photo_to_frame(make_phantom(3, 120, aspect=1.2).picture, (128, 160)), 40)
    return preprocess(frame, PreprocessSpec(64, (128, 160)))


@pytest.fixture(scope="module")
def exudates(make_run, tmp_path_factory) -> list[Run]:
    """Three runs for EX, of clearly different mean and SD; the second did best."""
    folder = tmp_path_factory.mktemp("exudates")
    scores = (0.5, 0.7, 0.6)
    values = enumerate(zip(MEANS, SDS, scores, strict=True))
    return [
        make_run(folder / f"ex{i}", seed=i, mean=mean, sd=sd, score=score)
        for i, (mean, sd, score) in values
    ]


@pytest.fixture(scope="module")
def singles(make_run, tmp_path_factory) -> dict[str, Run]:
    """A run for each lesion, of different mean, SD and threshold."""
    folder = tmp_path_factory.mktemp("singles")
    return {
        code: make_run(
            folder / code.lower(),
            task=code,
            seed=10 + i,
            mean=MEANS[i % 3],
            sd=SDS[(i + 1) % 3],
            thresholds={code: 0.2 + 0.1 * i},
        )
        for i, code in enumerate(("MA", "HE", "EX", "SE"))
    }


@pytest.fixture(scope="module")
def averaged(exudates, phantoms, tmp_path_factory) -> Run:
    """The three of them as one."""
    return combine(exudates, tmp_path_factory.mktemp("averaged") / "ex3", data=phantoms)


def labelled(data: Path, split: str, run: Run, names: Sequence[str] = ()) -> list[Prepared]:
    samples = read_idrid(data).split(split, run.config.lesions)
    samples = [s for s in samples if not names or s.name in names]
    return prepare_all(data, samples, run.config.lesions, run.config.preprocess)


def answers(run: Run, prepared: Sequence[Prepared]) -> np.ndarray:
    return np.stack([reference_probabilities(run, p.picture) for p in prepared])


def truth(prepared: Sequence[Prepared]) -> np.ndarray:
    return np.stack([p.masks for p in prepared])


# What it answers.


def test_an_ensemble_is_the_mean_of_its_members_at_the_border_too(averaged, exudates, picture):
    each = np.stack([reference_probabilities(run, picture) for run in exudates])
    found = reference_probabilities(averaged, picture)
    assert found.shape == (1, 64, 64) and found.dtype == np.float32
    off = np.abs(found - each.mean(axis=0, dtype=np.float64))
    border = np.ones((1, 64, 64), bool)
    border[:, 2:-2, 2:-2] = False
    assert off[border].max() < 1e-5 and off[~border].max() < 1e-5
    # It could fail: the members disagree, at the border as well.
    assert each.std(axis=0)[border].max() > 0.05 and each.std(axis=0)[~border].max() > 0.05


@torch.no_grad()
def test_the_module_that_ships_answers_as_the_reference(averaged, picture):
    enhanced = torch.from_numpy(picture.enhanced.transpose(2, 0, 1)[None].copy())
    found = picture.within_disc(averaged.ensemble(enhanced)[0].numpy())
    expected = reference_probabilities(averaged, picture)
    # The same networks on the same numbers; NumPy and PyTorch may add three in another order.
    assert np.abs(found - expected).max() < 1e-6


def test_members_with_each_others_mean_and_sd_would_be_found(averaged, exudates, picture):
    """The tolerance above is no blanket: a swapped normalisation is off by far more."""
    one, other = (run.config.normalisation for run in exudates[:2])
    network = exudates[0].network
    with torch.no_grad():
        own, foreign = (
            torch.sigmoid(network(torch.from_numpy(picture.normalised(n)[None]))[0])
            for n in (one, other)
        )
    assert (own - foreign).abs().max() > 0.1


def test_a_combinations_channels_are_its_members(singles, picture, tmp_path):
    run = combine(list(singles.values()), tmp_path / "four")
    found = reference_probabilities(run, picture)
    assert run.config.lesions == ("MA", "HE", "EX", "SE") and run.config.task == "all"
    for channel, single in zip(found, singles.values(), strict=True):
        assert np.array_equal(channel, reference_probabilities(single, picture)[0])


def test_the_order_of_runs_changes_no_bit(singles, picture, tmp_path):
    runs = list(singles.values())
    one = combine(runs, tmp_path / "one")
    other = combine([runs[i] for i in (2, 0, 3, 1)], tmp_path / "other")
    assert one.config == other.config
    ours, theirs = (load_file(r.path / "best.safetensors") for r in (one, other))
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert np.array_equal(*(reference_probabilities(r, picture) for r in (one, other)))


def test_the_order_of_an_ensembles_runs_changes_no_bit(averaged, exudates, phantoms, tmp_path):
    again = combine(exudates[::-1], tmp_path / "again", data=phantoms)
    assert again.config == averaged.config


def test_two_dual_networks_give_four_lesions(make_run, picture, tmp_path):
    late = make_run(tmp_path / "late", task="EX,SE", seed=1)
    early = make_run(tmp_path / "early", task="MA,HE", seed=2, mean=MEANS[1])
    run = combine([late, early], tmp_path / "four")
    assert (run.config.task, run.config.variant) == ("all", "xs")
    expected = [reference_probabilities(r, picture) for r in (early, late)]
    assert np.array_equal(reference_probabilities(run, picture), np.concatenate(expected))


def test_an_ensemble_of_dual_networks_is_their_mean(make_run, phantoms, picture, tmp_path):
    runs = [make_run(tmp_path / str(i), task="EX,SE", seed=i, mean=MEANS[i]) for i in range(2)]
    run = combine(runs, tmp_path / "two", data=phantoms)
    assert run.config.task == "EX,SE" and set(run.config.thresholds) == {"EX", "SE"}
    expected = np.mean([reference_probabilities(r, picture) for r in runs], axis=0)
    assert np.abs(reference_probabilities(run, picture) - expected).max() < 1e-5


def test_lesions_that_are_no_task_of_their_own_go_together_too(singles, tmp_path):
    run = combine([singles["SE"], singles["MA"]], tmp_path / "two")
    assert (run.config.task, run.config.lesions) == ("MA,SE", ("MA", "SE"))


def test_an_ensemble_per_task_is_combined_in_one_step_or_in_two(
    averaged, exudates, singles, phantoms, picture, tmp_path
):
    at_once = combine([*exudates, singles["HE"]], tmp_path / "once", data=phantoms)
    in_steps = combine([averaged, singles["HE"]], tmp_path / "steps")
    assert at_once.config == in_steps.config
    assert [m.name for m in in_steps.config.members] == ["he", "ex0", "ex1", "ex2"]
    found = reference_probabilities(in_steps, picture)
    assert np.array_equal(found, reference_probabilities(at_once, picture))
    assert np.array_equal(found[1:], reference_probabilities(averaged, picture))


# What is chosen, and on what.


def test_an_averages_threshold_is_found_anew_on_the_validation_pictures(averaged, phantoms):
    kept = averaged.config.pictures["validation"]
    assert kept == ["phantom_03"]
    prepared = labelled(phantoms, "train", averaged, kept)
    found = answers(averaged, prepared)
    assert averaged.config.thresholds == {"EX": best_threshold(truth(prepared), found)}
    assert averaged.config.thresholds != {"EX": 0.5}
    record = read_json(averaged.path / "run.json")["thresholds"]["EX"]
    assert record["chosen_on"] == "validation"
    assert record["aupr"] == pytest.approx(aupr(truth(prepared), found))


def test_a_combinations_thresholds_are_its_members_own(singles, tmp_path):
    run = combine(list(singles.values()), tmp_path / "four")
    assert run.config.thresholds == pytest.approx({"MA": 0.2, "HE": 0.3, "EX": 0.4, "SE": 0.5})
    record = read_json(run.path / "run.json")
    assert record["data"] is None  # the runs keep no record of theirs
    assert {t["chosen_on"] for t in record["thresholds"].values()} == {"own"}


def test_the_best_are_those_with_the_best_validation(exudates, phantoms, tmp_path):
    run = combine(exudates, tmp_path / "best", data=phantoms, best=2)
    assert [m.name for m in run.config.members] == ["ex1", "ex2"]
    record = read_json(run.path / "run.json")
    assert (record["best"], record["members_chosen_on"]) == (2, "validation")
    found = {c["name"]: (c["mean_aupr"], c["chosen"]) for c in record["candidates"]}
    assert found == {"ex0": (0.5, False), "ex1": (0.7, True), "ex2": (0.6, True)}


def test_the_best_are_taken_of_each_task(make_run, exudates, tmp_path):
    others = [
        make_run(tmp_path / f"se{i}", task="SE", seed=20 + i, score=s)
        for i, s in enumerate((0.1, 0.3, 0.2))
    ]
    run = combine([*others, *exudates], tmp_path / "best", best=1)  # one of each: no data needed
    assert [(m.name, m.task) for m in run.config.members] == [("ex1", "EX"), ("se1", "SE")]
    assert run.config.thresholds == {"EX": 0.5, "SE": 0.5}


def test_the_papers_protocol_chooses_on_the_test_pictures_and_says_so(make_run, phantoms, tmp_path):
    splits = ("phantom_01", "phantom_02", "phantom_03")
    runs = [
        make_run(
            tmp_path / f"run{i}",
            seed=i,
            mean=MEANS[i],
            score=(0.9, 0.1, 0.1)[i],  # of no use here
            training=PAPER,
            pictures={"train": [s for s in splits if s != name], "validation": [name]},
        )
        for i, name in enumerate(splits)
    ]
    prepared = labelled(phantoms, "test", runs[0])
    scores = [aupr(truth(prepared), answers(run, prepared)) for run in runs]
    run = combine(runs, tmp_path / "best", data=phantoms, best=2)
    record = read_json(run.path / "run.json")
    assert [c["mean_aupr"] for c in record["candidates"]] == pytest.approx(scores)
    taken = sorted(np.argsort(scores)[1:])
    assert [m.name for m in run.config.members] == [f"run{i}" for i in taken]
    assert record["members_chosen_on"] == record["thresholds"]["EX"]["chosen_on"] == "test"
    assert any("chosen on the test pictures" in leak for leak in record["leaks"])
    assert run.config.thresholds == {"EX": best_threshold(truth(prepared), answers(run, prepared))}
    # Every member keeps its own split; none was kept aside by all of them.
    assert run.config.pictures == {"train": list(splits), "validation": []}
    assert [m.pictures["validation"] for m in run.config.members] == [[splits[i]] for i in taken]


def test_evaluation_takes_it_like_any_run(averaged, phantoms):
    prepared = labelled(phantoms, "test", averaged)
    (score,) = score_run(averaged, prepared)
    assert score.aupr == pytest.approx(aupr(truth(prepared), answers(averaged, prepared)))


# What is written.


def test_what_members_share_is_said_once_and_what_differs_by_each(averaged, exudates):
    config = read_json(averaged.path / "config.json")
    assert config["training"]["protocol"] == "clean" and "seed" not in config["training"]
    assert [m["training"] for m in config["members"]] == [{"seed": i} for i in range(3)]
    assert [m["pictures"] for m in config["members"]] == [{}] * 3
    assert config["pictures"] == exudates[0].config.pictures
    assert "normalisation" not in config
    assert [m["mean"] for m in config["members"]] == [list(mean) for mean in MEANS]


def test_the_record_names_members_by_the_sums_of_their_weights(averaged, exudates):
    import hashlib

    record = read_json(averaged.path / "run.json")
    sums = [
        hashlib.sha256((r.path / "best.safetensors").read_bytes()).hexdigest() for r in exudates
    ]
    assert [m["weights_sha256"] for m in record["members"]] == sums
    assert [m.weights_sha256 for m in averaged.config.members] == sums
    assert record["members_chosen_on"] is None and record["date"] and record["versions"]["torch"]
    assert record["data"] == "d"  # as all the runs' records say


def test_every_members_tensors_stand_under_its_place(averaged, exudates):
    whole = load_file(averaged.path / "best.safetensors")
    for i, run in enumerate(exudates):
        own = {
            name.removeprefix(f"members.{i}."): tensor
            for name, tensor in whole.items()
            if name.startswith(f"members.{i}.")
        }
        expected = run.network.state_dict()
        assert set(own) == set(expected)
        assert all(torch.equal(own[name], expected[name]) for name in own)


@pytest.mark.parametrize("failing", ["save_members", "write_json"])
def test_an_interruption_leaves_nothing_behind(
    failing, exudates, singles, averaged, monkeypatch, tmp_path
):
    into = shutil.copytree(averaged.path, tmp_path / "old")

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(combining, failing, stop)
    for place, force in ((tmp_path / "new", False), (into, True)):
        with pytest.raises(KeyboardInterrupt):
            combine([exudates[0], singles["SE"]], place, force=force)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert open_run(into).config == averaged.config  # the old one, whole


def test_force_replaces_an_ensemble_and_never_a_trained_run(exudates, singles, tmp_path):
    runs = [exudates[0], singles["SE"]]
    into = combine(runs, tmp_path / "both").path
    with pytest.raises(BadInput, match=r"both: exists already; choose another place, or add"):
        combine(runs, into)
    assert combine([exudates[1], singles["SE"]], into, force=True).config.members[0].name == "ex1"
    trained = shutil.copytree(exudates[2].path, tmp_path / "trained")
    with pytest.raises(BadInput, match=r"trained: is a trained run, which nothing replaces"):
        combine(runs, trained, force=True)
    with pytest.raises(BadInput, match=r"both: is among the runs to combine"):
        combine([open_run(into), singles["HE"]], into, force=True)
    assert open_run(trained).config == exudates[2].config


# What does not go together.


Other = Callable[..., Run]


@pytest.fixture
def other(make_run, tmp_path) -> Other:
    return lambda **given: make_run(tmp_path / "other", **{"seed": 9, **given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"preprocess": PreprocessSpec(96, (128, 160))},
            "found side_px 64 and 96; expected the same: train them alike",
        ),
        (
            {"preprocess": PreprocessSpec(64, (128, 160), "rectangle", finder=1)},
            "found crop square and rectangle; finder 2 and 1; expected the same: train them alike",
        ),
        ({"training": PAPER}, "found protocol clean and paper; expected the same"),
        ({"training": {"mask_rule": "any"}}, "found mask_rule half and any; expected the same"),
        (
            {"task": "EX,SE"},
            "found tasks EX and EX,SE; expected equal tasks (averaged) or tasks without a common",
        ),
        ({"task": "all"}, "found tasks EX and all; expected equal tasks"),
        (
            {"pictures": {"train": ["phantom_03"], "validation": ["phantom_01"]}},
            "found other validation pictures; expected one split (--split-seed), or the threshold "
            "would be chosen on pictures that a member was trained on",
        ),
    ],
)
def test_runs_that_do_not_go_together_are_both_named(
    given, said, exudates, other, phantoms, tmp_path
):
    one, two = exudates[0], other(**given)
    with pytest.raises(BadInput) as caught:
        combine([one, two], tmp_path / "both", data=phantoms)
    text = str(caught.value)
    assert text.startswith(f"{one.path} and {two.path}: ") and said in text and "\n" not in text
    assert not (tmp_path / "both").exists()


def test_the_split_may_differ_where_nothing_is_averaged(exudates, other, tmp_path):
    pictures = {"train": ["phantom_03"], "validation": ["phantom_01"]}
    run = combine([exudates[0], other(task="SE", pictures=pictures)], tmp_path / "both")
    assert [m.pictures["validation"] for m in run.config.members] == [
        ["phantom_03"],
        ["phantom_01"],
    ]


def refused(runs: Sequence[Run], into: Path, **given: Any) -> str:
    with pytest.raises(BadInput) as caught:
        combine(runs, into, **given)
    assert not into.exists()
    return str(caught.value)


def test_one_run_is_no_ensemble(exudates, tmp_path):
    assert refused(exudates[:1], tmp_path / "e") == (
        "found 1 run(s); expected two or more to combine"
    )
    assert refused(exudates, tmp_path / "e", best=1) == (
        f"{exudates[1].path}: is the only one left; use it as it is"
    )


def test_a_run_is_named_once(exudates, tmp_path):
    copied = open_run(shutil.copytree(exudates[0].path, tmp_path / "copy"))
    assert refused([exudates[0], copied], tmp_path / "e") == (
        f"{copied.path}: the same weights as {exudates[0].path}; name each run once"
    )


@pytest.mark.parametrize("best", [0, 4])
def test_more_than_there_are_cannot_be_the_best(best, exudates, phantoms, tmp_path):
    assert refused(exudates, tmp_path / "e", data=phantoms, best=best) == (
        f"the best {best} of 3 run(s) of task EX: expected 1..3"
    )


def test_an_average_needs_pictures(exudates, tmp_path):
    assert refused(exudates, tmp_path / "e") == (
        f"{exudates[0].path}: is to be averaged or ranked, which needs validation pictures; "
        "name their folder: --data DIR"
    )


def test_data_without_the_validation_pictures_are_refused(exudates, idrid_like, tmp_path):
    said = refused(exudates, tmp_path / "e", data=idrid_like)
    assert said.startswith(f"{idrid_like}: found no picture phantom_03 (1 missing), which ")


@pytest.fixture
def idrid_like(phantoms, tmp_path) -> Path:
    """The phantoms without the one that validates."""
    folder = shutil.copytree(phantoms, tmp_path / "data")
    for path in folder.rglob("phantom_03*"):
        path.unlink()
    return folder


def test_a_run_without_a_score_cannot_be_ranked(exudates, other, phantoms, tmp_path):
    run = other()
    said = refused([*exudates, run], tmp_path / "e", data=phantoms, best=2)
    assert said == f"{run.path / 'run.json'}: no such file"
    (run.path / "run.json").write_text(json.dumps({"best_validation_aupr": None}))
    said = refused([*exudates, run], tmp_path / "e", data=phantoms, best=2)
    assert "found best_validation_aupr None; expected a number: train the run to its end" in said


def test_an_ensemble_is_not_averaged_with_others(averaged, other, phantoms, tmp_path):
    said = refused([averaged, other()], tmp_path / "e", data=phantoms)
    assert said.startswith(f"{averaged.path}: is an ensemble of task EX already; a mean of means")


def test_a_run_that_has_not_finished_an_epoch_is_refused(exudates, other, tmp_path):
    run = other(thresholds={})
    assert refused([exudates[0], run], tmp_path / "e") == (
        f"{run.path}: has no thresholds yet; train it to its first epoch"
    )
    run = open_run(shutil.copytree(exudates[1].path, tmp_path / "bare"))
    (run.path / "best.safetensors").unlink()
    said = refused([exudates[0], run], tmp_path / "e")
    assert said == (
        f"{run.path / 'best.safetensors'}: no such file; train the run to its first epoch"
    )
