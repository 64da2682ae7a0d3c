"""Predictions of many pictures, a committed result each; what was stopped goes on.

The unit of work is `predict_one`: it knows one picture and leaves everything it found on disk,
so any number of processes can share a list; who they are is a `Share`.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.predict.predictor import Predictor
from converters.predict.resumable import Unfinished
from mobileseg.data.decoding import one_line
from mobileseg.data.image_limits import refuse_file
from mobileseg.data.images import read_photo, write_png
from mobileseg.errors import BadInput
from mobileseg.evaluation.overlay import overlay, uncertainty_map
from mobileseg.evaluation.postprocess import Prediction
from mobileseg.files.atomic import read_json, sha256
from mobileseg.version import __version__

Done = Callable[[str, str | None], None]
"""Told of each picture that was dealt with: its name, and why it cannot be read, or None."""

Share = Callable[[Unfinished, Mapping[str, Path], Done], None]
"""Has every picture predicted and committed, in any order, by this process or by others."""

COLUMNS = (
    *("name", "picture", "lesion", "count", "pixels", "area"),
    *("retina", "flags", "quality", "usable"),
)
UNCERTAINTY = "uncertainty"  # in `maker`, where it is asked for; and in a picture's row
RESULTS, TABLE = "predictions.json", "predictions.csv"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a list of pictures came to."""

    rows: list[dict[str, Any]]  # a picture each, in the order of the list
    unreadable: list[dict[str, str]]  # "picture" and "why"


def maker(predictor: Predictor) -> dict[str, str]:
    """What fixes a picture's result besides the picture."""
    asked = {UNCERTAINTY: "of members"} if predictor.disagreement else {}
    return {"mobileseg": __version__, "model": predictor.name, **predictor.sums, **asked}


def in_turn(predictor: Predictor) -> Share:
    """This process does them all, one after the other."""

    def share(work: Unfinished, pictures: Mapping[str, Path], done: Done) -> None:
        for name, path in pictures.items():
            done(name, predict_one(predictor, work, name, path))

    return share


def predict_all(
    model: str,
    pictures: Mapping[str, Path],
    work: Unfinished,
    share: Share,
    *,
    say: Callable[[str], None],
    tick: Callable[[int], None],
) -> Outcome:
    """Predict what has no result yet, and put the whole in its place.

    Args:
        model: the predictor's name.
        pictures: name of a picture's results -> its file.
        share: who predicts them.
        say: told what cannot be read, and what was there already.
        tick: called with the number of pictures that have been dealt with since.

    Raises:
        BadInput: no picture could be read, or the results cannot be written.
        KeyboardInterrupt: what was done by then is kept, and that is said.
    """
    if work.placed:
        return _placed(work, say)
    kept = _kept(pictures, work, say)
    tick(len(kept))
    unread = {}

    def done(name: str, why: str | None) -> None:
        if why:
            say(f"mobileseg: {pictures[name]}: {why}")
            unread[name] = why
        tick(1)

    try:
        share(work, {name: path for name, path in pictures.items() if name not in kept}, done)
    except KeyboardInterrupt:
        if count := len(work.names()):
            say(
                f"{work.asked}: stopped after {count} of {len(pictures)} picture(s), "
                "which are kept; the same command goes on"
            )
        raise
    return _place(model, pictures, unread, work)


def predict_one(predictor: Predictor, work: Unfinished, name: str, path: Path) -> str | None:
    """Predict one picture and commit its overlay and row.

    Returns:
        None; or why it cannot be read, and then nothing was written.
    """
    try:
        refuse_file(path)
        with one_line(path):
            made_from = sha256(path)
        photo = read_photo(path)
    except BadInput as error:
        return str(error).removeprefix(f"{path}: ")
    prediction = predictor.predict(photo)
    draw = partial(write_png, pixels=overlay(prediction))
    row = _row(name, path, prediction)
    beside = {}
    if predictor.disagreement:
        apart = predictor.disagreement(prediction.frame)
        row[UNCERTAINTY] = _uncertainty(prediction, apart)
        pixels = uncertainty_map(prediction, apart)
        beside[f"{name}-uncertainty.png"] = partial(write_png, pixels=pixels)
    work.commit(name, made_from, f"{name}-overlay.png", draw, row, beside)
    return None


