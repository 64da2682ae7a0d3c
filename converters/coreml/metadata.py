"""What a Core ML package says of itself: to a person in Xcode, to an app by name.

Written and checked from one description, so that a saved package can be held against its run.
Without a date: the same run gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from converters.coreml.output_heads import outputs
from converters.deployable import INPUT, NETWORK_INPUT
from converters.options import Order
from converters.targets import Check
from mobileseg.lesions import LESIONS
from mobileseg.run_config import RunConfig
from mobileseg.version import __version__

AUTHOR, LICENSE = "mobileseg", "Apache-2.0"
PREVIEW_TYPE = "com.apple.coreml.model.preview.type"
PREVIEW_PARAMS = "com.apple.coreml.model.preview.params"
# What coremltools adds of itself; anything else in the metadata is ours.
EXPORTERS_OWN = "com.github.apple.coremltools."
BLACK = "#000000"


@dataclass(frozen=True, slots=True)
class About:
    """Everything that a package says in words."""

    short_description: str
    author: str
    license: str
    version: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    own: dict[str, str]  # by key, for an app


def about(config: RunConfig, order: Order) -> About:
    """What the package of an order shall say."""
    side = config.preprocess.side_px
    taken = (
        {INPUT: "RGB picture; fitted top left and never enlarged, the rest black"}
        if order.whole
        else {
            NETWORK_INPUT: f"RGB picture of {side}x{side} pixels, cropped, resized and after "
            "CLAHE; 0 to 255, not normalised"
        }
    )
    inside = "preprocessing included" if order.whole else "without crop, resize and CLAHE"
    return About(
        f"Retinal lesion segmentation ({config.task}), {inside}. Not a medical device.",
        AUTHOR,
        LICENSE,
        __version__,
        taken,
        {output.name: output.text for output in outputs(config, order)},
        {
            "lesions": ",".join(config.lesions),
            "names": ",".join(LESIONS[code].name for code in config.lesions),
            "colours": ",".join(_hex(code) for code in config.lesions),
            "thresholds": ",".join(str(config.thresholds[code]) for code in config.lesions),
            "precision": order.precision,
            "side": str(side),
            **_preview(config, order),
        },
    )


def _hex(code: str) -> str:
    return "#{:02X}{:02X}{:02X}".format(*LESIONS[code].colour)


def _preview(config: RunConfig, order: Order) -> dict[str, str]:
    """Xcode's keys, for what it can preview: a picture in, a label map out.

    Source: Core ML Tools guide, "Xcode Model Preview Types", row Segmentation.
    """
    if order.head != "labels" or not order.whole:
        return {}
    params = {
        "labels": ["background", *(LESIONS[code].name for code in config.lesions)],
        "colors": [BLACK, *(_hex(code) for code in config.lesions)],
    }
    return {PREVIEW_TYPE: "imageSegmenter", PREVIEW_PARAMS: json.dumps(params)}


def write_about(model: Any, said: About) -> None:
    """Put the words into a model that is not saved yet."""
    model.short_description = said.short_description
    model.author, model.license, model.version = said.author, said.license, said.version
    for name, text in said.inputs.items():
        model.input_description[name] = text
    for name, text in said.outputs.items():
        model.output_description[name] = text
    for key, value in said.own.items():
        model.user_defined_metadata[key] = value


def check_about(spec: Any, said: About) -> list[Check]:
    """Whether a saved package says all of it, and no more."""
    description = spec.description
    meta = description.metadata
    own = {k: v for k, v in meta.userDefined.items() if not k.startswith(EXPORTERS_OWN)}
    dated = [key for key in meta.userDefined if "date" in key]
    found = (meta.shortDescription, meta.author, meta.license, meta.versionString)
    expected = (said.short_description, said.author, said.license, said.version)
    return [
        Check("says what it is, by whom, licence and version", found == expected, repr(found)),
        _described("every input is described", description.input, said.inputs),
        _described("every output is described", description.output, said.outputs),
        _keys("lesions, colours, thresholds and preview are named", own, said.own),
        Check("no date inside", not dated, ", ".join(dated) or "none"),
    ]


def _described(name: str, features: Any, expected: dict[str, str]) -> Check:
    found = {feature.name: feature.shortDescription for feature in features}
    off = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    return Check(name, not off, f"off: {', '.join(off)}" if off else ", ".join(found))


def _keys(name: str, found: dict[str, str], expected: dict[str, str]) -> Check:
    off = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    return Check(name, not off, f"off: {', '.join(off)}" if off else f"{len(found)} keys")
