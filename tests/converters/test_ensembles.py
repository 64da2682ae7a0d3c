"""Several networks in one file: every lesion there, each member with its own mean and SD.

The lowering of three U²-Nets takes a toolkit minutes. Where only the toolkit's handling of several
members is at stake, they are U-Nets of two levels, which it treats alike.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import mobileseg
from converters.bundle.checksums import sums
from converters.bundle.goldens import reference_answer
from converters.bundle.manifest import UNLISTED
from converters.bundle.model_card import model_card
from converters.bundle.read import open_bundle, write_bundle
from converters.coreml import converter as coreml_program
from converters.coreml.checks import FLOAT16, check_program, operations
from converters.coreml.mil.package import open_package
from converters.deployable import BYTES, IMAGE, deployable
from converters.executorch import partition as executorch_partition
from converters.parity.compare import compare
from converters.parity.metrics import faults, made_by, verdict
from converters.parity.result import Verdict
from converters.parity.stages import ARTIFACT
from converters.parity.tolerances import TOLERANCES, Gate, Limit
from converters.quiet import quiet
from converters.targets import target
from mobileseg.ensembling.combine import combine
from mobileseg.errors import BadInput
from mobileseg.files.atomic import read_json, write_json
from mobileseg.models.unet import UNet
from mobileseg.runs import Run, open_run

FRAME_HW = (128, 160)
TASKS = ("MA,HE", "EX", "EX", "SE")
MEANS = ((0.2, 0.1, 0.05), (0.5, 0.35, 0.2), (0.65, 0.4, 0.3), (0.3, 0.3, 0.1))
SDS = ((0.1, 0.2, 0.08), (0.3, 0.12, 0.1), (0.2, 0.1, 0.25), (0.15, 0.1, 0.1))


@pytest.fixture(scope="module")
def members(make_run, tmp_path_factory) -> list[Run]:
    folder = tmp_path_factory.mktemp("members")
    return [
        make_run(folder / f"m{i}", seed=i, task=task, mean=MEANS[i], sd=SDS[i], score=0.5)
        for i, task in enumerate(TASKS)
    ]


@pytest.fixture(scope="module")
def four(members, phantoms, tmp_path_factory) -> Run:
    """Four lesions of four networks: a dual one, two averaged ones, a single one."""
    return combine(members[::-1], tmp_path_factory.mktemp("four") / "four", data=phantoms)


@pytest.fixture(scope="module")
def bundle(four, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("four") / "bundle"
    chosen = target("torchscript")
    write_bundle(four, folder, target=chosen, order=chosen.order([FRAME_HW]))
    return folder


@pytest.fixture(scope="module")
def small(four) -> Run:
    """The same run with small networks in the places of its four."""
    torch.manual_seed(5)
    networks = []
    for member in four.config.members:
        network = UNet((4, 8), member.task.count(",") + 1).eval()
        with torch.no_grad():
            network.outconv.weight *= 10
        networks.append(network)
    run = Run(four.path, four.config)
    run.__dict__["networks"] = tuple(networks)  # where the cached property would keep them
    return run


@pytest.mark.parametrize("layout", [BYTES, IMAGE], ids=["bytes", "image"])
@torch.no_grad()
def test_the_graph_answers_as_the_reference_with_every_members_own_mean(
    layout, four, members, phantom_frame
):
    frame = torch.from_numpy(phantom_frame)[None]
    if not layout.channels_last:
        frame = frame.permute(0, 3, 1, 2).to(torch.float32).contiguous()
    found = deployable(four, FRAME_HW, layout)(frame)[0][0].numpy()
    expected = reference_answer(four, phantom_frame).probabilities
    assert found.shape == (4, 64, 64)
    assert np.abs(found - expected).max() < 1e-4  # 119 layers, summed in another order
    dual, one, other, single = (reference_answer(m, phantom_frame).probabilities for m in members)
    by_hand = np.concatenate([dual, (one + other) / 2, single])
    assert np.abs(expected - by_hand).max() < 1e-5
    assert np.abs(one - other).max() > 0.1 and expected.std() > 0.05  # lively


def test_folding_leaves_no_batch_norm_in_any_member(four):
    kinds = [type(m).__name__ for m in deployable(four, FRAME_HW).modules()]
    assert "BatchNorm2d" not in kinds and kinds.count("U2Net") == 4
    plain = [type(m).__name__ for m in four.ensemble.modules()]
    assert "BatchNorm2d" in plain


def test_the_bundles_file_agrees_with_its_reference(bundle, cases):
    result = compare(open_bundle(bundle), cases[:2], "phantoms")
    assert faults(result) == [] and verdict(result) is Verdict.AGREES
    assert set(result.task) == {"MA", "HE", "EX", "SE"}
    assert max(p.same_tensor.max for p in result.pictures) < 1e-5
    assert all(p.mask_pixels == 4 * 64 * 64 for p in result.pictures)


def test_a_member_with_anothers_weights_is_found_by_parity(bundle, cases, tmp_path):
    """The reference's members swapped: the same networks, each with the other's mean and SD."""
    own = shutil.copytree(bundle, tmp_path / "b")
    config = read_json(own / "reference" / "config.json")
    one, other = config["members"][1:3]
    for key in ("mean", "sd"):
        one[key], other[key] = other[key], one[key]
    write_json(own / "reference" / "config.json", config)
    manifest = read_json(own / "model.json")
    files = {name: one.to_json() for name, one in sums(own, UNLISTED).items()}
    write_json(own / "model.json", manifest | {"files": files})
    result = compare(open_bundle(own), cases[:1], "phantoms")
    assert verdict(result) is Verdict.DIFFERS
    assert made_by(result) == ARTIFACT


def test_the_manifest_lists_every_member_and_every_lesion(bundle, four, members):
    manifest = read_json(bundle / "model.json")
    assert [m["name"] for m in manifest["members"]] == ["m0", "m1", "m2", "m3"]
    assert [m["task"] for m in manifest["members"]] == list(TASKS)
    assert [m["mean"] for m in manifest["members"]] == [list(mean) for mean in MEANS]
    assert [m["weights_sha256"] for m in manifest["members"]] == [
        m.weights_sha256 for m in four.config.members
    ]
    assert (manifest["task"], manifest["variant"]) == ("all", "xs")
    assert [entry["code"] for entry in manifest["lesions"]] == ["MA", "HE", "EX", "SE"]
    assert {e["code"]: e["threshold"] for e in manifest["lesions"]} == four.config.thresholds
    assert manifest["outputs"][0]["shape"] == [1, 4, 64, 64]


def test_the_card_names_the_members_and_how_they_were_trained(bundle, members):
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "4 networks (`xs`), one after the other" in card
    for i, task in enumerate(TASKS):
        assert f"| m{i} | xs | {task} | " in card
    for name in ("microaneurysms", "haemorrhages", "hard exudates", "soft exudates"):
        assert f"| {name} | 0." in card
    assert "2 training and 1 validation" in card and "protocol `clean`" in card
    assert "chosen on\nvalidation pictures" in card and "Leaks" not in card
    assert "seed 0, " not in card  # each member has its own


def test_a_card_of_the_papers_protocol_names_its_leaks(bundle, make_run, tmp_path):
    run = make_run(tmp_path / "run", training={"protocol": "paper"})
    (member, *_) = (manifest := read_json(bundle / "model.json"))["members"]
    card = model_card(run, manifest | {"members": [member]})
    assert "chosen on\ntest pictures" in card
    assert "**Leaks:** mean and SD were taken over the test pictures; " in card
    assert "Members" not in card


def test_the_reference_in_a_bundle_is_the_ensemble_itself(bundle, four):
    reference = open_bundle(bundle).reference()
    assert reference.config == four.config
    pairs = zip(reference.networks, four.networks, strict=True)
    for one, other in pairs:
        ours, theirs = one.state_dict(), other.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_run_and_bundle_show_all_lesions(four, bundle, phantom_frame):
    run, artifact = (mobileseg.load(p).predict(phantom_frame) for p in (four.path, bundle))
    for prediction in (run, artifact):
        assert list(prediction.masks) == list(prediction.lesions) == ["MA", "HE", "EX", "SE"]
        assert prediction.probabilities.shape == (4, 64, 64)
    for code in run.masks:
        assert run.masks[code].any()
        assert (run.masks[code] != artifact.masks[code]).sum() <= 1  # at the very threshold


def test_a_network_of_four_lesions_goes_all_the_way(make_run, cases, tmp_path):
    run = make_run(tmp_path / "run", task="all", seed=3)
    chosen = target("torchscript")
    write_bundle(run, tmp_path / "b", target=chosen, order=chosen.order([FRAME_HW]))
    opened = open_bundle(tmp_path / "b")
    result = compare(opened, cases[:1], "phantoms")
    assert verdict(result) is Verdict.AGREES, faults(result)
    assert tuple(result.task) == run.config.lesions
    (member,) = opened.manifest["members"]
    assert (member["name"], member["task"]) == ("run", "all")
    assert tuple(mobileseg.load(opened.path).thresholds) == run.config.lesions


# Toolkits.

HALF = target("coreml").order([FRAME_HW], precision="fp16")


@torch.no_grad()
def test_executorch_lowers_every_members_network(small):
    """The members alone: lowering the preprocessing, which is the same for one, takes minutes."""
    pytest.importorskip("executorch", reason="not run: executorch is not installed")
    from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower

    graph = deployable(small, FRAME_HW).ensemble
    enhanced = 255 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with quiet():
        program = to_edge_transform_and_lower(
            torch.export.export(graph, (enhanced,), strict=False),
            partitioner=[executorch_partition.network_partitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
        nodes = [str(n.target) for n in program.exported_program().graph.nodes]
        found = program.exported_program().module()(enhanced)
    assert [n for n in nodes if "call_delegate" in n or "conv" in n] == ["executorch_call_delegate"]
    # What stays outside is float32 on portable kernels: normalisation, sigmoids, means.
    assert sum("sigmoid" in n for n in nodes) == 4
    assert torch.allclose(found, graph(enhanced), atol=1e-4)


@pytest.fixture(scope="module")
def package(small, tmp_path_factory) -> Path:
    """The saved Core ML package of the four members, fp16 inside."""
    pytest.importorskip("coremltools", reason="not run: coremltools is not installed")
    path = tmp_path_factory.mktemp("coreml") / "fp16.mlpackage"
    with quiet():
        coreml_program.export(small, HALF, path)
        checks = coreml_program.inspect(path, small, HALF)
    assert [c for c in checks if not c.holds] == []
    return path


@pytest.fixture(scope="module")
def program(package) -> Any:
    """Its program; copy before changing it."""
    return open_package(package).spec


@torch.no_grad()
def test_core_ml_evaluated_answers_as_half_precision_in_pytorch(small, package, phantom_frame):
    found = coreml_program.load(package)(phantom_frame)
    graph = coreml_program.rounded(small, HALF, package)
    frame = torch.from_numpy(phantom_frame).permute(2, 0, 1)[None].float()
    expected, crop, _ = graph(frame)
    off = np.abs(found.probabilities - expected[0].numpy())
    assert found.probabilities.shape == (4, 64, 64) and found.probabilities.std() > 0.05
    # Equal sums in another order, rounded to 11 bits: now and then to a neighbour.
    assert off.max() < 0.02 and off.mean() < 2e-4
    assert (found.crop == crop[0].numpy()).all()


@pytest.fixture(scope="module")
def broken(small) -> Any:
    def found(program: Any) -> list[str]:
        return [c.name for c in check_program(program, small, HALF) if not c.holds]

    return found


def test_core_ml_has_every_member_whole(program, broken):
    assert broken(program) == []


def last(program: Any, kind: str) -> Any:
    return [op for op in operations(program) if op.type == kind][-1]


@pytest.mark.parametrize("kind", ["add", "concat"])
def test_a_mean_in_half_precision_is_found(kind, program, broken):
    """Nothing else could tell: additions and concats are a network's own too."""
    changed = copy.deepcopy(program)
    last(changed, kind).outputs[0].type.tensorType.dataType = FLOAT16  # after the last sigmoid
    assert broken(changed) == ["probabilities are averaged in float32"]


