"""Pictures shared out to workers that only play at it, and what a real one looks at first."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from converters.predict.batch import maker
from converters.predict.pool_ray import actor_class
from converters.predict.predictor import open_predictor
from converters.predict.resumable import Unfinished, unfinished
from converters.predict.scheduler import Sharing
from converters.predict.worker import ONE_CORE, Bench, Order, Reply, hold_to_one_core
from mobileseg.data.phantom.generate import make_phantom
from mobileseg.errors import BadInput
from mobileseg.version import __version__


class Death(Exception):
    pass


class Player:
    """A worker whose answers are there as soon as they are asked for."""

    def __init__(self, crew: Troupe) -> None:
        self.crew = crew
        self.opening: Future[str] = Future()
        if crew.stillborn:
            crew.stillborn -= 1
            self.opening.set_exception(Death())
        else:
            self.opening.set_result(crew.fault)

    def predict(self, name: str, path: Path) -> Future[Reply]:
        self.crew.given[name] += 1
        reply: Future[Reply] = Future()
        if self.crew.given[name] <= self.crew.deadly.get(name, 0):
            reply.set_exception(Death())
        else:
            reply.set_result(Reply(None, ""))
        return reply

    def death(self, error: BaseException) -> str:
        return "was killed by SIGKILL"

    def dismiss(self) -> None:
        self.crew.dismissed += 1


class Troupe:
    deaths: tuple[type[Exception], ...] = (Death,)

    def __init__(self, size: int = 3, stillborn: int = 0, fault: str = "", **deadly: int) -> None:
        self.size, self.stillborn, self.fault, self.deadly = size, stillborn, fault, deadly
        self.given: Counter[str] = Counter()
        self.hired = self.dismissed = 0

    def hire(self) -> Player:
        self.hired += 1
        return Player(self)


@pytest.fixture
def order(tmp_path) -> Iterable[Order]:
    pieces = dict.fromkeys("abc", "")
    with unfinished(tmp_path / "out", {}, pieces, force=False, mark="whole") as work:
        yield Order(Path("runs/ex"), None, {}, 1, (), work)


def shared(order: Order, crew: Troupe, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The pictures that were done, and what was said."""
    done: list[str] = []
    said: list[str] = []
    pictures = {name: Path(f"in/{name}.png") for name in names}
    tell = lambda name, why: done.append(name)  # noqa: E731
    try:
        Sharing(crew, order, pictures, tell, said.append).run()
    except BadInput as error:
        said.append(str(error))
    return done, said


def test_however_many_pictures_a_worker_has_one_in_hand(order):
    crew, names = Troupe(), [str(n) for n in range(1000)]
    most = 0

    def count(name: str, why: str | None) -> None:
        nonlocal most
        most = max(most, len(sharing.at_work))

    sharing = Sharing(crew, order, {name: Path(name) for name in names}, count, print)
    sharing.run()
    assert (most, crew.hired, crew.dismissed) == (2, 3, 3)  # two besides the one that is told
    assert crew.given == Counter(names)


def test_no_more_workers_than_pictures_are_hired(order):
    crew = Troupe(8)
    assert shared(order, crew, "ab") == (["a", "b"], [])
    assert crew.hired == 2


def test_a_picture_whose_worker_died_is_tried_again_in_a_new_one(order):
    crew = Troupe(1, b=1)
    done, said = shared(order, crew, "abc")
    assert done == ["a", "b", "c"]
    how = "in/b.png: the process at work on it was killed by SIGKILL"
    assert said == [f"mobileseg: {how}; tried again in a new one"]
    assert (crew.given["b"], crew.hired) == (2, 2)


def test_a_picture_that_two_workers_died_over_is_named_when_the_others_are_done(order):
    crew = Troupe(2, a=9, c=9)
    done, said = shared(order, crew, "abcd")
    assert sorted(done) == ["b", "d"]
    assert (crew.given["a"], crew.given["c"]) == (2, 2)
    assert said[-1] == (
        "in/a.png, in/c.png: the process at work on it was killed by SIGKILL, 2 times; give it "
        "more memory (fewer --workers) or leave it out. 0 result(s) are kept in .out.part: "
        "the same command goes on"
    )


def test_a_model_that_no_worker_can_open_ends_the_work(order):
    assert shared(order, Troupe(1, stillborn=1), "a") == (["a"], [])
    done, (line,) = shared(order, Troupe(1, stillborn=2), "a")
    assert done == []
    assert line.startswith("runs/ex: a process was killed by SIGKILL while it opened this, and so")
    assert shared(order, Troupe(fault="why not"), "abc") == ([], ["why not"])


@pytest.fixture
def real(make_run, tmp_path, monkeypatch) -> Iterable[Order]:
    """The order for a run; afterwards this process has its threads again."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    for name in ONE_CORE:
        monkeypatch.setenv(name, "")  # so that it is put back
    run = make_run(tmp_path / "run").path
    made_by = maker(open_predictor(run))
    with unfinished(tmp_path / "out", made_by, {"a": ""}, force=False, mark="whole") as work:
        yield Order.of(run, None, made_by, [tmp_path / "a.png", Path("nowhere/b.png")], work)
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_a_workers_answers_are_its_starters_to_the_last_bit(real):
    predictor, picture = open_predictor(real.model), make_phantom(3, 128).picture
    answers: dict[int, np.ndarray] = {}
    for threads in (1, 3):
        torch.set_num_threads(threads)
        answers[threads] = predictor.predict(picture).probabilities
    for threads, expected in answers.items():
        hold_to_one_core(replace(real, threads=threads))
        assert torch.get_num_threads() == min(2, threads)
        assert np.array_equal(predictor.predict(picture).probabilities, expected)


def test_a_worker_refuses_what_its_starter_did_not_open_or_it_does_not_see(real, tmp_path):
    assert real.folders == (str(tmp_path),)
    Bench(real)
    with pytest.raises(BadInput, match="found other files than a moment ago"):
        Bench(replace(real, maker={**real.maker, "config.json": "another"}))
    with pytest.raises(BadInput, match=r"does not see /nowhere, where pictures are"):
        Bench(replace(real, folders=("/nowhere",)))
    away = replace(real.work, work=tmp_path / "away")
    with pytest.raises(BadInput, match=r"does not see .*away, where the results are made"):
        Bench(replace(real, work=away))


def test_what_outlives_its_starter_writes_nothing_more(real, tmp_path):
    bench = Bench(real)
    (real.work.work / "lock").write_text("process 1 on another\n")
    cv2.imwrite(str(tmp_path / "a.png"), make_phantom(3, 128).picture)
    reply = bench.predict("a", tmp_path / "a.png")
    assert reply == Reply(None, f"{tmp_path / 'out'}: process 1 on another has taken the work over")
    assert real.work.names() == []


def test_a_ray_node_says_what_it_lacks(real, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    actor, values = actor_class()(), asdict(real)
    assert actor.open(__version__, None, values) == ""
    lost = actor.open(__version__, "/nowhere", values)
    assert " does not see /nowhere (No such file or directory); expected the pictures, " in lost
    assert " has mobileseg " in actor.open("0.0", None, values)
    unseen = actor.open(__version__, None, values | {"folders": ("/nowhere",)})
    assert unseen.startswith(f"Ray node {os.uname().nodename}: does not see /nowhere, where ")
    monkeypatch.setitem(sys.modules, "mobileseg.version", None)
    assert " has no mobileseg; expected " in actor.open(__version__, None, values)


def test_an_order_comes_back_from_plain_values(order):
    again = Order.from_values(asdict(order))
    assert again == order
    assert isinstance(again.work, Unfinished)
