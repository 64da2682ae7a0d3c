"""What a Core ML file says of a frame, and how: as data for manifest, metadata and checks.

    probabilities   a float32 array, for an app that sets its own thresholds
    labels          one map of whole numbers, which Xcode previews: 0 background, then the lesions
    masks           a grey picture per lesion, 0 or 255, for an app that lays them over its own

A pixel is lesion where its probability is at or above that lesion's own threshold. Where several
are, the label is the one whose probability is the largest multiple of its threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from converters.deployable import OUTPUTS, QUALITY, Deployable, NetworkAlone
from converters.options import Order
from mobileseg.lesions import LESIONS
from mobileseg.quality.values import VALUES
from mobileseg.run_config import RunConfig

WHITE = 255.0


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a file gives."""

    name: str
    shape: tuple[int, ...]
    dtype: str  # "float32", "int32"; of a picture "uint8"
    text: str  # for people, as Xcode shows it
    kind: str = "array"  # or "image": one grey channel


def outputs(config: RunConfig, order: Order) -> list[Output]:
    """Everything a file gives, in its order: the answer first."""
    side = config.preprocess.side_px
    answer = _answer(config, order.head, side)
    if not order.whole:
        return answer
    return [
        *answer,
        Output(
            OUTPUTS[1], (1, 4), "float32", "left, top, width, height of the square in frame pixels"
        ),
        Output(
            OUTPUTS[2], (1, 1), "float32", "share of the square that is retina; 0: none was found"
        ),
        *_quality(config),
    ]


def _quality(config: RunConfig) -> list[Output]:
    """Of a run that has it."""
    if config.quality is None:
        return []
    text = (
        f"share of lesion recall that such a picture still gives, of {', '.join(config.lesions)}; "
        f"then {', '.join(VALUES)}"
    )
    return [Output(QUALITY, (1, len(config.lesions) + len(VALUES)), "float32", text)]


def _answer(config: RunConfig, answer: str, side: int) -> list[Output]:
    lesions, where = config.lesions, f"on the square of {side}x{side} pixels"
    if answer == "labels":
        meanings = "; ".join(f"{i} {LESIONS[code].name}" for i, code in enumerate(lesions, 1))
        text = f"label of each pixel {where}: 0 background; {meanings}"
        return [Output("labels", (side, side), "int32", text)]
    if answer == "masks":
        return [
            Output(
                f"mask_{code}",
                (1, 1, side, side),
                "uint8",
                f"{LESIONS[code].name} {where}: 255 at or above {config.thresholds[code]}, else 0",
                "image",
            )
            for code in lesions
        ]
    names = ", ".join(LESIONS[code].name for code in lesions)
    text = f"probability, 0 to 1, of each pixel {where}, a channel per lesion: {names}"
    return [Output(OUTPUTS[0], (1, len(lesions), side, side), "float32", text)]


class Labels(nn.Module):
    """(1, C, side, side) probabilities -> (side, side) int32: 0, or 1 + channel."""

    threshold: Tensor
    multiple: Tensor

    def __init__(self, thresholds: Sequence[float]) -> None:
        super().__init__()
        threshold = torch.tensor(thresholds, dtype=torch.float32).reshape(1, -1, 1, 1)
        self.register_buffer("threshold", threshold, persistent=False)
        # Multiplied, not divided: a converter may turn one into the other, and round elsewhere.
        self.register_buffer("multiple", 1.0 / threshold, persistent=False)

    def forward(self, probabilities: Tensor) -> tuple[Tensor, ...]:
        lesion = (probabilities >= self.threshold).to(torch.float32)
        rank = probabilities * self.multiple * lesion
        place = torch.argmax(rank, dim=1).to(torch.float32) + 1.0  # 1 side side
        return ((place * torch.amax(lesion, dim=1))[0].to(torch.int32),)


class Masks(nn.Module):
    """(1, C, side, side) probabilities -> C pictures (1, 1, side, side) float32, 0 or 255."""

    threshold: Tensor

    def __init__(self, thresholds: Sequence[float]) -> None:
        super().__init__()
        threshold = torch.tensor(thresholds, dtype=torch.float32).reshape(1, -1, 1, 1)
        self.register_buffer("threshold", threshold, persistent=False)
        self.count = len(thresholds)

    def forward(self, probabilities: Tensor) -> tuple[Tensor, ...]:
        white = (probabilities >= self.threshold).to(torch.float32) * WHITE
        return tuple(white[:, c : c + 1] for c in range(self.count))


HEADS: dict[str, type[Labels] | type[Masks]] = {"labels": Labels, "masks": Masks}


class Answering(nn.Module):
    """A shipped graph whose probabilities are turned into another answer.

    Args:
        graph: the whole one, or the network alone.
        head: what makes the answer.
    """

    def __init__(self, graph: Deployable | NetworkAlone, head: nn.Module) -> None:
        super().__init__()
        self.shipped, self.head = graph, head  # "graph" is a traced module's own word
        self.eval()

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        """The answer, then what else the graph says (crop and retina)."""
        given = self.shipped(picture)
        probabilities, *rest = given if isinstance(given, tuple) else (given,)
        return (*self.head(probabilities), *rest)

    def example(self) -> Tensor:
        return self.shipped.example()


def answering(
    graph: Deployable | NetworkAlone, config: RunConfig, order: Order
) -> Deployable | NetworkAlone | Answering:
    """The graph with the answer that was ordered; unchanged where probabilities were."""
    if order.head not in HEADS:
        return graph
    thresholds = [config.thresholds[code] for code in config.lesions]
    return Answering(graph, HEADS[order.head](thresholds))