def _kept(pictures: Mapping[str, Path], work: Unfinished, say: Callable[[str], None]) -> set[str]:
    """The pictures that a stopped run dealt with and that are still what they were."""
    recorded = set(work.names()) & set(pictures)
    kept = {name for name in recorded if _unchanged(work, name, pictures[name])}
    if recorded:
        changed = len(recorded) - len(kept)
        again = f"; {changed} changed since and are done again" if changed else ""
        say(f"{work.asked}: goes on after {len(kept)} of {len(pictures)} picture(s){again}")
    return kept


def _unchanged(work: Unfinished, name: str, path: Path) -> bool:
    try:
        refuse_file(path)
        with one_line(path):
            return work.kept(name, sha256(path)) and work.record(name)["picture"] == shown(path)
    except BadInput:
        return False


def _place(
    model: str, pictures: Mapping[str, Path], unread: Mapping[str, str], work: Unfinished
) -> Outcome:
    """Whoever was first: what is written is in the order of the list."""
    read = [name for name in pictures if name not in unread]
    if not read:
        raise BadInput(f"none of {len(pictures)} picture(s) could be read; nothing was written")
    rows = [work.record(name) for name in read]
    bad = [{"picture": shown(pictures[n]), "why": unread[n]} for n in pictures if n in unread]
    whole = {"model": model, "pictures": rows, "unreadable": bad}
    text = json.dumps(whole, indent=2, allow_nan=False) + "\n"
    work.place({RESULTS: text, TABLE: _csv(rows)}, read)
    return Outcome(rows, bad)


def _placed(work: Unfinished, say: Callable[[str], None]) -> Outcome:
    """What a run that was killed after its last picture had already put in its place."""
    whole = read_json(work.folder / RESULTS)
    for bad in whole["unreadable"]:
        say(f"mobileseg: {bad['picture']}: {bad['why']}")
    return Outcome(whole["pictures"], whole["unreadable"])


def shown(path: Path) -> str:
    """A path as text that every file can hold: bytes that are no UTF-8 are written out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _row(name: str, path: Path, prediction: Prediction) -> dict[str, Any]:
    return {
        "name": name,
        "picture": shown(path),
        "flags": list(prediction.flags),
        "sentences": list(prediction.sentences),
        "usable": prediction.usable,
        "quality": _quality(prediction),
        "retina": prediction.retina,
        "crop": list(prediction.crop),
        "lesions": {
            code: {"count": f.count, "pixels": f.pixels, "area": f.area}
            for code, f in prediction.lesions.items()
        },
    }


def _quality(prediction: Prediction) -> dict[str, Any] | None:
    found = prediction.quality
    if found is None:
        return None
    return {"shown": found.shown, "lesions": found.lesions, "values": found.values}


def _uncertainty(prediction: Prediction, apart: NDArray[np.float32]) -> dict[str, Any]:
    """By lesion: the mean SD of the members' probabilities over the retina, and the largest."""
    pixels = prediction.retina * apart[0].size
    return {
        code: {
            "mean_sd": float(sd.sum(dtype=np.float64) / pixels) if pixels else 0.0,
            "largest_sd": float(sd.max()),
        }
        for code, sd in zip(prediction.masks, apart, strict=True)
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    """A line per picture and lesion."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS])
    for row in rows:
        for code, found in row["lesions"].items():
            figures = [found["count"], found["pixels"], f"{found['area']:.6f}"]
            start = [row["name"], row["picture"], code]
            quality = f"{row['quality']['lesions'][code]:.4f}" if row["quality"] else ""
            usable = "yes" if row["usable"] else "no"
            said = [f"{row['retina']:.4f}", "; ".join(row["flags"]), quality, usable]
            writer.writerow([*start, *figures, *said])
    return table.getvalue()
