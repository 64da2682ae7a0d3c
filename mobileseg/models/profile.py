"""What a variant costs: MACs by two conventions, parameters, bytes. Shapes only, no arithmetic.

*Paper convention* repeats Table 2 to its last digit, oddities included, so that a new network can
be put beside the published ones. *True* counts multiply-accumulates of convolutions and no more,
as a phone's chip would have to do them; it is the one to plan with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mobileseg.models.blocks import Upsample
from mobileseg.models.build import build

Rule = Callable[[Any, Tensor, Tensor], int]  # module, its (first) input, its output -> operations


def _macs_at_output(conv: nn.Conv2d, _: Tensor, out: Tensor) -> int:
    return out.numel() * conv.in_channels // conv.groups * conv.kernel_size[0] ** 2


def _macs_at_input(conv: nn.ConvTranspose2d, x: Tensor, _: Tensor) -> int:
    return x.numel() * conv.out_channels // conv.groups * conv.kernel_size[0] ** 2


def _thop_conv(conv: nn.Conv2d, x: Tensor, out: Tensor) -> int:
    return _macs_at_output(conv, x, out) + (out.numel() if conv.bias is not None else 0)


# thop 0.0.31, which the paper used. A transposed convolution is counted as if it were a plain one
# at its output's size: for 2×2 stride 2 that is four times too many, and 26 G for the U-Net.
PAPER_RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _thop_conv,
    nn.ConvTranspose2d: _thop_conv,
    nn.BatchNorm2d: lambda _, x, out: 2 * out.numel(),
    Upsample: lambda _, x, out: 11 * out.numel(),  # bilinear: thop's own figure
}

# Its † rows are three times the single network without upsampling; the paper does not say why.
ENSEMBLE_RULES = {kind: rule for kind, rule in PAPER_RULES.items() if kind is not Upsample}

TRUE_RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _macs_at_output,
    nn.ConvTranspose2d: _macs_at_input,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of one picture through `members` networks of a variant, one after the other."""

    variant: str
    members: int
    classes: int  # lesions each of them segments
    macs_paper: int
    macs_true: int
    parameters: int

    @property
    def macs_paper_g(self) -> float:
        return self.macs_paper / 1e9

    @property
    def macs_true_g(self) -> float:
        return self.macs_true / 1e9

    @property
    def params_m(self) -> float:
        return self.parameters / 1e6

    @property
    def size_mb(self) -> float:
        """Of the parameters in float32, in 10^6 bytes; batch norm's statistics are left out."""
        return 4 * self.parameters / 1e6


@dataclass(frozen=True, slots=True)
class Printed:
    """A row of Table 2, digit for digit."""

    macs_paper_g: str
    params_m: str
    size_mb: str


# (variant, members) -> what the paper prints, for 512×512 and one class.
# Source: Siebert & Rostalski 2022, Table 2; three members are its † rows.
TABLE_2: dict[tuple[str, int], Printed] = {
    ("unet", 1): Printed("218.85", "31.04", "124.17"),
    ("o", 1): Printed("141.98", "43.87", "175.48"),
    ("o-sep", 1): Printed("81.20", "17.66", "70.65"),
    ("m", 1): Printed("51.32", "1.13", "4.52"),
    ("m-sep", 1): Printed("33.48", "0.66", "2.63"),
    ("s", 1): Printed("13.19", "0.29", "1.14"),
    ("s-sep", 1): Printed("8.93", "0.18", "0.70"),
    ("xs", 1): Printed("3.48", "0.07", "0.29"),
    ("xs-sep", 1): Printed("2.52", "0.05", "0.20"),
    ("m", 3): Printed("152.70", "3.39", "13.57"),
    ("s", 3): Printed("38.91", "0.86", "3.43"),
    ("xs", 3): Printed("10.10", "0.22", "0.88"),
}
TABLE_2_SIDE_PX = 512
NOT_PRINTED = Printed("–", "–", "–")


def profile(
    variant_name: str, side_px: int = TABLE_2_SIDE_PX, classes: int = 1, members: int = 1
) -> Costs:
    """Count a variant's costs for one picture of side_px × side_px.

    Args:
        variant_name: a name of `VARIANTS`.
        side_px: height and width of the picture; a multiple of 16 for the U-Net.
        classes: lesions it segments.
        members: networks of this kind that answer together (3 in the paper's † rows).

    Raises:
        UnknownName: there is no such variant.
    """
    with torch.device("meta"):  # tensors without memory: shapes flow, nothing is computed
        network = build(variant_name, classes).eval()
        calls = _calls(network, torch.empty(1, 3, side_px, side_px))
    return Costs(
        variant=variant_name,
        members=members,
        classes=classes,
        macs_paper=members * _total(calls, PAPER_RULES if members == 1 else ENSEMBLE_RULES),
        macs_true=members * _total(calls, TRUE_RULES),
        parameters=members * sum(p.numel() for p in network.parameters()),
    )


def macs_by_convolution(network: nn.Module, side_px: int) -> dict[str, int]:
    """True multiply-accumulates of every convolution for one picture, by its path in the network.

    Args:
        network: of any weights, batch norm folded or not; a copy without memory is counted.
        side_px: height and width of the picture.
    """
    shapes = copy.deepcopy(network).eval().to("meta")
    paths = {module: path for path, module in shapes.named_modules()}
    calls = _calls(shapes, torch.empty(1, 3, side_px, side_px, device="meta"))
    counted = [call for call in calls if type(call[0]) in TRUE_RULES]
    return {paths[m]: TRUE_RULES[type(m)](m, x, out) for m, x, out in counted}


# How one bundle can give four lesions: name -> (networks, lesions each). They do the same work, so
# all three are counted by the single network's rules; the † rows' own convention is not for them.
FOUR_LESIONS: dict[str, tuple[int, int]] = {
    "4 × single": (4, 1),
    "2 × dual": (2, 2),
    "1 × multi": (1, 4),
}


def profile_four_lesions(variant_name: str, side_px: int = TABLE_2_SIDE_PX) -> dict[str, Costs]:
    """A variant's costs for four lesions in each of the ways of `FOUR_LESIONS`.

    Raises:
        UnknownName: there is no such variant.
    """
    costs = {}
    for name, (networks, lesions) in FOUR_LESIONS.items():
        one = profile(variant_name, side_px, classes=lesions)
        costs[name] = replace(
            one,
            members=networks,
            macs_paper=networks * one.macs_paper,
            macs_true=networks * one.macs_true,
            parameters=networks * one.parameters,
        )
    return costs


Call = tuple[nn.Module, Tensor, Tensor]  # a module, its first input, its output


def _calls(network: nn.Module, picture: Tensor) -> list[Call]:
    """Every call of a module that some convention counts, in one forward pass."""
    calls: list[Call] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        calls.append((module, inputs[0], out))

    for module in network.modules():
        if type(module) in PAPER_RULES:
            module.register_forward_hook(record)
    with torch.no_grad():
        network(picture)
    return calls


def _total(calls: list[Call], rules: dict[type[nn.Module], Rule]) -> int:
    return sum(rules[type(m)](m, x, out) for m, x, out in calls if type(m) in rules)
