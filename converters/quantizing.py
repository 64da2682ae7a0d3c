"""A trained run to an int8 form that was judged by the lesions it still finds.

Puts together what lower layers leave open: candidates are written as `.pte` files, and a file is
judged on the run's validation pictures, because it differs from its own simulation in PyTorch.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from converters.evidence import record
from converters.goldens import planes
from converters.orders import Order
from converters.quiet import quiet
from converters.race import Lap, one_thread, race
from converters.targets import Runner, target
from converters.xnnpack_delegate import Delegates, read_delegates
from mobileseg.data.idrid import Collection, read_idrid
from mobileseg.data.prepared import Prepared, prepare_all
from mobileseg.errors import BadInput
from mobileseg.evaluation.against import Against, against
from mobileseg.evaluation.reference import reference_probabilities
from mobileseg.models.costs import macs_by_convolution
from mobileseg.models.ensemble import Ensemble, Normalise
from mobileseg.quantization.calibration import calibrate
from mobileseg.quantization.gate import Decision, Gate
from mobileseg.quantization.layers import blocks, heads, inside
from mobileseg.quantization.search import LayerCost, candidates, layer_costs
from mobileseg.quantization.stored import RECORD, Quantized, folded_networks, save_quantized, tuned
from mobileseg.runs import Run, open_run
from mobileseg.training.config import TrainConfig
from mobileseg.training.pictures import PictureSet
from mobileseg.training.qat import FineTuning, fine_tune

Say = Callable[[str], None]
FP32, ALL_INT8, CHOSEN = "fp32", "int8", "int8 mixed"


@dataclass(frozen=True)
class Pictures:
    """The pictures of a run, told apart by what they may be used for."""

    run: Run
    data: Path
    collection: Collection
    tick: Callable[[], None]

    @cached_property
    def train(self) -> list[Prepared]:
        """What the ranges are taken from."""
        return self._named("train")

    @cached_property
    def validation(self) -> list[Prepared]:
        """What layers are chosen on."""
        return self._named("validation")

    @cached_property
    def test(self) -> list[Prepared]:
        """What the choice is stated on; empty where the folder has no test set."""
        if not self.collection.samples.get("test"):
            return []
        return self._prepare(self.collection.split("test", self.run.config.lesions))

    def _named(self, part: str) -> list[Prepared]:
        names = set(self.run.config.pictures[part])
        samples = self.collection.split("train", self.run.config.lesions)
        found = [sample for sample in samples if sample.name in names]
        if len(found) != len(names):
            raise BadInput(
                f"{self.data}: found {len(found)} of the {len(names)} {part} pictures of "
                f"{self.run.path}; expected the folder that it was trained on"
            )
        return self._prepare(found)

    def _prepare(self, samples: Sequence[Any]) -> list[Prepared]:
        config = self.run.config
        rule = config.training["mask_rule"]
        return prepare_all(self.data, samples, config.lesions, config.preprocess, rule, self.tick)


def read_pictures(run: Run, data: Path, tick: Callable[[], None] = lambda: None) -> Pictures:
    """A data folder as a run knows it; pictures are read when they are asked for."""
    return Pictures(run, data, read_idrid(data), tick)


def calibrated(run: Run, pictures: Pictures, tick: Callable[[], None] = lambda: None) -> Quantized:
    """Everything int8 but the layers that make logits, ranges from the training pictures.

    Raises:
        BadInput: fewer than 8 training pictures, or they are not in the folder.
    """
    networks, side = folded_networks(run), run.config.preprocess.side_px
    ranges = []
    for member, network in zip(run.config.members, networks, strict=True):
        normalise = Normalise(member.normalisation)
        inputs = (normalise(_tensor(p)) for p in pictures.train)
        ranges.append(calibrate(network, inputs, side, tick))
    return Quantized(
        method="ptq",
        layers_float=tuple(dict.fromkeys(h for network in networks for h in heads(network))),
        ranges=tuple(ranges),
        networks=networks,
        calibration=tuple(p.name for p in pictures.train),
    )


def fine_tuned(
    run: Run, before: Quantized, pictures: Pictures, choices: FineTuning, say: Say
) -> Quantized:
    """The same after training with the rounding switched on; ranges are taken anew.

    Raises:
        Diverged: the loss is not a number.
    """
    side = run.config.preprocess.side_px
    known = run.config.training
    loss_of = TrainConfig.from_json(known) if not run.config.ensemble else TrainConfig()
    train = PictureSet.of(pictures.train, torch.device("cpu"))
    weights = []
    for place, (member, network) in enumerate(
        zip(run.config.members, before.networks, strict=True)
    ):
        report = lambda loss, at=place: say(f"member {at + 1}: loss {loss:.4f}")  # noqa: E731
        weights.append(
            fine_tune(
                network,
                member,
                before.ranges[place],
                before.layers_float,
                train,
                side,
                loss_of,
                choices,
                report,
            )
        )
    tuned(before.networks, weights)
    ranges = []
    for member, network in zip(run.config.members, before.networks, strict=True):
        normalise = Normalise(member.normalisation)
        ranges.append(calibrate(network, (normalise(_tensor(p)) for p in pictures.train), side))
    return replace(before, method="qat", ranges=tuple(ranges))


def _tensor(prepared: Prepared) -> torch.Tensor:
    return torch.from_numpy(planes(prepared.picture.enhanced)).unsqueeze(0)


class Judge:
    """Scores forms of a run's networks against the run itself, on one set of pictures.

    Args:
        prepared: labelled pictures at the network's size.
    """

    def __init__(self, run: Run, prepared: Sequence[Prepared]) -> None:
        self.run, self.prepared = run, prepared
        self.truth = np.stack([p.masks for p in prepared])  # N C S S
        self.reference = np.stack([reference_probabilities(run, p.picture) for p in prepared])

    def of_ensemble(self, ensemble: Ensemble) -> list[Against]:
        """A form in PyTorch."""
        with torch.no_grad():
            return self._against([ensemble(_tensor(p))[0].numpy() for p in self.prepared])

    def of_file(self, runner: Runner) -> list[Against]:
        """A written file of the networks alone."""
        return self._against(
            [runner(planes(p.picture.enhanced)).probabilities for p in self.prepared]
        )

    def _against(self, answers: Sequence[NDArray[np.float32]]) -> list[Against]:
        other = np.stack(answers)
        names = [p.name for p in self.prepared]
        return [
            against(
                code,
                names,
                self.truth[:, c],
                self.reference[:, c],
                other[:, c],
                self.run.config.thresholds[code],
            )
            for c, code in enumerate(self.run.config.lesions)
        ]


@dataclass(frozen=True, slots=True)
class Written:
    """A network-only file that was written, read back and judged."""

    name: str
    layers_float: tuple[str, ...]
    path: Path
    holds: Delegates
    validation: list[Against]
    decision: Decision
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a quantisation found."""

    quantized: Quantized
    costs: list[LayerCost]
    files: list[Written]  # fp32 first, then int8 throughout, then what was tried
    chosen: Written | None  # None: no candidate with any int8 layer keeps the gate
    laps: dict[str, Lap]
    test: dict[str, list[Against]]  # by file name; empty where there is no test set


