"""What the tests of serving share: a bundle to change, a page's folder, sample pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from converters.apps.samples import write_samples
from converters.apps.site import RUNTIME, Site, make_site, samples_site
from converters.bundle.read import open_bundle


@pytest.fixture(scope="module")
def bundle(onnx_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the browser's bundle for each file of tests."""
    return Path(shutil.copytree(onnx_bundle, tmp_path_factory.mktemp("served") / "bundle"))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page's folder with all that must be given out, and all that must not."""
    folder = tmp_path_factory.mktemp("web")
    files = {
        "index.html": "<!doctype html>",
        "app.css": "body {}",
        "sw.js": "self",
        "manifest.webmanifest": "{}",
        "icons/icon.svg": "<svg/>",
        "icons/sizes/icon-192.png": "png",
        "src/app.js": "export {}",
        f"vendor/{RUNTIME[0]}": "export {}",
        f"vendor/{RUNTIME[1]}": "wasm",
        "vendor/LICENSE": "MIT",
        "README.md": "secret",
        "package.json": "secret",
        "src/app.test.ts": "secret",
        "src/.env": "secret",
        "src/.hidden/a.js": "secret",
        "test/run.mjs": "secret",
        "node_modules/a/index.js": "secret",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.js").write_text("secret")
    (folder / "src" / "link.js").symlink_to(outside / "secret.js")
    (folder / "src" / "linked").symlink_to(outside, target_is_directory=True)
    return folder


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def site(web: Path, bundle: Path, samples: Path) -> Site:
    return make_site(web, open_bundle(bundle)) | samples_site(samples)