def test_a_member_that_lost_its_sigmoid_is_found(program, broken):
    changed = copy.deepcopy(program)
    last(changed, "sigmoid").type = "mul"
    assert broken(changed) == ["every member answers"]


# Damaged.


def damaged(four: Run, into: Path, change: Any) -> Path:
    shutil.copytree(four.path, into)
    config = read_json(into / "config.json")
    change(config)
    write_json(into / "config.json", config)
    return into


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["members"].clear(), "found no members; expected at least one"),
        (lambda c: c["members"][3].pop("sd"), "another kind ('members[3].sd')"),
        (lambda c: c["members"][3].update(task="EX,SE"), "EX is in task EX and in task EX,SE"),
        (lambda c: c["members"][3].update(task="XX"), "no task 'XX'; choose from MA, HE"),
        (lambda c: c["members"][3].update(sd=[0.1, 0.0, 0.1]), "members[3].sd[1]: found 0.0"),
        (lambda c: c.update(members="many"), "entry missing or of another kind"),
    ],
)
def test_a_damaged_member_is_named_in_one_line(change, said, four, tmp_path):
    folder = damaged(four, tmp_path / "run", change)
    with pytest.raises(BadInput) as caught:
        open_run(folder)
    text = str(caught.value)
    assert text.startswith(f"{folder / 'config.json'}: ") and said in text and "\n" not in text


