"""The preprocessing graph over many frames at once, on whatever device they are to end up on.

For training on a GPU: there the definition's NumPy would keep the network waiting for a CPU. It
is the very graph that ships, mapped over a batch, so it equals the definition in every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mobileseg.preprocess.graph import Preprocess
from mobileseg.preprocess.reference import Crop, Preprocessed
from mobileseg.spec import PreprocessSpec


@torch.no_grad()
def preprocess_batch(
    frames: Sequence[NDArray[np.uint8]], spec: PreprocessSpec, device: torch.device
) -> list[Preprocessed]:
    """What `reference.preprocess` gives for each frame.

    Args:
        frames: (H, W, 3) uint8 RGB each, with H, W = `spec.frame_hw`.
        device: where it is computed; the results come back as NumPy arrays.
    """
    graph = Preprocess(spec).to(device)
    stacked = torch.from_numpy(np.stack(frames)).to(device)
    x = stacked.permute(0, 3, 1, 2).unsqueeze(1).to(torch.float32)  # N 1 3 H W
    if spec.finder == 1:  # a map of several frames cannot give None for each
        (box, retina), disc, seen_round = torch.vmap(graph.by_threshold)(x), None, None
    else:
        box, retina, disc, seen_round = torch.vmap(graph.find)(x)
    levels = torch.vmap(graph.crop_and_resize)(x, box)
    enhanced = torch.vmap(graph.enhance, in_dims=(0, None if disc is None else 0))(levels, disc)
    if disc is not None:
        levels = levels * disc
    cut = [False] * len(frames) if seen_round is None else (seen_round.flatten() == 0).tolist()
    boxes = torch.cat(box, dim=1).to(torch.int64).tolist()
    shares = retina.flatten().tolist()
    discs = [None] * len(frames) if disc is None else list((disc[:, 0, 0] > 0).cpu().numpy())
    pictures = zip(
        levels[:, 0].permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy(),
        enhanced[:, 0].permute(0, 2, 3, 1).cpu().numpy(),
        discs,
        strict=True,
    )
    return [
        Preprocessed(
            Crop(left, top, width, height, share > 0, share > 0 and of_part), share, *picture
        )
        for (left, top, width, height), share, of_part, picture in zip(
            boxes, shares, cut, pictures, strict=True
        )
    ]
