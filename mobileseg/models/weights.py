"""Weights in and out: our own files, Qin's published ones, and batch norm folded for export.

Our file is safetensors with the network's own tensor names: it holds numbers only and cannot run
code when opened. A pickled checkpoint can, so it is known by its first bytes and never opened.
Qin's names follow from a block's depth, so the map to them is derived from the network and not
written down.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mobileseg.errors import BadInput
from mobileseg.files.atomic import staged_file
from mobileseg.files.untrusted import opened_plain, said, shown
from mobileseg.models.blocks import ConvBnRelu, Rsu, SeparableBnRelu
from mobileseg.models.u2net import U2Net

QIN_HINT = "Qin's u2net fits variant qin-o, his u2netp variant m, both with one class"
PICKLED = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".tar")  # how they are called
# How they begin: torch.save's archive; protocols 2 to 5, of which torch.save once wrote the first.
PICKLE_HEADS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def save_weights(network: nn.Module, path: Path) -> None:
    """Write a network's weights and statistics; whatever happens, `path` is old or new, whole.

    Raises:
        OSError: the folder cannot be written.
    """
    write_tensors(network.state_dict(), path)


def write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write named tensors; whatever happens, `path` is old or new, whole.

    Raises:
        OSError: the folder cannot be written.
    """
    # In memory first: on a full disk save_file raises an error of its own, which names no file.
    whole = save({name: tensor.contiguous().cpu() for name, tensor in tensors.items()})
    with staged_file(path) as staged:
        staged.write_bytes(whole)


def refuse_pickle(path: Path) -> None:
    """Raise BadInput for a checkpoint that only unpickling opens, and with it any code inside.

    Raises:
        OSError: missing, not readable, or something else than a plain file.
    """
    with opened_plain(path) as file:
        head = file.read(4)
    if head.startswith(PICKLE_HEADS) or path.suffix.lower() in PICKLED:
        raise BadInput(
            f"{path}: a pickled checkpoint, which can run code when opened and was not; expected "
            "safetensors in a run folder: docs/weights.md shows how to turn its numbers into one"
        )


def load_weights(network: nn.Module, path: Path) -> None:
    """Read weights that `save_weights` wrote into a network of the same variant and classes.

    Raises:
        BadInput: the file cannot be read, is a pickle, is of another network, or holds what is no
            weight: NaN, infinity, a variance below 0.
    """
    found = read_tensors(path)
    refuse_misfit(found, network.state_dict(), str(path), "is it of another variant or task?")
    network.load_state_dict(found)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        BadInput: the file cannot be read, or is a pickle.
    """
    try:
        refuse_pickle(path)
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or said(error)
        raise BadInput(f"{path}: not a readable safetensors file ({reason})") from None


def load_qin(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Read Qin et al.'s published weights: u2netp into variant m, u2net into qin-o.

    Args:
        network: with one class, as theirs.
        state_dict: as torch.load(..., weights_only=True) gives it.

    Raises:
        BadInput: the network has no counterpart there, or tensors are missing, unknown,
            of another shape, or not finite.

    Source: github.com/xuebinqin/U-2-Net, model/u2net.py.
    """
    ours = network.state_dict()
    names = qin_names(network)
    expected = {theirs: ours[name] for name, theirs in names.items()}
    # PyTorch 0.4.0, which Qin used, did not count batches yet; nothing depends on the count.
    counts = {name: t for name, t in expected.items() if name.endswith("num_batches_tracked")}
    found = counts | {name: _as_ours(t, expected.get(name)) for name, t in state_dict.items()}
    refuse_misfit(found, expected, "Qin's weights", QIN_HINT)
    network.load_state_dict({name: found[theirs] for name, theirs in names.items()})


def qin_names(network: nn.Module) -> dict[str, str]:
    """Each of a network's tensor names, and Qin's name for the same tensor.

    Raises:
        BadInput: the network is a U-Net or separable, so that Qin has none like it.
    """
    if not isinstance(network, U2Net):
        raise BadInput(f"Qin's weights do not fit a {type(network).__name__}; {QIN_HINT}")
    modules = _qin_modules(network)
    names = {}
    for name in network.state_dict():
        module, _, tensor = name.rpartition(".")
        if module not in modules:
            raise BadInput(f"Qin's weights have nothing for {name!r}; {QIN_HINT}")
        names[name] = f"{modules[module]}.{tensor}"
    return names


