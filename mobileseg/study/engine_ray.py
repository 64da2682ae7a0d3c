"""Jobs as tasks of a Ray cluster, an existing one or one of this machine's own.

A task is a job; it writes into the study's folder like every worker, so that folder must be the
same on every node. Ray itself tries nothing again (`max_retries=0`): the scheduler does, up to a
limit.
"""

from __future__ import annotations

import math
import os
import socket
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.study.jobs import OUT_OF_MEMORY, Ended, Job
from mobileseg.version import __version__

THREADS = 4  # of a job, at most, where nobody says how many jobs share a node
LOOK_S = 60  # how long a node may take to answer whether it sees the folder
KNOCK_S = 10  # for a cluster's head to answer at all
STORE_BYTES = 80 << 20  # nothing large goes through Ray's store; its own default is a third of RAM
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing about a clinic's computing leaves it unasked
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what Ray will do anyway; else it warns
    "RAY_COLOR_PREFIX": "0",
    "RAY_worker_niceness": "0",  # its own default lets everything else go first
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "300",  # of a helper that starts even without a dashboard
}


@dataclass(frozen=True, slots=True)
class Share:
    """What one job takes of a node."""

    cpus: int
    gpus: int


def share_of(nodes: list[dict[str, float]], workers: int | None, device: str) -> Share:
    """Divide a cluster.

    Args:
        nodes: of each living node, how much it has under "CPU" and "GPU".
        workers: jobs at a time over all nodes; None: as many as there is room for.
        device: auto, cpu or cuda.

    Raises:
        BadInput: a GPU is asked for and no node has one.
    """
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if device == "cuda" and not gpus:
        raise BadInput("--device cuda: no node of the Ray cluster has a GPU; use --device cpu")
    if gpus and device != "cpu":
        able = [node for node in nodes if node.get("GPU", 0) >= 1]
        # As many CPUs as leave every GPU its job, on the node that has the fewest for each.
        return Share(max(1, min(int(n.get("CPU", 0) // n["GPU"]) for n in able)), 1)
    largest = max(int(node.get("CPU", 0)) for node in nodes)
    if largest < 1:
        raise BadInput("no node of the Ray cluster has a CPU to give; expected one at least")
    if workers is None:
        return Share(min(THREADS, largest), 0)
    a_node = math.ceil(workers / len([n for n in nodes if n.get("CPU", 0) >= 1]))
    return Share(max(1, largest // a_node), 0)


class RayEngine:
    """Tasks on Ray.

    Args:
        folder: the study's.
        data: the pictures' folder.
        workers: jobs at a time; None: as many as the cluster has room for.
        device: auto, cpu or cuda.
        address: of a cluster; None: the one that runs here, else one is started for this study.

    Raises:
        MissingToolkit: Ray is not installed.
        BadInput: no cluster at that address, or a node that does not see folder or data.
    """

    def __init__(
        self, folder: Path, data: Path, workers: int | None, device: str, address: str | None
    ) -> None:
        self.workers = workers
        self.waiting: deque[Job] = deque()
        self.jobs: dict[Any, Job] = {}
        with ExitStack() as stack:
            ray = self.ray = stack.enter_context(connected(folder, address))
            alive = [node for node in ray.nodes() if node["Alive"]]
            self.share = share_of([node["Resources"] for node in alive], workers, device)
            _refuse_apart(ray, alive, folder.resolve(), data.resolve())
            self.stack = stack.pop_all()
        needs = {"num_cpus": self.share.cpus, "num_gpus": self.share.gpus}
        # A process a job: what one leaves on a GPU, or breaks there, is not the next one's.
        self.task = ray.remote(**needs, max_retries=0, max_calls=1)(_work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reference in self.jobs:
            self.ray.cancel(reference, force=True)
        self.jobs.clear()
        self.stack.close()

    def submit(self, job: Job) -> None:
        self.waiting.append(replace(job, threads=self.share.cpus))
        self._start()

    def ended(self) -> list[Ended]:
        if not self.jobs:
            return []
        ready, _ = self.ray.wait(list(self.jobs), num_returns=len(self.jobs), timeout=0)
        gone = [self._ended(reference, self.jobs.pop(reference)) for reference in ready]
        self._start()
        return gone

    def _start(self) -> None:
        """All at once, unless a number was asked for: a cluster that grows must see the need."""
        while self.waiting and (self.workers is None or len(self.jobs) < self.workers):
            job = self.waiting.popleft()
            self.jobs[self.task.remote(job.to_json())] = job

    def _ended(self, reference: Any, job: Job) -> Ended:
        try:
            return Ended(job, self.ray.get(reference), "")
        except self.ray.exceptions.OutOfMemoryError as error:
            return Ended(job, OUT_OF_MEMORY, str(error).strip().partition("\n")[0])
        except self.ray.exceptions.RayError as error:
            line = str(error).strip().splitlines()[-1 if _is_ours(error) else 0]
            return Ended(job, None, f"{type(error).__name__}: {line}")


def _is_ours(error: Exception) -> bool:
    """A traceback from the task, whose last line says what it was."""
    return hasattr(error, "traceback_str")


def _work(job: dict[str, Any]) -> int:
    from mobileseg.study.worker import work

    return work(Job.from_json(job))


@contextmanager
def connected(folder: Path, address: str | None) -> Iterator[Any]:
    """Ray, connected and quiet."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise MissingToolkit.install("ray", "cluster") from None
    log = folder / "states" / "ray.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Ray's own thread prints what it thinks of dead workers to stdout, which is for results.
    with log.open("a", encoding="utf-8") as said, redirect_stdout(said):
        try:
            _connect(ray, address)
            yield ray
        finally:
            ray.shutdown()
            said.flush()
            if not log.stat().st_size:
                log.unlink()


def _connect(ray: Any, address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "namespace": "mobileseg"}
    own = {"object_store_memory": STORE_BYTES, "include_dashboard": False}
    try:
        if address != "local":
            _knock(address)
            ray.init(address=address or "auto", **quiet)
            return
    except (OSError, ValueError, RuntimeError) as error:
        # Asked for none and none runs here: one is started. All else is told.
        if address or not isinstance(error, ConnectionError):
            reason = str(error).strip().partition("\n")[0]
            raise BadInput(
                f"--address {address or 'auto'}: no Ray cluster to use there ({reason}); expected "
                "HOST:PORT as ray start --head prints it (a cluster that asks for a token needs "
                "RAY_AUTH_MODE=token here too), or local for one that is started here"
            ) from None
    ray.init(address="local", **own, **quiet)


def _knock(address: str | None) -> None:
    """Raise OSError where nobody listens: Ray itself would go on trying for minutes."""
    place = urlsplit(f"//{(address or '').removeprefix('ray://')}")
    if place.hostname and place.port:  # else a word of Ray's, as "auto" is
        socket.create_connection((place.hostname, place.port), KNOCK_S).close()


def _refuse_apart(ray: Any, nodes: list[dict[str, Any]], folder: Path, data: Path) -> None:
    """Every node must see the study's folder and the data, and have this mobileseg."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    token = folder / f".seen-{uuid.uuid4().hex}"
    expected = __version__

    # Inside: sent as it is, because a node without mobileseg could not import it.
    def look(token: str, data: str) -> str:
        import importlib.metadata
        import os

        try:
            version = importlib.metadata.version("mobileseg")
        except importlib.metadata.PackageNotFoundError:
            return "has no mobileseg"
        if version != expected:
            return f"has mobileseg {version}, expected {expected}"
        for path, what in ((token, "folder"), (data, "data")):
            if not os.path.exists(path):  # noqa: PTH110
                return f"does not see the study's {what}"
        return ""

    folder.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        asked = {
            ray.remote(num_cpus=0, max_retries=0)(look)
            .options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
            .remote(str(token), str(data)): node["NodeManagerHostname"]
            for node in nodes
        }
        ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=LOOK_S)
        faults = {asked[r]: ray.get(r) for r in ready} | dict.fromkeys(
            (asked[r] for r in late), f"did not answer within {LOOK_S} s"
        )
    finally:
        token.unlink(missing_ok=True)
    for host, fault in faults.items():
        if fault:
            raise BadInput(
                f"Ray node {host} {fault}; expected {folder}, {data} and mobileseg {__version__} "
                "on every node, under the same paths: put them on storage that all nodes mount"
            )
