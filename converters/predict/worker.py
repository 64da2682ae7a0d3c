"""What a worker process of `predict` does: open what its starter opened, then picture by picture.

Nothing here imports a thread library before `Bench` has said how many threads it may have: what
OpenMP and OpenBLAS read from the environment, they read once, when they are loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from converters.predict.resumable import Unfinished
from mobileseg.errors import BadInput, MobilesegError

OF_PYTORCH = (None, "torchscript")
ONE_CORE = {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Order:
    """What every worker is told; paths are as the user wrote them."""

    model: Path
    verify_key: Path | None
    maker: Mapping[str, str]  # what the starter opened, by `batch.maker`
    threads: int  # of PyTorch, in the starter
    folders: tuple[str, ...]  # of the pictures; those that the starter sees
    work: Unfinished

    @classmethod
    def of(
        cls,
        model: Path,
        verify_key: Path | None,
        maker: Mapping[str, str],
        pictures: Iterable[Path],
        work: Unfinished,
    ) -> Self:
        """As this process stands."""
        import torch

        seen = sorted({str(p.parent) for p in pictures if p.parent.is_dir()})
        return cls(model, verify_key, dict(maker), torch.get_num_threads(), tuple(seen), work)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The way back from `dataclasses.asdict`."""
        return cls(**{**values, "work": Unfinished(**values["work"])})


class Reply(NamedTuple):
    """What came of a picture."""

    unreadable: str | None  # why it cannot be read
    fault: str  # why nothing can be done with any picture; empty: it can


class Bench:
    """A process's opened model.

    Raises:
        BadInput: the model is not what the starter opened; the work or a folder is not to be seen.
        MissingToolkit: as `open_predictor`.
    """

    def __init__(self, order: Order) -> None:
        hold_to_one_core(order)
        from converters.predict.batch import UNCERTAINTY, maker
        from converters.predict.predictor import open_predictor

        self.order = order
        order.work.refuse_taken()
        for folder in order.folders:
            _refuse_unseen(folder)
        self.predictor = open_predictor(
            order.model, order.verify_key, uncertainty=UNCERTAINTY in order.maker
        )
        if maker(self.predictor) != order.maker:
            raise BadInput(
                f"{order.model}: found other files than a moment ago; expected them to stay as "
                "they are while pictures are predicted: call it again"
            )

    def predict(self, name: str, path: Path) -> Reply:
        """Predict a picture and commit it."""
        from converters.predict.batch import predict_one

        try:
            why = predict_one(self.predictor, self.order.work, name, path)
            if why and str(path.parent) in self.order.folders:
                _refuse_unseen(str(path.parent))  # not the picture's fault, then
        except MobilesegError as error:
            return Reply(None, str(error))
        return Reply(why, "")


def _refuse_unseen(folder: str) -> None:
    if not Path(folder).is_dir():
        raise BadInput(f"does not see {folder}, where pictures are")


def hold_to_one_core(order: Order) -> None:
    """Leave the other cores to the other workers; to be called before anything heavy is loaded.

    One thread, but PyTorch gets two where its starter has several: for 1x1 convolutions it takes
    another algorithm if it has one thread alone, and the last bits of an answer would hang on the
    number of workers. The two wait without spinning, so one core is enough for them. What
    onnxruntime and ExecuTorch answer is the same with any number.
    """
    os.environ.update(ONE_CORE)
    import cv2
    import torch

    cv2.setNumThreads(1)
    target = _target(order.model)
    torch.set_num_threads(min(2, order.threads) if target in OF_PYTORCH else 1)
    if target == "executorch":
        from converters.bench.latency import one_thread

        one_thread()


def _target(model: Path) -> str | None:
    """Of a bundle, by a manifest that has not been verified yet; None: a run."""
    from converters.bundle.manifest import MANIFEST
    from converters.bundle.read import is_bundle
    from mobileseg.files.atomic import read_json

    return str(read_json(model / MANIFEST)["target"]) if is_bundle(model) else None
