"""The page that goes with a bundle: what it is, what it was trained on, what it is not."""

from __future__ import annotations

from typing import Any

from mobileseg.files.atomic import read_json
from mobileseg.protocols import Protocol, protocol
from mobileseg.run_config import RunConfig
from mobileseg.runs import Run


def model_card(run: Run, manifest: dict[str, Any]) -> str:
    """Markdown, from the run's own record."""
    config = run.config
    training = config.training
    rules = protocol(training["protocol"])
    side = config.preprocess.side_px
    return f"""# {config.variant} for {config.task}, {manifest["target"]} {manifest["precision"]}

**Not a medical device.** For research and prototypes; no diagnosis may rest on it.

{_networks(config)} of the U²-Net family (Siebert & Rostalski
2022), made to mark retinal lesions in a colour fundus picture. {_takes(manifest, side)}

{_lesions(manifest)}

A pixel is lesion where its probability is at or above the threshold, which was chosen on
{rules.thresholds} pictures. Lesion area = lesion pixels / (`retina` · side²).
{_calibration(manifest)}
{_quality(manifest)}{_members(manifest)}
## Training

{len(config.pictures["train"])} training and {len(config.pictures["validation"])} validation
pictures of {_data(run)}; {_choices(training)}.
{_leaks(rules)}Everything else that was chosen stands in `reference/config.json`.
IDRiD is credited to Porwal et al. 2018, doi:10.3390/data3030025, CC BY 4.0.

## Limits

Small training sets of one camera's pictures: other cameras, fields of view, populations and
diseases are untested. Lesions of a few pixels after the resize may be missed.

## Files

`model.json` describes input, outputs and the sum of every file. `goldens/` holds frames and the
reference's answers, for a test on the device. `reference/` is the trained run itself, from which
`mobileseg parity` computes what the file should say. `evidence/` is what was measured on this file.
"""


def _lesions(manifest: dict[str, Any]) -> str:
    """A table of them."""
    rows = [
        f"| {one['code']} | {one['names']['en']} | {one['threshold']:.4f} | {_constants(one)} |"
        for one in manifest["lesions"]
    ]
    return "\n".join(["| lesion | name | threshold | calibration |", "|---|---|---|---|", *rows])


def _constants(lesion: dict[str, Any]) -> str:
    """A lesion's calibration, for a table."""
    found = lesion["calibration"]
    return f"a {found['a']:.4g}, b {found['b']:.4g}" if found else "none"


def _calibration(manifest: dict[str, Any]) -> str:
    if not any(one["calibration"] for one in manifest["lesions"]):
        return "Its probabilities are not calibrated: 0.8 need not mean eight pixels in ten."
    return (
        "Its probabilities are calibrated, the last step inside: p becomes σ(a · logit p + b).\n"
        "The constants are this file's own, fitted on validation pictures."
    )


def _quality(manifest: dict[str, Any]) -> str:
    """What it says of a picture, and from when on a picture is flagged."""
    quality = manifest["quality"]
    if quality is None:
        return """
## Quality of a picture

It says nothing of it: a picture that is dark or blurred gets its counts like any other.
"""
    rows = "\n".join(
        f"| {value['name']} | {value['meaning']} | {_limit(value, 'least', 'flag_below')} "
        f"| {_limit(value, 'most', 'flag_above')} |"
        for value in quality["values"]
    )
    return f"""
## Quality of a picture

Output `quality` says for each lesion which share of the lesions found on a good picture would still
be found on this one, from 0 to 1, estimated from the picture alone; what is shown is the least. A
picture below {quality["usable"]:g}, without a retina, or that is no fundus photo is unusable: its
counts are to be shown only to who asks for them. Behind it stand:

| value | meaning | below | above |
|---|---|---|---|
{rows}
"""


def _limit(value: dict[str, Any], limit: str, flag: str) -> str:
    """A limit and what a picture beyond it is flagged as."""
    return "–" if value[limit] is None else f"{value[limit]:.4g}: {value[flag]}"


def _takes(manifest: dict[str, Any], side: int) -> str:
    """What goes into the file, and what it does itself."""
    if manifest["graph"] == "network":
        return (
            f"The file takes an RGB picture\nof {side}×{side} pixels, cropped, resized and after "
            "CLAHE (float32, 0 to 255), and does the\nrest: normalisation, network, sigmoid."
        )
    sizes = " or ".join(f"{height}×{width}" for height, width in manifest["frames"])
    return (
        f"The file takes an RGB frame of\n{sizes} pixels (height × width) and does everything "
        f"else itself: retina box, resize\nto {side}×{side}, CLAHE, normalisation, network, "
        "sigmoid."
    )


def _networks(config: RunConfig) -> str:
    if not config.ensemble:
        return f"A network (`{config.variant}`)"
    return f"{len(config.ensemble)} networks (`{config.variant}`), one after the other,"


def _members(manifest: dict[str, Any]) -> str:
    """A table of the networks, where there are several."""
    members = manifest["members"]
    if len(members) == 1:
        return ""
    rows = "\n".join(
        f"| {m['name']} | {m['variant']} | {m['task']} | {m['weights_sha256'][:12]}… |"
        for m in members
    )
    return f"""
## Members

Those of one task are averaged, those of different tasks give a map each. Each keeps the mean and
SD that it was trained with.

| member | variant | task | sha256 of its weights |
|---|---|---|---|
{rows}
"""


def _choices(training: dict[str, Any]) -> str:
    """What a reader asks first; of an ensemble, what all members share."""
    asked = {
        "epochs": "{} epochs",
        "protocol": "protocol `{}`",
        "seed": "seed {}",
        "split_seed": "split seed {}",
    }
    return ", ".join(text.format(training[k]) for k, text in asked.items() if k in training)


def _leaks(rules: Protocol) -> str:
    """What of the test set is in the figures, for a protocol that lets it in."""
    return f"**Leaks:** {'; '.join(rules.leaks)}.\n" if rules.leaks else ""


def _data(run: Run) -> str:
    """The data folder's name and fingerprint, if the run has kept its record."""
    record = run.path / "run.json"
    values = read_json(record) if record.is_file() else {}
    if not values.get("data"):
        return "a folder that was not recorded"
    return f"`{values.get('data')}` (sha256 {str(values.get('data_sha256'))[:12]}…)"
