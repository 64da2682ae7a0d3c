"""What a run answers in eager PyTorch: the figure that everything else is compared with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.preprocess.reference import Preprocessed
from mobileseg.runs import Run


@torch.no_grad()
def reference_probabilities(run: Run, picture: Preprocessed) -> NDArray[np.float32]:
    """(C, side, side) in 0..1: what eager PyTorch makes of a preprocessed picture, float32."""
    x = torch.from_numpy(picture.normalised(run.config.normalisation)).unsqueeze(0)
    probabilities: NDArray[np.float32] = torch.sigmoid(run.network(x)[0])[0].numpy()
    return probabilities
