"""Weights: our files, Qin's names written out by hand, and folding."""

import os
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from mobileseg.errors import BadInput
from mobileseg.models.build import build
from mobileseg.models.unet import UNet
from mobileseg.models.weights import (
    fold_batch_norm,
    load_qin,
    load_weights,
    qin_names,
    save_weights,
)

# Qin's published network, as a list: stage -> kind of block, kind of block -> its units.
STAGES = {
    "stage1": "RSU7",
    "stage2": "RSU6",
    "stage3": "RSU5",
    "stage4": "RSU4",
    "stage5": "RSU4F",
    "stage6": "RSU4F",
    "stage5d": "RSU4F",
    "stage4d": "RSU4",
    "stage3d": "RSU5",
    "stage2d": "RSU6",
    "stage1d": "RSU7",
}
UNITS = {
    "RSU7": "in 1 2 3 4 5 6 7 6d 5d 4d 3d 2d 1d",
    "RSU6": "in 1 2 3 4 5 6 5d 4d 3d 2d 1d",
    "RSU5": "in 1 2 3 4 5 4d 3d 2d 1d",
    "RSU4": "in 1 2 3 4 3d 2d 1d",
    "RSU4F": "in 1 2 3 4 3d 2d 1d",
}
CONV = ("weight", "bias")
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
HEADS = ("side1", "side2", "side3", "side4", "side5", "side6", "outconv")

QIN_KEYS = {
    *(
        f"{stage}.rebnconv{unit}.{part}"
        for stage, kind in STAGES.items()
        for unit in UNITS[kind].split()
        for part in (*(f"conv_s1.{t}" for t in CONV), *(f"bn_s1.{t}" for t in BATCH_NORM))
    ),
    *(f"{head}.{tensor}" for head in HEADS for tensor in CONV),
}


def randomise(network):
    """Give every batch norm statistics as training might, so that none is an identity."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.5)
    return network


def qin_state(variant):
    """Random weights under Qin's names."""
    network = randomise(build(variant).double())
    tensors = network.state_dict()
    return {theirs: tensors[ours] for ours, theirs in qin_names(network).items()}


# Qin's forward pass written once more, by tensor name and without any of our modules.


def unit(w, name, x, dilation=1):
    conv, bn = f"{name}.conv_s1", f"{name}.bn_s1"
    x = F.conv2d(x, w[f"{conv}.weight"], w[f"{conv}.bias"], padding=dilation, dilation=dilation)
    mean, var = w[f"{bn}.running_mean"], w[f"{bn}.running_var"]
    return F.relu(F.batch_norm(x, mean, var, w[f"{bn}.weight"], w[f"{bn}.bias"]))


def enlarge(x, like):
    return F.interpolate(x, like.shape[-2:], mode="bilinear")


def rsu(w, stage, x):
    kind, name = STAGES[stage], f"{stage}.rebnconv"
    start = unit(w, f"{name}in", x)
    if kind == "RSU4F":
        one = unit(w, f"{name}1", start)
        two = unit(w, f"{name}2", one, 2)
        three = unit(w, f"{name}3", two, 4)
        four = unit(w, f"{name}4", three, 8)
        up = unit(w, f"{name}3d", torch.cat((four, three), 1), 4)
        up = unit(w, f"{name}2d", torch.cat((up, two), 1), 2)
        return unit(w, f"{name}1d", torch.cat((up, one), 1)) + start
    depth = int(kind[-1])
    maps = {1: unit(w, f"{name}1", start)}
    for i in range(2, depth):
        maps[i] = unit(w, f"{name}{i}", F.max_pool2d(maps[i - 1], 2, 2, ceil_mode=True))
    up = unit(w, f"{name}{depth}", maps[depth - 1], 2)
    for i in range(depth - 1, 0, -1):
        up = unit(w, f"{name}{i}d", torch.cat((enlarge(up, maps[i]), maps[i]), 1))
    return up + start


def qin_forward(w, picture):
    maps, x = {}, picture
    for i in range(1, 7):
        maps[i] = rsu(w, f"stage{i}", x)
        x = F.max_pool2d(maps[i], 2, 2, ceil_mode=True)
    for i in range(5, 0, -1):
        maps[i] = rsu(w, f"stage{i}d", torch.cat((enlarge(maps[i + 1], maps[i]), maps[i]), 1))
    sides = [
        F.conv2d(maps[i], w[f"side{i}.weight"], w[f"side{i}.bias"], padding=1) for i in range(1, 7)
    ]
    sides = [enlarge(side, picture) for side in sides]
    return [F.conv2d(torch.cat(sides, 1), w["outconv.weight"], w["outconv.bias"]), *sides]


