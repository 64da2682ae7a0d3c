"""The web demo: Node runs its rules against the goldens, Chromium the page against Python.

Python writes photos and what it finds in them; `npm test` in web_demo does the same in the browser
and compares. SCREENSHOT=FILE names where the picture of the page at phone size goes.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mobileseg.data.phantom.generate import make_phantom
from mobileseg.files.atomic import write_json

WEB = Path(__file__).parents[2] / "web_demo"
TIMEOUT_S = 600  # some 90 s on a core of its own
SUMMARY = re.compile(r"^(?:#|ℹ) (tests|pass|fail|cancelled|skipped) (\d+)$", re.MULTILINE)
WILD = 1e-4  # of a network of random weights, which amplifies rounding: 3e-5 measured
ORIENTATION = 0x0112  # EXIF's tag

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that the page is given, and how far its frame may be from Python's."""

    file: str
    content: bytes
    levels: int = 0  # 0: to the byte, and then the model's answer is compared too


def encoded(
    picture: Picture | Image.Image, kind: str, orientation: int = 1, **options: Any
) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if orientation > 1:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    whole = io.BytesIO()
    image.save(whole, kind, **options)
    return whole.getvalue()


def exact_photos() -> list[Photo]:
    """Whatever a browser has to read to the byte."""
    eye = make_phantom(6, 431, aspect=1.25).picture
    wide = make_phantom(2, 1000, aspect=1.3).picture
    return [
        Photo("odd.png", encoded(eye[:-1, 3:], "PNG")),
        Photo("shrunk.png", encoded(wide, "PNG")),
        Photo("tall.png", encoded(np.ascontiguousarray(wide[:, 80:800]), "PNG")),
        Photo("few-pixels.png", encoded(make_phantom(5, 100).picture, "PNG")),
        Photo("black.png", encoded(np.zeros((300, 401, 3), np.uint8), "PNG")),
        Photo("grey.png", encoded(np.ascontiguousarray(eye[..., 1]), "PNG")),
        Photo("lossless.webp", encoded(eye, "WEBP", lossless=True)),
        Photo("turned.png", encoded(eye, "PNG", orientation=6)),
        Photo("panorama.png", encoded(np.tile(eye[200:245], (1, 17, 1)), "PNG")),  # 9,163 px
        Photo("palette.png", encoded(Image.fromarray(eye).quantize(64), "PNG")),
    ]


def near_photos() -> list[Photo]:
    """What every decoder rounds its own way: colours to two levels, as the goldens say."""
    from converters.apps.goldens.colours import profile

    eye = make_phantom(5, 240, aspect=1.3).picture
    clear = np.tile(np.linspace(0, 255, eye.shape[1]).astype(np.uint8), (eye.shape[0], 1))
    return [
        Photo("wide-gamut.png", encoded(eye, "PNG", icc_profile=profile()), levels=2),
        Photo("clear.png", encoded(np.dstack([eye, clear]), "PNG"), levels=1),
    ]


def turned_photos() -> list[Photo]:
    """All eight ways to hold a camera."""
    grey = make_phantom(5, 96, aspect=1.3).picture[..., 1]  # colours each decoder smooths its way
    return [
        Photo(f"turned-{n}.jpg", encoded(grey, "JPEG", orientation=n, quality=95), levels=2)
        for n in range(1, 9)
    ]


def write_case(folder: Path, photo: Photo, predictor: Any, tolerance: float) -> None:
    from mobileseg.evaluation.overlay import overlay

    folder.mkdir()
    (folder / photo.file).write_bytes(photo.content)
    found = predictor.predict(folder / photo.file)
    (folder / "frame.rgb").write_bytes(found.frame.tobytes())
    (folder / "probabilities.f32").write_bytes(found.probabilities.tobytes())
    (folder / "overlay.rgb").write_bytes(overlay(found).tobytes())
    case = {
        "file": photo.file,
        "levels": photo.levels,
        "tolerance": tolerance,
        "content_hw": found.content_hw,
        "crop": found.crop,
        "retina": found.retina,
        "flags": found.flags,
        "lesions": {
            code: {"count": one.count, "pixels": one.pixels, "area": one.area}
            for code, one in found.lesions.items()
        },
    }
    write_json(folder / "case.json", case)


def write_bundle(folder: Path, bundle: Path, photos: list[Photo], tolerance: float) -> None:
    """A model as the page is served it, and what Python finds with it."""
    import mobileseg

    predictor = mobileseg.load(bundle)
    (folder / "model").mkdir(parents=True)
    for name in ("model.json", "model.onnx"):
        shutil.copy(bundle / name, folder / "model" / name)
    (folder / "cases").mkdir()
    for photo in photos:
        write_case(folder / "cases" / Path(photo.file).stem, photo, predictor, tolerance)


