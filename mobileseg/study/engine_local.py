"""Jobs as processes of this machine, some at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Self

import torch

from mobileseg.study.jobs import BROKE, DONE, OUT_OF_MEMORY, Ended, Job
from mobileseg.training.session import pick_device

STOP_S = 5  # a process that is asked to stop is given as long
LEFT = (DONE, BROKE, OUT_OF_MEMORY)  # exit codes that a worker chooses itself


@dataclass(frozen=True, slots=True)
class Worker:
    """A process, the job that it works on, and its place among the others."""

    process: subprocess.Popen[str]
    job: Job
    place: int
    log: Path


class LocalEngine:
    """Worker processes on this machine.

    Args:
        workers: processes at a time; they share the cores, and the GPUs in turn.
        device: auto, cpu or cuda.

    Raises:
        BadInput: a GPU is asked for and there is none.
    """

    def __init__(self, workers: int, device: str) -> None:
        self.threads = max(1, (os.cpu_count() or 1) // workers)
        self.gpus = torch.cuda.device_count() if pick_device(device).type == "cuda" else 0
        self.free = deque(range(workers))
        self.waiting: deque[Job] = deque()
        self.workers: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            try:
                worker.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.workers = []

    def submit(self, job: Job) -> None:
        self.waiting.append(replace(job, threads=self.threads))
        self._start()

    def ended(self) -> list[Ended]:
        gone = [w for w in self.workers if w.process.poll() is not None]
        self.workers = [w for w in self.workers if w not in gone]
        self.free.extend(w.place for w in gone)
        self._start()
        return [_ended(w) for w in gone]

    def _start(self) -> None:
        while self.waiting and self.free:
            self.workers.append(self._worker(self.waiting.popleft(), self.free.popleft()))

    def _worker(self, job: Job, place: int) -> Worker:
        log = job.folder / "states" / f"{job.runs[0]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as said:
            process = subprocess.Popen(
                # -P: a file of the user's in this folder must not stand in for a module
                [sys.executable, "-P", "-m", "mobileseg.study.worker"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                text=True,
                env=self._environment(place),
                start_new_session=True,  # Ctrl-C is for the study, which then stops its workers
            )
        assert process.stdin is not None
        _hand_over(process.stdin, job)
        return Worker(process, job, place, log)

    def _environment(self, place: int) -> dict[str, str]:
        own = {"OMP_NUM_THREADS": str(self.threads)}
        if self.gpus > 1:
            own["CUDA_VISIBLE_DEVICES"] = _visible_gpus()[place % self.gpus]
        return {**os.environ, **own}


def _visible_gpus() -> list[str]:
    """The GPUs that this process may use, as its own environment names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]


def _hand_over(stdin: IO[str], job: Job) -> None:
    with suppress(BrokenPipeError):  # it has gone already, and `ended` will say how
        stdin.write(json.dumps(job.to_json()) + "\n")
        stdin.flush()


def _ended(worker: Worker) -> Ended:
    code = worker.process.returncode
    assert worker.process.stdin is not None
    with suppress(BrokenPipeError):
        worker.process.stdin.close()
    if worker.log.is_file() and not worker.log.stat().st_size:
        worker.log.unlink()
    if code in LEFT:
        return Ended(worker.job, code, "")
    if code < 0:
        return Ended(worker.job, None, f"killed by {signal.Signals(-code).name}")
    return Ended(worker.job, None, f"left with exit code {code} (see {worker.log})")
