"""Is what a run says of a picture's quality true? On test pictures, spoiled as none was fitted on.

    python benchmarks/quality.py runs/ex --data IDRiD -o benchmarks/results/quality-ex.json

The run has been calibrated (`mobileseg calibrate`). Grades lie between those that were fitted;
kinds (half the resolution, haze, Gaussian blur) were not fitted at all. Stated: Spearman's rank
correlation and mean absolute error of each lesion's quality against the recall really left, picture
by picture and kind by kind (lesions counted over all pictures); and which clean ones are flagged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from converters.bundle.evidence import record
from mobileseg.data.idrid import read_idrid
from mobileseg.data.prepared import read_framed
from mobileseg.errors import BadInput
from mobileseg.evaluation.picture_flags import judge_quality
from mobileseg.evaluation.quality_fit import Observation, agreement, observed
from mobileseg.evaluation.quality_spec import quality_spec
from mobileseg.evaluation.spoiling import Cut, Spoiled, spoiled, with_levels
from mobileseg.files.atomic import write_json
from mobileseg.runs import Run, open_run

SEED = 27  # of what a grade leaves open
GRADES: tuple[Mapping[str, float], ...] = (
    *({"defocus": radius} for radius in (0.0045, 0.009)),
    *({"motion blur": length} for length in (0.009, 0.018)),
    *({"exposure": stops} for stops in (-2.5, -1.5, 1.2)),
    *({"glare": peak} for peak in (0.3, 0.6)),
    *({"gamma": exponent} for exponent in (1.3, 1.8)),
    *({"saturation": factor} for factor in (0.25, 0.75)),
    *({"white balance": stops} for stops in (-0.75, 0.75)),
    {"noise": 0.02},
    {"vignetting": 0.6},
    {"jpeg": 30.0},
    {"exposure": -3.0, "noise": 0.01},
    {"exposure": -1.0, "motion blur": 0.009},
    {"white balance": 0.7, "gamma": 1.4},
    {"defocus": 0.0045, "glare": 0.3},
)
CUTS = (
    Cut(top=0.2),
    Cut(right=0.25),
    Cut(left=0.3, bottom=0.15),
    Cut(left=0.1, top=0.1, right=0.1, bottom=0.1),
)
Levels = NDArray[np.uint8]


def _coarser(levels: Levels) -> Levels:
    side = len(levels)
    small = cv2.resize(levels, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _hazy(share: float) -> Callable[[Levels], Levels]:
    return lambda levels: np.rint(levels * (1 - share) + 200 * share).astype(np.uint8)


def _gaussian(share: float) -> Callable[[Levels], Levels]:
    return lambda levels: np.asarray(cv2.GaussianBlur(levels, (0, 0), share * len(levels)))


KINDS: dict[str, Callable[[Levels], Levels]] = {
    "half the resolution": _coarser,
    "haze 0.2": _hazy(0.2),
    "haze 0.4": _hazy(0.4),
    "Gaussian blur 0.002": _gaussian(0.002),
    "Gaussian blur 0.005": _gaussian(0.005),
}


def test_observations(run: Run, data: Path, most: int | None) -> Iterator[Observation]:
    """Every test picture, clean and spoiled."""
    samples = read_idrid(data).split("test", run.config.lesions)[:most]
    for place, sample in enumerate(samples):
        framed = read_framed(sample, run.config.lesions, run.config.preprocess)

        def variants(framed=framed, place=place) -> Iterator[Spoiled]:  # type: ignore[no-untyped-def]
            for one in spoiled(framed, run.config, [SEED, place], GRADES, CUTS):
                if not one.name:
                    clean = one
                yield one
            for name, change in KINDS.items():
                levels = change(clean.picture.levels)
                picture = with_levels(clean.picture, levels, run.config.preprocess)
                yield Spoiled(name, picture, clean.truth)

        yield from observed(run, sample.name, variants())
        click.echo(f"{place + 1} of {len(samples)}", err=True)


def flagged(run: Run, seen: list[Observation]) -> dict[str, list[str]]:
    """Clean picture -> its flags, where it has any."""
    spec, model = quality_spec(run.config), run.config.quality
    assert spec is not None
    assert model is not None
    found = {}
    for one in seen:
        if not one.spoil:
            output = model.judge(one.seen, run.config.lesions).output
            said = judge_quality(list(output), run.config.lesions, spec)
            if said.flags:
                found[one.picture] = list(said.flags)
    return found


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True)
@click.option("--most", type=int, help="Test pictures. [default: all]")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def main(run: Path, data: Path, most: int | None, output: Path) -> None:
    """Measure and write a row a lesion."""
    opened = open_run(run)
    if opened.config.quality is None:
        raise BadInput(f"{run}: has no quality; fit it: mobileseg calibrate {run} --data {data}")
    seen = list(test_observations(opened, data, most))
    found = {code: agreement(opened.config.quality, seen, code) for code in opened.config.lesions}
    for code, one in found.items():
        click.echo(f"{code}: {one}")
    shared = record() | {
        "data": "IDRiD official, test, spoiled",
        "variant": opened.config.variant,
        "task": opened.config.task,
        "side": opened.config.preprocess.side_px,
        "clean_pictures": sum(not one.spoil for one in seen),
        "clean_flagged": flagged(opened, seen),
    }
    write_json(output, [shared | {"lesion": code, **asdict(one)} for code, one in found.items()])


if __name__ == "__main__":
    main()
