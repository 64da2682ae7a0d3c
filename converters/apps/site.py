"""What `mobileseg serve` gives out: a table of paths, each with the one file behind it.

A request is looked up in this table and nowhere else. What a browser sends is never joined to a
folder, so `..`, encoded slashes and links lead nowhere, whatever a later change does to the server.
The table is made once: a file that comes later needs a new start, one that changes is read anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converters.apps.demos import PAGE
from converters.bundle.checksums import MOST_BYTES
from converters.bundle.manifest import MANIFEST
from converters.bundle.read import Bundle, artifact_sha256
from mobileseg.errors import BadInput
from mobileseg.files.untrusted import kind_of, read_plain

# Of the page's folder. Its tests, tools and node_modules are nobody's business.
FILES = (PAGE, "app.css", "sw.js", "manifest.webmanifest")
FOLDERS = ("icons", "src", "vendor")
VENDOR = "vendor"
# onnxruntime-web's smallest whole: its code, and the WebAssembly that the code asks for by name.
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
RUNTIME_VERSION = "1.30.0"  # as web_demo/package.json pins it; a test compares them
UTF8 = "; charset=utf-8"
TYPES = {
    ".html": f"text/html{UTF8}",
    ".css": f"text/css{UTF8}",
    ".js": f"text/javascript{UTF8}",
    ".mjs": f"text/javascript{UTF8}",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": f"text/plain{UTF8}",
    "": f"text/plain{UTF8}",  # LICENSE
}  # a file of another ending is not given out


class Changed(Exception):
    """A file is no longer what it was when the bundle was opened."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file under the path that a browser asks for."""

    path: Path
    sha256: str | None = None  # what it has to be; None: whatever it is when asked for

    @property
    def type(self) -> str:
        return TYPES[self.path.suffix]

    def read(self) -> tuple[bytes, str]:
        """The content and its sum.

        Raises:
            OSError: it has gone, or is no plain file any more.
            Changed: it is not what it has to be.
        """
        content = read_plain(self.path, MOST_BYTES, links=False)
        found = hashlib.sha256(content).hexdigest()
        if self.sha256 not in (None, found):
            raise Changed
        return content, found


Site = dict[str, Page]
"""Path as a browser asks for it, decoded and with its leading slash -> what lies behind it."""


def make_site(web: Path, bundle: Bundle, runtime: Path | None = None) -> Site:
    """The page, its runtime and the model.

    Args:
        web: folder of the page.
        runtime: folder of onnxruntime-web, where the page's own is not to be taken.

    Raises:
        BadInput: the page or the runtime is not there.
    """
    site = _under("/", web, FILES)
    if f"/{PAGE}" not in site:
        raise BadInput(f"{web}: no {PAGE} in it; expected the web demo")
    site["/"] = site[f"/{PAGE}"]
    for folder in FOLDERS:
        site |= _under(f"/{folder}/", web / folder)
    if runtime:
        site |= _under(f"/{VENDOR}/", runtime, RUNTIME)
    _refuse_no_runtime(site, runtime or web / VENDOR, web, asked=runtime is not None)
    manifest = bundle.path / MANIFEST
    model = {
        f"/model/{MANIFEST}": Page(manifest, hashlib.sha256(manifest.read_bytes()).hexdigest()),
        f"/model/{bundle.target.artifact}": Page(bundle.artifact, artifact_sha256(bundle)),
    }
    return site | model


def samples_site(folder: Path) -> Site:
    """The sample pictures and their index."""
    return _under("/samples/", folder)


def _under(prefix: str, folder: Path, names: tuple[str, ...] | None = None) -> Site:
    """The plain files of a folder that have a type; or only those of these names."""
    files = [folder / name for name in names] if names is not None else _walk(folder)
    return {
        prefix + path.relative_to(folder).as_posix(): Page(path)
        for path in files
        if path.suffix in TYPES and _is_plain(path)
    }


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is not hidden; links are never followed."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def _is_plain(path: Path) -> bool:
    try:
        return kind_of(path.lstat().st_mode) is None
    except OSError:
        return False


def _refuse_no_runtime(site: Site, folder: Path, web: Path, *, asked: bool) -> None:
    for name in RUNTIME:
        page = site.get(f"/{VENDOR}/{name}")
        if page is None or page.path.parent != folder:
            raise BadInput(
                f"{folder}: no {name} in it; expected onnxruntime-web: {_remedy(web, asked=asked)}"
            )


def _remedy(web: Path, *, asked: bool) -> str:
    """How to come by the runtime; an installed package's own folder is not to be written into."""
    if not asked and (web / "package.json").is_file():
        return f"run npm ci && npm run vendor in {web}, or name a folder with --runtime DIR"
    return (
        f"npm install onnxruntime-web@{RUNTIME_VERSION}, then add --runtime "
        "node_modules/onnxruntime-web/dist"
    )
