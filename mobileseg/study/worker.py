"""What one process of a study does: train and score the runs of a job, noting where each stands.

    python -m mobileseg.study.worker      the job as a line of JSON on stdin, which stays open

When stdin closes, whoever started this process has gone, and it goes too: a run must never be
worked on by two. It may be killed at any moment; what was committed is gone on with.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from mobileseg.data.dataset import Pictures, read_pictures
from mobileseg.errors import Diverged, MobilesegError
from mobileseg.evaluation.score import evaluation_json
from mobileseg.files.atomic import write_json
from mobileseg.lesions import task_lesions
from mobileseg.runs import is_run, open_run
from mobileseg.study.folder import (
    COMPLETE,
    DIVERGED,
    EVALUATION,
    FAILED,
    RUNNING,
    StudyFolder,
    open_study,
)
from mobileseg.study.jobs import BROKE, DONE, OUT_OF_MEMORY, Job
from mobileseg.study.planned import PlannedRun
from mobileseg.training.allocator import keep_large_blocks
from mobileseg.training.multi_run import train_together
from mobileseg.training.session import begin, finish, pick_device, resume
from mobileseg.training.source_runs import Others
from mobileseg.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Bench:
    """What the runs of a job share."""

    study: StudyFolder
    data: Path
    device: torch.device
    pictures: Pictures

    def trainer(self, name: str) -> Trainer:
        """A new run, or one to go on with."""
        run, folder = self.study.runs[name], self.study.run_folder(name)
        others = self._others(run)
        if is_run(folder):
            return resume(
                folder, self.data, device=self.device, pictures=self.pictures, others=others
            )
        return begin(
            folder,
            self.data,
            variant=run.variant,
            task=run.task,
            preprocess=self.study.preprocess,
            choices=run.choices,
            device=self.device,
            pictures=self.pictures,
            others=others,
        )

    def _others(self, run: PlannedRun) -> Others:
        teacher = self.study.ensemble_folder(run.taught_by) if run.taught_by else None
        start = self.study.run_folder(run.starts_at) if run.starts_at else None
        return Others(*(open_run(folder) if folder else None for folder in (teacher, start)))

    def complete(self, name: str, trainer: Trainer) -> None:
        """Close a trained run and score it; the score is the mark that it is complete."""
        folder = self.study.run_folder(name)
        finish(folder, trainer)
        run, test, data = open_run(folder), self.pictures.test, self.data.resolve().name
        write_json(folder / EVALUATION, evaluation_json(run, test, data=data, split="test"))
        self.study.note(name, COMPLETE)


def work(job: Job) -> int:
    """Bring every run of a job to its end.

    Returns:
        DONE (the states say how each ended), or why the process gives up: BROKE, OUT_OF_MEMORY.
        A run that is RUNNING then may be tried again.
    """
    torch.set_num_threads(job.threads)
    study = open_study(job.folder)
    names = [name for name in job.runs if not study.is_complete(name)]
    for name in names:
        study.note_attempt(name)
    try:
        _work(study, job, names)
    except Exception as error:  # whatever it is, the study's other runs are to go on
        traceback.print_exc()
        with study.log(job.runs[0]).open("a", encoding="utf-8") as log:
            traceback.print_exc(file=log)
        line = f"{type(error).__name__}: {str(error).partition(chr(10))[0]} (see {log.name})"
        for name in names:
            if study.state(name).state == RUNNING:
                study.note(name, RUNNING, line)
        memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
        return OUT_OF_MEMORY if memory else BROKE
    return DONE


@contextmanager
def _settling(study: StudyFolder, names: Iterable[str]) -> Iterator[None]:
    """Mark runs with an error that would come again if they were tried again."""
    try:
        yield
    except MobilesegError as error:
        for name in names:
            study.note(name, DIVERGED if isinstance(error, Diverged) else FAILED, str(error))


def _work(study: StudyFolder, job: Job, names: list[str]) -> None:
    trainers: dict[str, Trainer] = {}
    with _settling(study, names):
        bench = _set_up(study, job)
        for name in names:
            with _settling(study, [name]):
                trainers[name] = bench.trainer(name)
        for name, error in _train(trainers).items():
            study.note(name, DIVERGED, str(error))
    for name, trainer in trainers.items():
        if study.state(name).state == RUNNING:
            with _settling(study, [name]):
                bench.complete(name, trainer)


def _set_up(study: StudyFolder, job: Job) -> Bench:
    run, device = study.runs[job.runs[0]], pick_device(job.device)
    if device.type == "cpu":
        keep_large_blocks()
    lesions, rule = task_lesions(run.task), run.choices.mask_rule
    pictures = read_pictures(job.data, lesions, study.preprocess, rule, device)
    return Bench(study, job.data, device, pictures)


def _train(trainers: dict[str, Trainer]) -> dict[str, Diverged]:
    """Train to the last epoch; those whose loss stopped being a number come back."""
    if len(trainers) > 1:
        diverged = train_together(list(trainers.values()))
        return {folder.name: error for folder, error in diverged.items()}
    for name, trainer in trainers.items():
        try:
            trainer.run()
        except Diverged as error:
            return {name: error}
    return {}


def main() -> None:
    """Take a job from stdin, and leave with how it went."""
    job = Job.from_json(json.loads(sys.stdin.readline()))
    threading.Thread(target=_leave_with_the_starter, daemon=True).start()
    sys.exit(work(job))


def _leave_with_the_starter() -> None:
    sys.stdin.read()  # until it closes
    os._exit(BROKE)  # no tidying up: a state on disk is whole at every moment


if __name__ == "__main__":
    main()