@pytest.mark.parametrize("variant", ["m", "qin-o"])
def test_the_names_are_qins_each_once(variant):
    with torch.device("meta"):
        network = build(variant)
    names = qin_names(network)
    assert list(names) == list(network.state_dict())
    assert len(set(names.values())) == len(names)
    assert set(names.values()) == QIN_KEYS


@torch.no_grad()
def test_qins_weights_give_qins_answer():
    torch.manual_seed(0)
    state = qin_state("m")
    network = build("m").double().eval()
    load_qin(network, state)
    picture = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    for ours, theirs in zip(network(picture), qin_forward(state, picture), strict=True):
        # The same float64 operations; the margin is for other summation orders.
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_swapping_two_of_qins_units_is_noticed():
    state = qin_state("m")
    a, b = "stage1.rebnconv2.conv_s1.weight", "stage1.rebnconv3.conv_s1.weight"
    network = build("m").double().eval()
    load_qin(network, {**state, a: state[b], b: state[a]})
    picture = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    assert (network(picture)[0] - qin_forward(state, picture)[0]).abs().max() > 1e-6


def test_weights_from_before_pytorch_counted_batches_are_accepted():
    state = {k: v for k, v in qin_state("m").items() if not k.endswith("num_batches_tracked")}
    load_qin(build("m"), state)


def test_qins_large_weights_do_not_fit_the_papers_large_network():
    with torch.device("meta"):
        qins = build("qin-o")
    shapes = qins.state_dict()
    state = {theirs: torch.zeros(shapes[ours].shape) for ours, theirs in qin_names(qins).items()}
    with pytest.raises(BadInput) as caught:
        load_qin(build("o"), state)
    assert str(caught.value) == (
        "Qin's weights: 'stage1.rebnconv1.conv_s1.weight' has shape (32, 64, 3, 3), "
        "the network expects (16, 64, 3, 3); "
        "Qin's u2net fits variant qin-o, his u2netp variant m, both with one class"
    )