def test_weights_of_another_number_of_members_are_refused(four, tmp_path):
    folder = damaged(four, tmp_path / "run", lambda c: c["members"].pop())
    with pytest.raises(BadInput, match=r"best\.safetensors: unknown tensor 'members\.3\."):
        _ = open_run(folder).networks


def test_an_ensemble_has_no_one_network(four):
    with pytest.raises(BadInput, match=r"four: found 4 members; expected one network"):
        _ = four.network


TOOLKITS = {"executorch": "executorch", "coreml": "coremltools", "onnx": "onnxruntime"}


@pytest.mark.parametrize("name", ["executorch", "torchscript", "coreml", "onnx"])
def test_grouped_members_convert_to_every_target(name, small, phantom_frame, tmp_path):
    """The two members of EX answer at once, and as the reference, where they take turns."""
    if name in TOOLKITS:
        pytest.importorskip(TOOLKITS[name], reason=f"not run: no {TOOLKITS[name]}")
    chosen = target(name)
    order = chosen.order([FRAME_HW], member_execution="grouped")
    assert order.name() == "fp32-grouped"
    artifact = tmp_path / chosen.artifact
    with quiet():
        chosen.converter().export(small, order, artifact)
        checks = chosen.converter().inspect(artifact, small, order)
        answer = chosen.converter().load(artifact)(phantom_frame)
    assert [check.name for check in checks if not check.holds] == []
    expected = reference_answer(small, phantom_frame).probabilities
    assert np.abs(answer.probabilities - expected).max() < 1e-5


