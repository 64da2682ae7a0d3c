"""Bundles into the demo apps: each part of a bundle at the place where its demo looks for it.

Everything is opened and looked at before anything is written. The parts of one demo are written
beside their places and moved there when all are complete, so a failure leaves the demo as it was.
Only what an earlier call has put there is replaced, which a file in it tells.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from converters.apps.compatibility import refuse_unfit
from converters.apps.demos import GOLDENS, Demo, demo_of
from converters.apps.samples import INDEX, write_samples
from converters.bundle.manifest import MANIFEST
from converters.bundle.read import Bundle, open_bundle
from mobileseg.errors import BadInput
from mobileseg.files.atomic import refuse_existing, staged_folder

MODEL_GOLDENS = "goldens"  # of a bundle
EXPECTED = "retina/expected.json"  # every bundle's has it


@dataclass(frozen=True, slots=True)
class Part:
    """Something that goes into a demo."""

    what: str  # for a person
    place: Path
    mark: str  # a file that such a part always holds; a folder without it is not ours
    fill: Callable[[Path], None]  # writes it into a folder that is there and empty

    def refuse(self) -> None:
        """Raise BadInput if something else lies at its place."""
        if self.place.is_symlink():
            raise BadInput(f"{self.place}: found a link; expected a folder or nothing: remove it")
        try:
            refuse_existing(self.place, force=True, mark=self.mark)
        except BadInput:
            raise BadInput(
                f"{self.place}: found files and no {self.mark} among them, so not what bundle-apps "
                "put there; expected nothing else: move them away"
            ) from None


@dataclass(frozen=True, slots=True)
class Bundled:
    """What goes, or went, into one demo."""

    demo: Demo
    root: Path  # the demo's folder
    bundle: Bundle
    parts: tuple[Part, ...]

    @property
    def then(self) -> str:
        """What a person types next."""
        places = {"demo": self.root, "bundle": self.bundle.path}
        return self.demo.then.format_map({k: shlex.quote(str(v)) for k, v in places.items()})


def plan(paths: Sequence[Path], demos: Path, verify_key: Path | None = None) -> list[Bundled]:
    """Open all bundles and look at every place; nothing is written.

    Args:
        demos: the folder that holds the demos.

    Raises:
        BadInput: a bundle is not whole, no demo takes it, its app would refuse it, or two are of
            one target; or a demo or the goldens are not there, or something else lies in a place.
        MissingToolkit: a key, and cryptography is not installed.
    """
    opened: dict[str, Bundle] = {}
    for path in paths:
        bundle = open_bundle(path, verify_key)
        name = bundle.target.name
        demo_of(name, path)
        if name in opened:
            raise BadInput(
                f"{path}: found target {name}, as {opened[name].path} has; expected one bundle for "
                "each demo"
            )
        refuse_unfit(bundle)
        opened[name] = bundle
    planned = [_planned(bundle, demos) for bundle in opened.values()]
    for part in (part for one in planned for part in one.parts):
        part.refuse()
    return planned


def put(planned: Bundled) -> None:
    """Write one demo's parts and move them to their places."""
    with ExitStack() as complete:
        staged = [
            (part, complete.enter_context(staged_folder(part.place, force=True, mark=part.mark)))
            for part in planned.parts
        ]
        for part, folder in staged:
            part.fill(folder)


def _planned(bundle: Bundle, demos: Path) -> Bundled:
    demo = demo_of(bundle.target.name, bundle.path)
    root = demos / demo.folder
    if not root.is_dir():
        raise BadInput(
            f"{root}: no such folder; expected the demo app for {bundle.path}: name the checkout "
            "that has it with --demos DIR"
        )
    what = f"{bundle.target.artifact}, {MANIFEST}"
    parts = [Part(what, root / demo.model, MANIFEST, lambda to: _model(bundle, to))]
    if demo.model_goldens:
        source, place = bundle.path / MODEL_GOLDENS, root / demo.model_goldens
        parts.append(_copied("its goldens", source, place, EXPECTED, "convert the run again"))
    if demo.shared_goldens:
        source, place = demos / GOLDENS, root / demo.shared_goldens
        parts.append(_copied("the shared goldens", source, place, INDEX, "run mobileseg goldens"))
    if demo.samples:
        parts.append(Part("sample pictures", root / demo.samples, INDEX, write_samples))
    return Bundled(demo, root, bundle, tuple(parts))


def _copied(what: str, source: Path, place: Path, mark: str, remedy: str) -> Part:
    """A whole folder."""
    if not (source / mark).is_file():
        raise BadInput(f"{source}: no {mark} in it; expected goldens: {remedy}")
    return Part(what, place, mark, lambda to: _tree(source, to))


def _tree(source: Path, to: Path) -> None:
    shutil.copytree(source, to, dirs_exist_ok=True, copy_function=shutil.copyfile)


def _model(bundle: Bundle, to: Path) -> None:
    artifact = bundle.artifact
    if artifact.is_dir():
        _tree(artifact, to / artifact.name)
    else:
        shutil.copyfile(artifact, to / artifact.name)
    shutil.copyfile(bundle.path / MANIFEST, to / MANIFEST)
