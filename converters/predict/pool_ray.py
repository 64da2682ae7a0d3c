"""Workers as actors of a Ray cluster, a core each.

The pictures, the model and the folder of the results lie on storage that every node mounts under
the same paths; Ray itself carries names and replies alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from converters.predict.worker import Order, Reply
from mobileseg.errors import BadInput
from mobileseg.version import __version__

CAUSE = "The actor is dead because "  # begins Ray's own line on why
SHARED = (
    "expected the pictures, the model and the results' folder under the same paths on every node, "
    f"on storage that all of them mount, and mobileseg {__version__}"
)


def actor_class() -> type:
    """What Ray starts on a node; made here, so that it is sent as it is to who has no mobileseg."""

    class Actor:
        """A worker: opens the model, then takes a picture at a time."""

        def open(self, expected: str, here: str | None, order: Mapping[str, Any]) -> str:
            """Open the model.

            Args:
                expected: the starter's version of mobileseg.
                here: folder that relative paths begin at; None: there are none.
                order: an `Order` as plain values, which a node without mobileseg can take too.

            Returns:
                Why it cannot, in a line that names the node; empty: it has.
            """
            import os
            import socket

            try:
                from mobileseg.version import __version__ as found
            except ImportError:
                return f"Ray node {socket.gethostname()} has no mobileseg; {SHARED}"
            self.node = f"Ray node {socket.gethostname()}"
            if found != expected:
                return f"{self.node} has mobileseg {found}; {SHARED}"
            from converters.predict.worker import Bench, Order
            from mobileseg.errors import MobilesegError

            try:
                if here is not None:
                    os.chdir(here)
                self.bench = Bench(Order.from_values(order))
            except OSError as error:
                return f"{self.node} does not see {here} ({error.strerror}); {SHARED}"
            except MobilesegError as error:
                return f"{self.node}: {error}; {SHARED}"
            return ""

        def predict(self, name: str, path: Path) -> Reply:
            """Predict a picture; a fault names the node."""
            reply = self.bench.predict(name, path)
            return reply._replace(fault=f"{self.node}: {reply.fault}") if reply.fault else reply

    return Actor


@dataclass(frozen=True, slots=True)
class RayWorker:
    """An actor."""

    ray: Any
    actor: Any
    opening: Future[str]

    def predict(self, name: str, path: Path) -> Future[Reply]:
        reply: Future[Reply] = self.actor.predict.remote(name, path).future()
        return reply

    def death(self, error: BaseException) -> str:
        return f"died ({type(error).__name__}: {_gist(error)})"

    def dismiss(self) -> None:
        self.ray.kill(self.actor)


def _gist(error: BaseException) -> str:
    """The first line of Ray's several that is about this death; the others are advice."""
    first, *more = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return next((line for line in more if line.startswith(CAUSE)), first).removeprefix(CAUSE)


class RayCrew:
    """Actors that Ray starts where there is room; more than there is room for wait for it.

    Args:
        ray: the package, connected.
        workers: None: as many as the cluster has cores.

    Raises:
        BadInput: no node has a core to give.
    """

    def __init__(self, ray: Any, order: Order, workers: int | None) -> None:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if not cores:
            raise BadInput("no node of the Ray cluster has a CPU to give; expected one at least")
        self.ray, self.order = ray, order
        self.size = workers or cores
        of = ray.exceptions
        self.deaths: tuple[type[Exception], ...] = (
            of.RayActorError,
            of.OutOfMemoryError,
            of.NodeDiedError,
        )
        # Ray itself tries nothing again: `Sharing` does, with a limit.
        self.actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(actor_class())
        self.hired: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for actor in self.hired:
            self.ray.kill(actor)

    def hire(self) -> RayWorker:
        actor = self.actor.remote()
        self.hired.append(actor)
        opening = actor.open.remote(__version__, self._here(), asdict(self.order))
        return RayWorker(self.ray, actor, opening.future())

    def _here(self) -> str | None:
        paths = [self.order.model, self.order.verify_key, *self.order.folders]
        absolute = all(Path(path).is_absolute() for path in paths if path is not None)
        return None if absolute else str(Path.cwd())