def write_judged(folder: Path, bundle: Path) -> None:
    """A model that calls every picture dark and poor, and what Python says of such pictures.

    Its quality output is a constant: the page is asked, not the graph.
    """
    import onnx

    from converters.apps.goldens.qualities import QUALITY
    from mobileseg.evaluation.picture_flags import QualitySpec, judge_quality

    write_bundle(folder, bundle, exact_photos()[:1], 0)
    manifest = json.loads((folder / "model" / "model.json").read_text())
    codes = [lesion["code"] for lesion in manifest["lesions"]]  # four
    numbers = np.array([0.9, 0.3, 0.7, 0.8, 0.05, 4.0, 0.0], np.float32)
    model = onnx.load(folder / "model" / "model.onnx")
    tensor = onnx.numpy_helper.from_array(numbers[None], "quality_value")
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["quality"], value=tensor))
    shape = [1, len(numbers)]
    described = onnx.helper.make_tensor_value_info("quality", onnx.TensorProto.FLOAT, shape)
    model.graph.output.append(described)
    onnx.save(model, folder / "model" / "model.onnx")
    content = (folder / "model" / "model.onnx").read_bytes()
    manifest["outputs"].append({"name": "quality", "shape": shape, "dtype": "float32"})
    manifest["quality"] = QUALITY
    manifest["files"]["model.onnx"] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    first = manifest["lesions"][0]
    first["names"] = {"en": "made-up spots", "de": "ausgedachte Flecken"}
    first["calibration"] = {"a": 1, "b": 0}
    (folder / "model" / "model.json").write_text(json.dumps(manifest))
    said = judge_quality(numbers, codes, QualitySpec.from_json(QUALITY))
    assert not said.usable and said.flags == ("too-dark",)
    write_json(folder / "quality.json", {"percent": said.percent, "sentences": said.sentences})


def write_bad_photos(folder: Path) -> None:
    folder.mkdir()
    (folder / "words.jpg").write_bytes(b"these are words\n" * 50)
    eye = encoded(make_phantom(5, 240).picture, "PNG")
    (folder / "cut.png").write_bytes(eye[:90])
    Image.new("L", (8000, 6501)).save(folder / "52-megapixels.png")


@pytest.fixture(scope="session")
def expected(
    app_bundles: Path,
    make_run: Any,
    mobileseg: Any,
    made_once: Callable[..., Path],
    written_most: Callable[[Path], float],
) -> Path:
    """What the browser's tests compare with."""
    from converters.apps.samples import write_samples

    tolerance = written_most(app_bundles / "onnx")

    def fill(folder: Path) -> None:
        make_run(folder / "run", task="all", seed=3)
        convert = ("convert", "run", "--target", "onnx", "-o", "four")
        done = mobileseg(*convert, cwd=folder)
        assert done.returncode == 0, done.stderr
        out = folder / "expected"
        write_bundle(
            out / "shipped", app_bundles / "onnx", exact_photos() + near_photos(), tolerance
        )
        write_bundle(out / "four", folder / "four", exact_photos()[:2] + turned_photos(), WILD)
        write_judged(out / "judged", folder / "four")
        write_bad_photos(out / "bad")
        (out / "samples").mkdir()
        write_samples(out / "samples")

    return made_once("web-expected", fill) / "expected"


def failures(said: str) -> str:
    """Every test that is not ok, with what follows it; a suite repeats that one of its is not."""
    lines = said.splitlines()
    at = [place for place, line in enumerate(lines) if line.lstrip().startswith("not ok")]
    return "\n".join("\n".join(lines[place : place + 24]) for place in at[:5])


def run_tests(npm: str, script: str, **environment: str) -> dict[str, int]:
    """What `npm run` says of its tests."""
    if "SCREENSHOT" in os.environ:
        environment["SCREENSHOT"] = str(Path(os.environ["SCREENSHOT"]).resolve())
    done = subprocess.run(
        [npm, "run", "--silent", script],
        cwd=WEB,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    counts = {name: int(count) for name, count in SUMMARY.findall(done.stdout)}
    assert done.returncode == 0, failures(done.stdout) + done.stderr[-2000:]
    assert counts["pass"] == counts["tests"] > 0, f"not all were run: {counts}"
    return counts


def test_the_rules_are_pythons(tool: Callable[[str], str]) -> None:
    tool("node")
    run_tests(tool("npm"), "test:rules")


def test_the_page_shows_what_python_finds(tool: Callable[[str], str], request: Any) -> None:
    tool("node")
    for folder, remedy in (("node_modules", "npm ci"), ("vendor", "npm run vendor")):
        if not (WEB / folder).is_dir():
            pytest.skip(f"not run: no web_demo/{folder} (make apps installs it: {remedy})")
    chromium = os.environ.get("CHROMIUM") or tool("chromium")
    expected = request.getfixturevalue("expected")
    run_tests(tool("npm"), "test:page", EXPECTED=str(expected), CHROMIUM=chromium)