def quantize_run(
    run: Run,
    pictures: Pictures,
    into: Path,
    *,
    gate: Gate,
    always_float: Sequence[str] = (),
    tuning: FineTuning | None = None,
    say: Say = lambda line: None,
) -> Outcome:
    """Find the fastest int8 form of a run that keeps the gate, and write it beside its weights.

    Args:
        into: a folder (staged by the caller) that becomes the quantized run.
        always_float: layers that are not to be quantized, whatever they cost.
        tuning: fine-tune first.
        say: told what is being done.

    Raises:
        BadInput: the pictures are not the run's own, or too few.
        MissingToolkit: executorch is not installed.
    """
    for entry in run.path.iterdir():
        if entry.is_file() and entry.name != "last.pt" and not entry.name.startswith("quantized"):
            shutil.copyfile(entry, into / entry.name)
    say(f"calibrating on {len(pictures.train)} training pictures")
    quantized = calibrated(run, pictures)
    if tuning:
        say(f"fine-tuning for {tuning.epochs} epochs")
        quantized = fine_tuned(run, quantized, pictures, tuning, say)
    judge = Judge(run, pictures.validation)
    layers = tuple(dict.fromkeys(b for network in quantized.networks for b in blocks(network)))

    def judged(layers_float: tuple[str, ...]) -> list[Against]:
        with quiet():
            return judge.of_ensemble(quantized.fake(run, layers_float))

    costs = layer_costs(
        [layer for layer in layers if not inside(layer, always_float)],
        _macs(run, quantized, layers),
        gate,
        lambda floats: judged((*floats, *always_float)),
        lambda: say("measuring what each layer costs"),
    )
    bench = _Bench(run, quantized, into, judge, gate)
    files = [bench.write(FP32, None), bench.write(ALL_INT8, ())]

    def written(layers_float: tuple[str, ...]) -> Written:
        say(f"{len(layers_float)} of {len(layers)} layers in float")
        if layers_float:
            files.append(bench.write(CHOSEN, layers_float))
        return files[-1] if layers_float else files[1]

    sets = (s for s in candidates(costs, layers, always_float) if len(s) < len(layers))
    chosen = first_inside(sets, gate, judged, written)
    say("racing the files")
    laps = bench.race(files)
    test = Judge(run, pictures.test) if pictures.test else None
    scored = {f.path.name: test.of_file(bench.load(f)) for f in files} if test else {}
    final = replace(quantized, layers_float=(chosen or files[1]).layers_float)
    save_quantized(final, run, into)
    return Outcome(final, costs, files, chosen, laps, scored)


