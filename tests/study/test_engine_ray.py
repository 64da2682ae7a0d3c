"""A Ray cluster does what the local engine does: here a real one, on this machine."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.study.engine_ray import RayEngine, Share, _refuse_apart, share_of
from mobileseg.study.folder import begin_study
from mobileseg.study.jobs import in_jobs
from mobileseg.study.scheduler import Drive

EPOCHS = 6
# Not importorskip: what the engine sets for Ray must be set before Ray is imported.
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="not run: ray is not installed"
)


@pytest.mark.parametrize(
    ("nodes", "workers", "device", "share"),
    [
        ([{"CPU": 2}], None, "auto", Share(2, 0)),
        ([{"CPU": 64}], None, "auto", Share(4, 0)),  # small networks gain nothing from more
        ([{"CPU": 8}], 2, "cpu", Share(4, 0)),
        ([{"CPU": 8}, {"CPU": 8}], 1, "cpu", Share(8, 0)),  # never more than one node has
        ([{"CPU": 8}, {"CPU": 8}], 4, "cpu", Share(4, 0)),
        ([{"CPU": 2}], 8, "cpu", Share(1, 0)),
        ([{"CPU": 0}, {"CPU": 8}], 2, "cpu", Share(4, 0)),  # a head that works on nothing
        ([{"CPU": 16, "GPU": 4}, {"CPU": 8}], None, "auto", Share(4, 1)),
        ([{"CPU": 16, "GPU": 4}, {"CPU": 4, "GPU": 2}], None, "cuda", Share(2, 1)),
        ([{"CPU": 16, "GPU": 4}], 2, "cpu", Share(8, 0)),
    ],
)
def test_a_job_takes_a_share_that_every_node_can_give(nodes, workers, device, share):
    assert share_of(nodes, workers, device) == share


def test_a_gpu_that_no_node_has_is_refused():
    with pytest.raises(BadInput, match="--device cuda: no node of the Ray cluster has a GPU"):
        share_of([{"CPU": 8}], None, "cuda")
    with pytest.raises(BadInput, match="no node of the Ray cluster has a CPU"):
        share_of([{"CPU": 0}], None, "cpu")


def test_without_ray_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingToolkit, match=r"ray is not installed .* 'mobileseg\[cluster\]'"):
        RayEngine(tmp_path, tmp_path, None, "cpu", None)


@needs_ray
def test_a_study_on_ray_outlives_a_killed_worker(
    planned, block, phantoms, tmp_path, capsys, workers, kill_in_mid_run
):
    folder, lines = tmp_path / "study", []
    study = begin_study(folder, planned(tmp_path, block + "runs = 2", EPOCHS), phantoms)
    jobs = list(in_jobs(study, study.runs, 1, data=phantoms, device="cpu"))
    with RayEngine(folder, phantoms, workers, "cpu", "local") as engine:
        nodes = [node for node in engine.ray.nodes() if node["Alive"]]
        with pytest.raises(BadInput, match=r"does not see the study's data; expected "):
            _refuse_apart(engine.ray, nodes, folder, tmp_path / "nowhere")
        assert not list(folder.glob(".seen-*"))
        killer = kill_in_mid_run(folder, "xs-EX-0")
        Drive(study, engine, 2, lines.append, lambda at_work: None).run(jobs)
        killer.join()
    assert {name: study.state(name).state for name in study.runs} == {
        "xs-EX-0": "complete",
        "xs-EX-1": "complete",
    }
    assert (study.state("xs-EX-0").attempts, study.state("xs-EX-1").attempts) == (2, 1)
    assert study.reached("xs-EX-0").epoch == EPOCHS
    (died,) = [line for line in lines if "tried again" in line]
    assert died.startswith("xs-EX-0: WorkerCrashedError: ")
    assert died.endswith("; tried again (1 of 2)")
    assert capsys.readouterr().out == ""  # which is for results; Ray has much to say


@needs_ray
def test_an_address_without_a_cluster_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"--address 127\.0\.0\.1:1: no Ray cluster to use there"):
        RayEngine(tmp_path, tmp_path, None, "cpu", "127.0.0.1:1")
