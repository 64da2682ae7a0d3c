"""A trained run to an int8 form that was judged by the lesions it still finds.

Puts together what lower layers leave open: candidates are written as `.pte` files, and a file is
judged on the run's validation pictures, because it differs from its own simulation in PyTorch.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.bench.latency import Lap, one_thread, race
from converters.bundle.goldens import planes
from converters.calibrate import calibrate_form, file_answers
from converters.executorch.xnnpack import Delegates, read_delegates
from converters.judge import Judge
from converters.options import Order
from converters.quantize.ptq import Say, calibrated, fine_tuned
from converters.quiet import quiet
from converters.run_pictures import Pictures
from converters.targets import Runner, target
from mobileseg.evaluation.accuracy_drop import Against
from mobileseg.models.profile import macs_by_convolution
from mobileseg.quantization.gate import Decision, Gate
from mobileseg.quantization.layers import blocks, inside
from mobileseg.quantization.quantized_run import Quantized, save_quantized
from mobileseg.quantization.sensitivity import LayerCost, candidates, layer_costs
from mobileseg.runs import Run, open_run
from mobileseg.training.qat import FineTuning

FP32, ALL_INT8, CHOSEN = "fp32", "int8", "int8 mixed"


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
        tuning: fine-tune first. A calibrated run's int8 form gets constants of its own.
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
    judge = Judge(run.uncalibrated(), pictures.validation)
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
    test = Judge(run.uncalibrated(), pictures.test) if pictures.test else None
    scored = {f.path.name: test.of_file(bench.load(f)) for f in files} if test else {}
    taken = chosen or files[1]
    final = replace(quantized, layers_float=taken.layers_float)
    if run.config.calibration:
        form = calibrate_form(run, "int8", file_answers(bench.load(taken)), pictures)
        final = replace(final, constants=form.constants)
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
            self.converter.export(open_run(self.into).uncalibrated(), order, path)

    def load(self, file: Written) -> Runner:
        with quiet():
            return self.converter.load(file.path)

    def race(self, files: Sequence[Written]) -> dict[str, Lap]:
        """By file name."""
        with quiet():
            one_thread()
            picture = planes(self.judge.prepared[0].picture.enhanced)
            return race({f.path.name: self.load(f) for f in files}, picture)
