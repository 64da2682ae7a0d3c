"""Names of the parts of a network that are int8 or float together.

A *layer* is a module path of the network. A name stands for everything below it: `decoder.4` for a
whole block, `decoder.4.first` for one unit of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from torch import nn

from mobileseg.errors import UnknownName
from mobileseg.models.blocks import ConvBnRelu, SeparableBnRelu

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def blocks(network: nn.Module) -> tuple[str, ...]:
    """The coarsest layers that hold a convolution: stages of the network, each side, the last."""
    found = []
    for name, child in network.named_children():
        parts = [(name, child)]
        if isinstance(child, nn.ModuleList):
            parts = [(f"{name}.{i}", part) for i, part in enumerate(child)]
        found += [part for part, module in parts if convolutions(module)]
    return tuple(found)


def units(network: nn.Module, block: str) -> tuple[str, ...]:
    """The finest layers of a block: a convolution with its batch norm and ReLU."""
    module = network.get_submodule(block)
    whole = (ConvBnRelu, SeparableBnRelu)
    named = [name for name, m in module.named_modules() if isinstance(m, whole)]
    return tuple(f"{block}.{name}" if name else block for name in named) or (block,)


def convolutions(network: nn.Module) -> tuple[str, ...]:
    """Paths of all convolutions, as PyTorch names them."""
    return tuple(name for name, m in network.named_modules() if isinstance(m, CONVOLUTIONS))


def inside(path: str, layers: Collection[str]) -> bool:
    """Whether a module path belongs to one of the layers."""
    return any(path == layer or path.startswith(f"{layer}.") for layer in layers)


def count_convolutions(network: nn.Module, layers: Collection[str]) -> int:
    """How many convolutions the layers hold together."""
    return sum(inside(path, layers) for path in convolutions(network))


def refuse_unknown(network: nn.Module, layers: Sequence[str]) -> None:
    """Raise UnknownName for a name that is no layer: it would silently stay int8."""
    paths = {name for name, _ in network.named_modules()}
    for layer in layers:
        if layer not in paths or not convolutions(network.get_submodule(layer)):
            raise UnknownName("layer", layer, blocks(network))


def heads(network: nn.Module) -> tuple[str, ...]:
    """The layers that make logits: bare convolutions at the end of the sides and of the whole.

    In int8 a logit has steps of a tenth and more, and a threshold lies between two of them.
    """
    named = [(block, network.get_submodule(block)) for block in blocks(network)]
    return tuple(block for block, module in named if isinstance(module, nn.Conv2d))