def _qin_modules(network: U2Net) -> dict[str, str]:
    """The same for modules. Qin counts stages and units from 1 and marks the way up with a d."""
    deepest = len(network.encoder)
    blocks = {
        **{f"encoder.{i}": f"stage{i + 1}" for i in range(deepest)},
        **{f"decoder.{i}": f"stage{deepest - 1 - i}d" for i in range(deepest - 1)},
    }
    modules = {f"side.{i}": f"side{i + 1}" for i in range(deepest)} | {"outconv": "outconv"}
    for block, stage in blocks.items():
        depth = cast(Rsu, network.get_submodule(block)).depth
        units = {
            "first": "rebnconvin",
            **{f"down.{i}": f"rebnconv{i + 1}" for i in range(depth - 1)},
            "bottom": f"rebnconv{depth}",
            **{f"up.{i}": f"rebnconv{depth - 1 - i}d" for i in range(depth - 1)},
        }
        for unit, theirs in units.items():
            modules[f"{block}.{unit}.conv"] = f"{stage}.{theirs}.conv_s1"
            modules[f"{block}.{unit}.bn"] = f"{stage}.{theirs}.bn_s1"
    return modules


def _as_ours(theirs: object, ours: Tensor | None) -> object:
    """Numbers of another precision in ours; anything else as it is, to be refused by name."""
    if isinstance(theirs, Tensor) and ours is not None and theirs.is_floating_point():
        return theirs.to(ours.dtype)
    return theirs


def refuse_misfit(
    found: Mapping[str, object], expected: Mapping[str, Tensor], where: str, hint: str
) -> None:
    """Raise BadInput at the first tensor that is missing, unknown, of another kind, or no number.

    Args:
        expected: a network's own, for names, shapes and types.
        where: the file, for the error.
        hint: what may have happened.
    """
    if missing := [name for name in expected if name not in found]:
        raise BadInput(f"{where}: no tensor {missing[0]!r} ({len(missing)} missing); {hint}")
    if unknown := [name for name in found if name not in expected]:
        raise BadInput(f"{where}: unknown tensor {shown(unknown[0])} ({len(unknown)} such); {hint}")
    for name, like in expected.items():
        tensor = found[name]
        if not isinstance(tensor, Tensor):
            raise BadInput(f"{where}: {name!r} is no tensor; {hint}")
        if tensor.shape != like.shape:
            raise BadInput(
                f"{where}: {name!r} has shape {tuple(tensor.shape)}, "
                f"the network expects {tuple(like.shape)}; {hint}"
            )
        if tensor.dtype != like.dtype or tensor.layout != like.layout:
            raise BadInput(
                f"{where}: {name!r} holds {tensor.dtype}, the network expects {like.dtype}; {hint}"
            )
        _refuse_no_weight(tensor, f"{where}: {name!r}")


def _refuse_no_weight(tensor: Tensor, where: str) -> None:
    """Raise BadInput for numbers with which nothing can be computed."""
    if not torch.isfinite(tensor).all():
        raise BadInput(f"{where} holds NaN or infinity; train again or use a backup")
    if where.endswith("running_var'") and (tensor < 0).any():
        raise BadInput(f"{where} holds a variance below 0; train again or use a backup")


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """A copy for inference in which every unit's batch norm is part of its convolution.

    Same answers up to rounding, fewer operations on the phone. Fold after loading weights: the
    copy has other tensors than a file of ours holds.

    Args:
        network: anything made of our units, an ensemble too; it is left as it was.
    """
    folded = copy.deepcopy(network).eval()
    for unit in folded.modules():
        if isinstance(unit, ConvBnRelu | SeparableBnRelu) and isinstance(unit.bn, nn.BatchNorm2d):
            # Of a separable unit, `conv` is the pointwise half, the one next to the batch norm.
            unit.conv = fuse_conv_bn_eval(unit.conv, unit.bn)
            unit.bn = nn.Identity()
    return folded