def test_a_missing_and_an_unknown_tensor_of_qins_are_named():
    state = qin_state("m")
    renamed = {k.replace("side3", "head3"): v for k, v in state.items()}
    with pytest.raises(BadInput, match=r"no tensor 'side3\.weight' \(2 missing\)"):
        load_qin(build("m"), renamed)
    with pytest.raises(BadInput, match=r"unknown tensor 'refconv\.weight' \(1 such\)"):
        load_qin(build("m"), {**state, "refconv.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    ("variant", "found"),
    [("unet", "do not fit a UNet"), ("m-sep", "nothing for 'encoder.0.down.0.depthwise.weight'")],
)
def test_networks_that_qin_never_published_are_refused(variant, found):
    with torch.device("meta"):
        network = build(variant)
    with pytest.raises(BadInput, match=re.escape(found)):
        load_qin(network, {})


def test_four_classes_are_too_many_for_qins_heads():
    with pytest.raises(BadInput, match=re.escape("shape (1, 64, 3, 3), the network expects (4, 6")):
        load_qin(build("m", classes=4), qin_state("m"))


# Our own files.


@torch.no_grad()
def test_saved_weights_come_back_bit_for_bit(tmp_path):
    network, again = randomise(build("xs-sep", classes=2)), build("xs-sep", classes=2)
    save_weights(network, tmp_path / "best.safetensors")
    load_weights(again, tmp_path / "best.safetensors")
    before, after = network.state_dict(), again.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(build("xs"), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("bytes_kept", [0, 4, 1000])
def test_a_cut_file_is_refused_by_name(tmp_path, bytes_kept):
    path = tmp_path / "cut.safetensors"
    save_weights(build("xs"), path)
    path.write_bytes(path.read_bytes()[:bytes_kept])
    with pytest.raises(BadInput, match=r"cut\.safetensors: not a readable safetensors file"):
        load_weights(build("xs"), path)


def test_an_absent_file_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match=r"none\.safetensors: not a readable safetensors file"):
        load_weights(build("xs"), tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("variant", "classes", "found"),
    [
        ("s", 1, "'encoder.0.first.conv.weight' has shape (16, 3, 3, 3), the network expects (32"),
        ("xs", 2, "'side.0.weight' has shape (1, 16, 3, 3), the network expects (2, 16, 3, 3)"),
        ("xs-sep", 1, "no tensor 'encoder.0.down.0.depthwise.weight'"),
        ("unet", 1, "no tensor 'encoder.0.0.conv.weight'"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, variant, classes, found):
    save_weights(build("xs"), tmp_path / "xs.safetensors")
    with pytest.raises(BadInput, match=re.escape(found)):
        load_weights(build(variant, classes), tmp_path / "xs.safetensors")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_and_named(tmp_path, bad):
    network = build("xs")
    with torch.no_grad():
        network.side[2].bias[0] = bad
    save_weights(network, tmp_path / "xs.safetensors")
    with pytest.raises(BadInput, match=r"'side\.2\.bias' holds NaN or infinity"):
        load_weights(build("xs"), tmp_path / "xs.safetensors")


def edited(path, **tensors):
    """The file with some tensors replaced."""
    save_file({**load_file(path), **tensors}, path)


OTHERS = {
    "half as precise": (torch.zeros(1, dtype=torch.float16), "'side.2.bias' holds torch.float16"),
    "twice as precise": (torch.full((1,), 1e300, dtype=torch.float64), "holds torch.float64"),
    "eight bits": (torch.zeros(1).to(torch.float8_e4m3fn), "holds torch.float8_e4m3fn"),
    "complex": (torch.zeros(1, dtype=torch.complex64), "holds torch.complex64"),
    "whole": (torch.zeros(1, dtype=torch.int64), "holds torch.int64"),
    "empty": (torch.zeros(0), "'side.2.bias' has shape (0,)"),
    "a number": (torch.zeros(()), "'side.2.bias' has shape ()"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_tensors_of_another_make_are_refused_and_named(tmp_path, name):
    tensor, said = OTHERS[name]
    path = tmp_path / "xs.safetensors"
    save_weights(build("xs"), path)
    edited(path, **{"side.2.bias": tensor})
    with pytest.raises(BadInput, match=re.escape(said)):
        load_weights(build("xs"), path)


def test_a_variance_below_0_is_refused_and_named(tmp_path):
    path = tmp_path / "xs.safetensors"
    save_weights(build("xs"), path)
    name = next(n for n in load_file(path) if n.endswith("running_var"))
    edited(path, **{name: -torch.ones_like(load_file(path)[name])})
    with pytest.raises(BadInput, match=re.escape(f"'{name}' holds a variance below 0")):
        load_weights(build("xs"), path)


def test_a_pickle_is_refused_whatever_it_is_called(tmp_path):
    path = tmp_path / "xs.safetensors"
    for archive in (True, False):
        torch.save(build("xs").state_dict(), path, _use_new_zipfile_serialization=archive)
        with pytest.raises(BadInput, match=r"xs\.safetensors: a pickled checkpoint, which can run"):
            load_weights(build("xs"), path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "(a pipe, not a plain file)"),
        (lambda path: path.mkdir(), "(a folder, not a plain file)"),
        (lambda path: path.write_bytes((1 << 60).to_bytes(8, "little") + b"{}"), "(Error while"),
        (lambda path: path.write_bytes((100_000).to_bytes(8, "little") + b"[" * 100_000), "("),
    ],
    ids=["pipe", "folder", "header of an exabyte", "deep header"],
)
def test_what_is_no_file_of_weights_is_refused_by_name(tmp_path, make, said):
    path = tmp_path / "xs.safetensors"
    make(path)
    with pytest.raises(BadInput) as caught:
        load_weights(build("xs"), path)
    assert str(caught.value).startswith(f"{path}: not a readable safetensors file (")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_tensor_among_qins_is_named():
    state = qin_state("m")
    with pytest.raises(BadInput, match=r"Qin's weights: 'side1\.bias' is no tensor; Qin's u2net"):
        load_qin(build("m"), {**state, "side1.bias": [0.0]})
    with pytest.raises(BadInput, match=r"no tensor 'stage1"):
        load_qin(build("m"), {"state_dict": state, "epoch": 3})


# Folding.

FOLDED = {
    "plain": lambda: build("xs"),
    "separable": lambda: build("xs-sep", classes=2),
    "unet": lambda: UNet((4, 8, 16), classes=1),
}
# What rounding leaves of maps of order one after some 120 layers.
PRECISIONS = {torch.float32: 1e-5, torch.float64: 1e-12}


@pytest.mark.parametrize(("dtype", "atol"), PRECISIONS.items())
@pytest.mark.parametrize("kind", FOLDED)
@torch.no_grad()
def test_a_folded_network_answers_the_same_without_batch_norm(kind, dtype, atol):
    torch.manual_seed(0)
    network = randomise(FOLDED[kind]()).to(dtype).eval()
    folded = fold_batch_norm(network)
    picture = torch.randn(1, 3, 64, 64, dtype=dtype)
    for ours, theirs in zip(network(picture), folded(picture), strict=True):
        assert ours.abs().max() < 100  # else the tolerance below means nothing
        torch.testing.assert_close(theirs, ours, rtol=atol, atol=atol)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())


def test_folding_leaves_the_network_as_it_was():
    network = build("xs").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold_batch_norm(network)
    assert network.training and not folded.training
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())


def test_folding_twice_is_folding_once():
    once = fold_batch_norm(build("xs"))
    twice = fold_batch_norm(once)
    assert all(
        torch.equal(a, b)
        for a, b in zip(once.state_dict().values(), twice.state_dict().values(), strict=True)
    )
