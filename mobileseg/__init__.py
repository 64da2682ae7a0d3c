"""Retinal lesion segmentation for phones: train, convert, and prove the phone's file is right.

    import mobileseg
    result = mobileseg.load("runs/ex").predict("IDRiD_55.jpg")   # a run or a bundle
    result.masks["EX"], result.lesions["EX"].count

Importing this package loads nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileseg.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from converters.predict.predictor import Predictor

__all__ = ["__version__", "load"]


def load(run_or_bundle: str | Path, verify_key: str | Path | None = None) -> Predictor:
    """Open a run folder (PyTorch) or a bundle folder (its artifact) for prediction.

    Args:
        verify_key: a public key (PEM, Ed25519); a bundle has to be signed by its owner.

    Raises:
        BadInput: the folder is neither, is damaged, or is not signed by that key.
        MissingToolkit: the bundle's runtime is not installed, or cannot run on this machine.
    """
    from converters.predict.predictor import open_predictor

    return open_predictor(run_or_bundle, verify_key)
