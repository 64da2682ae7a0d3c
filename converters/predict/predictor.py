"""One way to ask a run (PyTorch) or a bundle (its artifact) about a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.bundle.goldens import planes, reference_answer
from converters.bundle.manifest import MANIFEST
from converters.bundle.read import Bundle, is_bundle, open_bundle
from converters.quiet import quiet
from converters.targets import Answer, Runner
from mobileseg.data.images import read_photo
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.evaluation.disagreement import disagreement, refuse_lone
from mobileseg.evaluation.picture_flags import QualitySpec
from mobileseg.evaluation.postprocess import Prediction, judge
from mobileseg.evaluation.quality_spec import quality_spec
from mobileseg.evaluation.reference import reference_quality
from mobileseg.files.atomic import sha256
from mobileseg.models.weights import refuse_pickle
from mobileseg.preprocess.reference import preprocess
from mobileseg.runs import WEIGHTS, Run, is_run, open_run, shipped_runs
from mobileseg.spec import fitted_hw, photo_to_frame


@dataclass(frozen=True, slots=True)
class Predictor:
    """Something that finds lesions in pictures."""

    name: str
    thresholds: Mapping[str, float]
    frame_hw: tuple[int, int]
    runner: Runner
    sums: Mapping[str, str]  # file -> sha256, of the files that fix its answers
    quality: QualitySpec | None = None  # how its quality is read; None: it says none
    # Frame -> (C, side, side) SD over the members' probabilities; None: not asked for.
    disagreement: Callable[[NDArray[np.uint8]], NDArray[np.float32]] | None = None

    def predict(self, picture: str | Path | NDArray[np.uint8]) -> Prediction:
        """Find lesions.

        Args:
            picture: a file, or (h, w, 3) uint8 RGB of any size.

        Returns:
            Masks and probabilities at the network's resolution, counts, areas, quality, flags.

        Raises:
            BadInput: the file cannot be read, or the array is not a picture.
        """
        photo = picture if isinstance(picture, np.ndarray) else read_photo(Path(picture))
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or not photo.size:
            raise BadInput(
                f"found an array of {photo.dtype}, shape {photo.shape}; "
                "expected uint8 RGB, (h, w, 3)"
            )
        frame = photo_to_frame(photo, self.frame_hw)
        with quiet():
            answer = self.runner(frame)
        content_hw = fitted_hw((photo.shape[0], photo.shape[1]), self.frame_hw)
        return judge(
            frame,
            content_hw,
            answer.probabilities,
            list(answer.crop),
            answer.retina,
            self.thresholds,
            answer.quality,
            self.quality,
        )


def open_predictor(
    run_or_bundle: str | Path, verify_key: str | Path | None = None, *, uncertainty: bool = False
) -> Predictor:
    """Open a run or a bundle folder; see `mobileseg.load`.

    Args:
        uncertainty: members' disagreement is wanted too.

    Raises:
        BadInput: as for `mobileseg.load`; or there are no members to ask.
    """
    path = Path(run_or_bundle)
    if is_bundle(path):
        if uncertainty:
            raise BadInput(
                f"{path}: found a bundle, whose file gives the members' mean alone; expected the "
                "run that it was made from: only there can they be asked one by one"
            )
        return _of_bundle(path, Path(verify_key) if verify_key else None)
    if verify_key:
        raise BadInput(f"{path}: found no bundle; expected one that is signed: a run never is")
    if is_run(path) or (not path.exists() and str(path) in shipped_runs()):
        run = open_run(path)
        assert run.networks  # read now, so that a damaged file fails here
        if uncertainty:
            refuse_lone(run)
        return Predictor(
            f"{path.name} (PyTorch)",
            _in_order(run.config.lesions, run.config.thresholds, path),
            run.config.preprocess.frame_hw,
            lambda frame: reference_answer(run, frame),
            {name: sha256(run.path / name) for name in ("config.json", WEIGHTS)},
            quality_spec(run.config),
            partial(_members_apart, run) if uncertainty else None,
        )
    if path.is_file():
        refuse_pickle(path)
    found = "no such folder" if not path.exists() else "neither config.json nor model.json in it"
    raise BadInput(f"{path}: {found}; expected a run or a bundle folder")


def _members_apart(run: Run, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    spec = run.config.preprocess.with_frame((frame.shape[0], frame.shape[1]))
    return disagreement(run, preprocess(frame, spec))


def _of_bundle(path: Path, verify_key: Path | None) -> Predictor:
    bundle = open_bundle(path, verify_key)
    converter = bundle.target.converter()
    with quiet():  # importing a runtime is when it talks most
        reason = converter.why_not(bundle.order)
    if reason:
        raise MissingToolkit(f"{path}: {bundle.target.artifact} cannot run here: {reason}")
    with quiet():
        runner = converter.load(bundle.artifact)
    if not bundle.order.whole:
        runner = _preprocessing_first(bundle, runner)
    thresholds = {entry["code"]: entry["threshold"] for entry in bundle.manifest["lesions"]}
    how = [f"{bundle.target.name} {bundle.order.name()}", converter.EVALUATION]
    name = f"{path.name} ({', '.join(filter(None, how))})"
    sums = {MANIFEST: sha256(path / MANIFEST)}  # which lists every other file's
    return Predictor(name, thresholds, bundle.frame_hw, runner, sums, _spec(bundle))


def _spec(bundle: Bundle) -> QualitySpec | None:
    """The manifest's; of a network alone, whose frame is preprocessed here, its reference's."""
    if not bundle.order.whole:
        return quality_spec(bundle.reference().config)
    said = bundle.manifest["quality"]
    return None if said is None else QualitySpec.from_json(said)


def _preprocessing_first(bundle: Bundle, network: Runner) -> Runner:
    """What an app does with a file of graph "network": preprocess, then ask it."""
    config = bundle.reference().config
    spec = config.preprocess.with_frame(bundle.frame_hw)

    def run(frame: NDArray[Any]) -> Answer:
        done = preprocess(frame, spec)
        crop = done.crop
        return Answer(
            done.within_disc(network(planes(done.enhanced)).probabilities),
            np.array([crop.left, crop.top, crop.width, crop.height], np.float32),
            done.retina,
            reference_quality(config, done),
        )

    return run


def _in_order(
    lesions: tuple[str, ...], thresholds: Mapping[str, float], path: Path
) -> dict[str, float]:
    missing = [code for code in lesions if code not in thresholds]
    if missing:
        raise BadInput(f"{path}: no threshold for {', '.join(missing)}; train it further")
    return {code: thresholds[code] for code in lesions}