def _macs(run: Run, quantized: Quantized, layers: Sequence[str]) -> dict[str, int]:
    """Multiply-accumulates of every layer, all members together."""
    macs = dict.fromkeys(layers, 0)
    for network in quantized.networks:
        for path, count in macs_by_convolution(network, run.config.preprocess.side_px).items():
            macs[next(layer for layer in layers if inside(path, [layer]))] += count
    return macs


def first_inside(
    sets: Iterable[tuple[str, ...]],
    gate: Gate,
    simulated: Callable[[tuple[str, ...]], Sequence[Against]],
    written: Callable[[tuple[str, ...]], Written],
) -> Written | None:
    """The first set of float layers that keeps the gate, as a file; None: none of them does.

    Args:
        simulated: judges a set without writing a file, which takes half a minute.
        written: writes and judges; its word counts.
    """
    for layers_float in sets:
        if gate.decide(simulated(layers_float))[0] is Decision.BROKEN:
            continue
        file = written(layers_float)
        if file.decision is not Decision.BROKEN:
            return file
    return None


class _Bench:
    """Writes candidates as files of the networks alone, and judges what it has written."""

    def __init__(
        self, run: Run, quantized: Quantized, into: Path, judge: Judge, gate: Gate
    ) -> None:
        self.run, self.quantized, self.into = run, quantized, into
        self.judge, self.gate = judge, gate
        self.files = into / "candidates"
        self.files.mkdir()
        self.executorch = target("executorch")
        self.converter = self.executorch.converter()

    def write(self, name: str, layers_float: tuple[str, ...] | None) -> Written:
        """Lower one candidate; None: the float32 networks."""
        path = self.files / f"{len(list(self.files.iterdir()))}.pte"
        frames = [self.run.config.preprocess.frame_hw]
        if layers_float is not None:
            candidate = replace(self.quantized, layers_float=layers_float)
            save_quantized(candidate, self.run, self.into)
        precision = "fp32" if layers_float is None else "int8"
        order = self.executorch.order(frames, precision=precision, graph="network")
        self._export(order, path)
        with quiet():
            found = self.judge.of_file(self.converter.load(path))
        decision, reasons = self.gate.decide(found)
        holds = read_delegates(path)
        return Written(name, layers_float or (), path, holds, found, decision, reasons)

    def _export(self, order: Order, path: Path) -> None:
        with quiet():
            self.converter.export(open_run(self.into), order, path)

    def load(self, file: Written) -> Runner:
        with quiet():
            return self.converter.load(file.path)

    def race(self, files: Sequence[Written]) -> dict[str, Lap]:
        """By file name."""
        with quiet():
            one_thread()
            picture = planes(self.judge.prepared[0].picture.enhanced)
            return race({f.path.name: self.load(f) for f in files}, picture)


def report(outcome: Outcome, gate: Gate) -> dict[str, Any]:
    """What `quantized.json` keeps for people."""
    return {
        "gate": asdict(gate),
        "decision": outcome.chosen.decision.value if outcome.chosen else Decision.BROKEN.value,
        "layers": [
            {
                "layer": cost.layer,
                "macs_share": cost.macs_share,
                "aupr_drop": {d.lesion: d.aupr_drop for d in cost.drops},
                "recall_drop": {d.lesion: d.recall_drop for d in cost.drops},
                "choice": "float" if cost.layer in outcome.quantized.layers_float else "int8",
            }
            for cost in outcome.costs
        ],
        "files": [
            {
                "name": file.name,
                "layers_float": list(file.layers_float),
                "int8_convolutions": file.holds.int8_convolutions,
                "convolutions": file.holds.convolutions,
                "network_bytes": file.holds.weight_bytes,
                "median_ms_ratio_to_fp32": _ratio(outcome, file),
                "spread": outcome.laps[file.path.name].spread,
                "validation": [asdict(a) for a in file.validation],
                "test": [asdict(a) for a in outcome.test.get(file.path.name, [])],
                "chosen": file is outcome.chosen,
            }
            for file in outcome.files
        ],
    }


def _ratio(outcome: Outcome, file: Written) -> float:
    laps = outcome.laps
    return laps[file.path.name].median_ms / laps[outcome.files[0].path.name].median_ms


def finish(outcome: Outcome, pictures: Pictures, gate: Gate, into: Path) -> dict[str, Any]:
    """Keep the report in the record, and drop the candidates' files."""
    run = pictures.run
    measured = {"run": run.path.resolve().name, "data": pictures.data.resolve().name}
    told = {**record(), **measured, **report(outcome, gate)}
    save_quantized(replace(outcome.quantized, report=told), run, into)
    shutil.rmtree(into / "candidates")
    assert (into / RECORD).is_file()
    return told