@torch.no_grad()
def test_a_grouped_graph_has_one_network_for_members_of_one_task(four, phantom_frame):
    order = target("torchscript").order([FRAME_HW], member_execution="grouped")
    graph = target("torchscript").converter().graph(four, order)
    grouped = [m for m in graph.modules() if isinstance(m, torch.nn.Conv2d) and m.groups == 2]
    assert len(grouped) == 119
    found = graph(torch.from_numpy(phantom_frame)[None])[0][0].numpy()
    expected = reference_answer(four, phantom_frame).probabilities
    assert np.abs(found - expected).max() < 1e-4  # 119 layers, summed in another order


def test_int8_members_are_not_grouped(four, tmp_path):
    pytest.importorskip("executorch", reason="not run: no executorch")
    chosen = target("executorch")
    order = chosen.order([FRAME_HW], precision="int8", member_execution="grouped")
    with pytest.raises(BadInput, match="int8 and --member-execution grouped; expected serial"):
        chosen.converter().export(four, order, tmp_path / "model.pte")


def test_a_grouped_bundle_passes_the_gate(four, cases, tmp_path):
    """By limits for random weights: they magnify what another order of sums rounds, 2e-5 where
    trained ones have 4e-6, which the built-in limit is for."""
    sums = {key: Limit(1e-4, "random weights") for key in ("written", "same_tensor")}
    gate = Gate(TOLERANCES | {"fp32": {**TOLERANCES["fp32"], **sums}})
    chosen = target("torchscript")
    order = chosen.order([FRAME_HW], member_execution="grouped")
    write_bundle(four, tmp_path / "grouped", target=chosen, order=order)
    opened = open_bundle(tmp_path / "grouped")
    assert opened.order == order
    result = compare(opened, cases[:2], "phantoms")
    assert verdict(result, gate) is Verdict.AGREES, faults(result, gate)
