"""Which pieces of which pictures an epoch is made of.

A lesion is a few pixels of a large picture: of 512 px pictures of IDRiD, microaneurysms are a
thousandth. Whole pictures therefore teach mostly what retina looks like; pieces that lie around
lesions teach the lesions. What such pieces hardly show (the optic disc, plain retina) has to come
from the others: pieces from anywhere, from where the network was wrong, or whole pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mobileseg.data.augmentation.geometry import piece_matrix
from mobileseg.training.config import PIECE_LESIONS, TrainConfig

STREAM = 2  # of random numbers: [seed, epoch, 0, STREAM]; others have other numbers there
JITTER = 1 / 3  # of a piece's side: how far its middle may be from the lesion that it is drawn for
LESION, HARD, ANYWHERE = range(3)  # what a piece is drawn for


@dataclass(frozen=True, slots=True)
class Drawn:
    """An epoch's pieces, in the order in which they are shown."""

    pictures: list[int]
    maps: Tensor  # (n, 2, 3) float32


class PieceSampler:
    """Draws pieces.

    Args:
        choices: the training's.
        masks: (N, C, S, S) uint8 of the training pictures, 0 or 1.
    """

    def __init__(self, choices: TrainConfig, masks: Tensor) -> None:
        self.choices = choices
        self.count, _, self.side_px, _ = masks.shape
        flat = masks.cpu().numpy().reshape(*masks.shape[:2], -1)
        # Of each lesion: each picture that has it, with the pixels where it is.
        self.spots = [
            {i: np.flatnonzero(flat[i, c]).astype(np.int32) for i in range(self.count)}
            for c in range(masks.shape[1])
        ]
        self.spots = [{i: at for i, at in of.items() if len(at)} for of in self.spots]
        self.spots = [of for of in self.spots if of]  # a lesion that is nowhere is not drawn
        area = np.array([sum(map(len, of.values())) for of in self.spots], np.float64)
        often = area ** PIECE_LESIONS[choices.piece_lesion]
        self.often = often / max(often.sum(), 1e-300)  # none: no lesion in these pictures

    def draw(self, epoch: int, count: int, errors: Tensor | None) -> Drawn:
        """An epoch's pieces.

        Args:
            epoch: from 0.
            count: of pieces.
            errors: (N, G, G) 0 or more, how wrong the network was in each of G x G cells of each
                picture; None: not known, and what is drawn for it comes from anywhere.
        """
        rng = np.random.default_rng([self.choices.seed, epoch, 0, STREAM])
        places: dict[int, list[tuple[int, NDArray[np.float64]]]] = {
            LESION: [], HARD: [], ANYWHERE: []
        }  # fmt: skip
        purposes = self._purposes(rng, count, errors)
        for purpose in (LESION, HARD, ANYWHERE):
            wanted = int((purposes == purpose).sum())
            places[purpose] = self._places(rng, purpose, wanted, errors)
        pictures, maps = [], []
        for purpose in purposes:
            picture, middle = places[purpose].pop()
            centre = (2 * middle + 1) / self.side_px - 1  # pixels to -1..1, x and y
            share = self.choices.pieces / self.side_px
            x, y = map(float, centre)
            maps.append(piece_matrix(rng, self.choices.augment, (x, y), share))
            pictures.append(picture)
        stacked = np.array(maps, np.float32).reshape(-1, 2, 3)  # none: of whole pictures alone
        return Drawn(pictures, torch.from_numpy(stacked))

    def _purposes(
        self, rng: np.random.Generator, count: int, errors: Tensor | None
    ) -> NDArray[np.int64]:
        """(count,) what each piece is for: the shares that were asked for, shuffled."""
        lesion = round(self.choices.piece_lesion_share * count) if self.spots else 0
        known = errors is not None and bool(errors.sum() > 0)
        hard = min(round(self.choices.piece_hard_share * count), count - lesion) if known else 0
        anywhere = count - lesion - hard
        return rng.permutation(np.repeat([LESION, HARD, ANYWHERE], [lesion, hard, anywhere]))

    def _places(
        self, rng: np.random.Generator, purpose: int, count: int, errors: Tensor | None
    ) -> list[tuple[int, NDArray[np.float64]]]:
        """Pictures, and the pixel (x, y) in each that comes to the piece's middle."""
        if count == 0:
            return []
        if purpose == LESION:
            return [self._near_lesion(rng) for _ in range(count)]
        if purpose == HARD and errors is not None:
            return self._where_wrong(rng, count, errors)
        # Each picture as often, as far as the number allows.
        rounds = -(-count // self.count)
        order = np.concatenate([rng.permutation(self.count) for _ in range(rounds)])
        return [(int(i), rng.uniform(-0.5, self.side_px - 0.5, 2)) for i in order[:count]]

    def _near_lesion(self, rng: np.random.Generator) -> tuple[int, NDArray[np.float64]]:
        """A lesion, a picture that has it, a pixel of it; and not always in the middle."""
        of = self.spots[int(rng.choice(len(self.spots), p=self.often))]
        picture = list(of)[int(rng.integers(len(of)))]
        y, x = divmod(int(of[picture][rng.integers(len(of[picture]))]), self.side_px)
        return picture, np.array([x, y]) + self._jitter(rng)

    def _where_wrong(
        self, rng: np.random.Generator, count: int, errors: Tensor
    ) -> list[tuple[int, NDArray[np.float64]]]:
        grid = errors.shape[-1]
        mass = errors.double().reshape(-1).numpy()
        cells = rng.choice(len(mass), size=count, p=mass / mass.sum())
        found = []
        for cell in cells:
            picture, row, column = np.unravel_index(int(cell), (self.count, grid, grid))
            corner = np.array([column, row], np.float64)
            middle = (corner + rng.random(2)) * self.side_px / grid - 0.5
            found.append((int(picture), middle + self._jitter(rng)))
        return found

    def _jitter(self, rng: np.random.Generator) -> NDArray[np.float64]:
        most = JITTER * self.choices.pieces
        return rng.uniform(-most, most, 2)
