"""Where the demo apps lie, and where in each a bundle's files go.

In a checkout the demos stand beside the packages. An installed wheel has the web page alone, as
package data: it is what `mobileseg serve` needs, and the others are of no use without their tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converters.targets import TARGETS
from mobileseg.errors import BadInput

CHECKOUT = Path(__file__).parents[2]
INSTALLED = Path(__file__).parent
WEB = "web_demo"
PAGE = "index.html"
GOLDENS = Path("tests", "goldens")  # of the rules that all apps share, in a checkout


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo app: which bundles it takes, and where their parts go; places are in its folder."""

    target: str
    folder: str
    model: str  # the artifact and its manifest
    then: str  # what a person types next; {demo}, its folder, and {bundle} are filled in
    model_goldens: str | None = None  # frames and what this very model answers
    shared_goldens: str | None = None  # a copy of GOLDENS, where tests can read nothing outside
    samples: str | None = None


DEMOS = {
    demo.target: demo
    for demo in (
        Demo(
            "executorch",
            "android_demo",
            "app/src/main/assets/model",
            "cd {demo} && gradle wrapper && ./gradlew installDebug",
            model_goldens="app/src/androidTest/assets/model-goldens",
            shared_goldens="app/src/androidTest/assets/goldens",
        ),
        Demo(
            "coreml",
            "ios_demo",
            "RetinaDemo/Model",
            "open {demo}/RetinaDemo.xcodeproj",
            model_goldens="RetinaDemoTests/ModelGoldens",
        ),
        Demo("onnx", WEB, "model", "mobileseg serve {bundle}", samples="samples"),
    )
}


def demo_of(target: str, path: Path) -> Demo:
    """The demo that takes a target's bundles.

    Args:
        path: of the bundle, for the error.

    Raises:
        BadInput: no demo takes it.
    """
    if target not in DEMOS:
        able = ", ".join(name for name in TARGETS if name in DEMOS)
        raise BadInput(
            f"{path}: found target {target}, which no demo app runs; expected one of {able}: "
            f"mobileseg convert --target {next(iter(DEMOS))}"
        )
    return DEMOS[target]


def web_folder() -> Path:
    """The web page's folder.

    Raises:
        BadInput: neither a checkout's nor the package's own is there.
    """
    for above in (CHECKOUT, INSTALLED):
        if (above / WEB / PAGE).is_file():
            return above / WEB
    raise BadInput(
        f"{INSTALLED / WEB}: no {PAGE} there, nor in a checkout's {WEB}; expected the web demo, "
        "which the wheel brings: install mobileseg again"
    )


def demos_folder(asked: Path | None) -> Path:
    """The folder that holds the demos: the one asked for, the current one, or the checkout.

    Raises:
        BadInput: none of them holds a demo.
    """
    folders = [demo.folder for demo in DEMOS.values()]
    places = [asked] if asked else [Path(), CHECKOUT]
    for place in places:
        if any((place / folder).is_dir() for folder in folders):
            return place
    raise BadInput(
        f"{asked or Path.cwd()}: none of {', '.join(folders)} in it; expected the checkout of "
        "mobileseg, which alone has the demo apps: name it with --demos DIR"
    )
