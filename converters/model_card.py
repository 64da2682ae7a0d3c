"""The page that goes with a bundle: what it is, what it was trained on, what it is not."""

from __future__ import annotations

from typing import Any

from mobileseg.files import read_json
from mobileseg.lesions import LESIONS
from mobileseg.runs import Run


def model_card(run: Run, manifest: dict[str, Any]) -> str:
    """Markdown, from the run's own record."""
    config = run.config
    training = config.training
    frame = manifest["frame_hw"]
    rows = "\n".join(
        f"| {code} | {LESIONS[code].name} | {config.thresholds[code]:.4f} |"
        for code in config.lesions
    )
    return f"""# {config.variant} for {config.task}, {manifest["target"]} {manifest["precision"]}

**Not a medical device.** For research and prototypes; no diagnosis may rest on it.

A U²-Net variant (`{config.variant}`, Siebert & Rostalski 2022) that marks retinal lesions in a
colour fundus picture. The file takes an RGB frame of {frame[0]}×{frame[1]} pixels (height × width)
and does everything else itself: retina box, resize to {config.preprocess.side_px}×\
{config.preprocess.side_px}, CLAHE, normalisation, network, sigmoid.

| lesion | name | threshold |
|---|---|---|
{rows}

A pixel is lesion where its probability is at or above the threshold, which was chosen on
validation pictures. Lesion area = lesion pixels / (`retina` · side²).

## Training

{len(config.pictures["train"])} training and {len(config.pictures["validation"])} validation
pictures of {_data(run)}; {training["epochs"]} epochs, protocol `{training["protocol"]}`,
seed {training["seed"]}, split seed {training["split_seed"]}. Everything else that was chosen stands
in `reference/config.json`. IDRiD is credited to Porwal et al. 2018, doi:10.3390/data3030025,
CC BY 4.0.

## Limits

Small training sets of one camera's pictures: other cameras, fields of view, populations and
diseases are untested. Lesions of a few pixels after the resize may be missed.

## Files

`model.json` describes input, outputs and the sum of every file. `goldens/` holds frames and the
reference's answers, for a test on the device. `reference/` is the trained run itself, from which
`mobileseg parity` computes what the file should say. `evidence/` is what was measured on this file.
"""


def _data(run: Run) -> str:
    """The data folder's name and fingerprint, if the run has kept its record."""
    record = run.path / "run.json"
    if not record.is_file():
        return "a folder that was not recorded"
    values = read_json(record)
    return f"`{values.get('data')}` (sha256 {str(values.get('data_sha256'))[:12]}…)"
