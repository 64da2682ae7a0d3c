"""The hard pictures are what their names say, and always the same."""

from __future__ import annotations

import numpy as np

from converters.parity.edge_cases import HARD, hard_cases
from mobileseg.preprocess.reference import preprocess
from mobileseg.spec import PreprocessSpec, photo_to_frame

FRAME_HW = (256, 256)


def test_they_are_the_same_every_time_and_have_no_masks():
    one, other = (list(hard_cases().read) for _ in range(2))
    assert [c.name for c in one] == list(HARD) and hard_cases().count == len(HARD) == 7
    for a, b in zip(one, other, strict=True):
        assert (a.photo == b.photo).all() and a.photo.dtype == np.uint8 and a.masks == {}
        assert a.photo.flags.c_contiguous and a.photo.shape[2] == 3


def test_each_is_hard_in_its_own_way():
    photos = {case.name: case.photo for case in hard_cases().read}
    done = {
        name: preprocess(photo_to_frame(photo, FRAME_HW), PreprocessSpec(64, FRAME_HW))
        for name, photo in photos.items()
    }
    assert not photos["black"].any() and (photos["white"] == 255).all()
    assert not done["black"].crop.found
    # As dark as a twelfth of its light: finder 2 finds even that retina.
    assert done["no retina"].crop.found and photos["no retina"].max() <= 25
    assert photos["no retina"].std() > 2  # and yet not flat
    assert done["white"].crop.found and done["noise"].crop.found
    # A third of a disc, in a square of the disc's height.
    assert 0.2 < done["retina cut off"].retina < done["greyscale"].retina / 2
    grey = photos["greyscale"]
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()
    dots = (photos["tiny lesions"] == (250, 240, 170)).all(axis=2)
    assert 150 < dots.sum() <= 240
