"""What is given out and what it takes: the page's own files, a runtime, sample pictures."""

from __future__ import annotations

import ast
import json
import re
from urllib.parse import urljoin

import pytest

from converters.apps import demos as places
from converters.apps.samples import write_samples
from converters.apps.site import FILES, FOLDERS, RUNTIME, RUNTIME_VERSION, make_site
from converters.bundle.read import open_bundle
from mobileseg.data.images import read_photo
from mobileseg.errors import BadInput


def test_without_a_runtime_the_command_is_named(web, bundle, tmp_path):
    opened = open_bundle(bundle)
    for name in RUNTIME:
        (tmp_path / name).write_text("x")
    assert make_site(web, opened, tmp_path)[f"/vendor/{RUNTIME[0]}"].path.parent == tmp_path
    (tmp_path / RUNTIME[1]).unlink()
    with pytest.raises(
        BadInput, match=rf"{tmp_path}: no {RUNTIME[1]} in it.*npm install onnxruntime-web@1"
    ):
        make_site(web, opened, tmp_path)
    bare = tmp_path / "web"
    bare.mkdir()
    (bare / "index.html").write_text("x")
    with pytest.raises(BadInput, match=r"npm install onnxruntime-web@.*--runtime node_modules"):
        make_site(bare, opened)  # a package's own folder: nothing there to run npm in
    (bare / "package.json").write_text("{}")
    with pytest.raises(BadInput, match=r"npm ci && npm run vendor in .*or .*--runtime DIR"):
        make_site(bare, opened)
    (bare / "index.html").unlink()
    with pytest.raises(BadInput, match=r"no index\.html in it"):
        make_site(bare, opened)


def test_a_runtime_folder_gives_the_runtime_and_nothing_else(web, bundle, tmp_path):
    for name in (*RUNTIME, "ort.all.js", "LICENSE"):
        (tmp_path / name).write_text("x")
    site = make_site(web, open_bundle(bundle), tmp_path)
    assert {page.path.name for page in site.values() if page.path.parent == tmp_path} == {*RUNTIME}


def test_the_runtime_that_is_named_is_the_one_that_is_pinned():
    package = places.CHECKOUT / places.WEB / "package.json"
    if not package.is_file():
        pytest.skip("not run: no checkout")
    assert json.loads(package.read_text())["dependencies"] == {"onnxruntime-web": RUNTIME_VERSION}


def test_a_wheel_ships_what_is_given_out_and_nothing_else():
    hook = places.CHECKOUT / "hatch_build.py"
    if not hook.is_file():
        pytest.skip("not run: no checkout")
    assigned = [one for one in ast.parse(hook.read_text()).body if isinstance(one, ast.Assign)]
    (shipped,) = (one.value for one in assigned if ast.unparse(one.targets[0]) == "SHIPPED")
    assert set(ast.literal_eval(shipped)) == {*FILES, *FOLDERS}


def test_samples_are_three_pictures_and_the_same_every_time(samples, tmp_path):
    listed = json.loads((samples / "index.json").read_text())["samples"]
    assert sorted(one["file"] for one in listed) == sorted(
        p.name for p in samples.iterdir() if p.suffix == ".png"
    )
    shapes = {read_photo(samples / one["file"]).shape for one in listed}
    assert len(shapes) == 3 and min(min(shape[:2]) for shape in shapes) >= 700
    write_samples(tmp_path)
    for path in samples.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_the_page_of_this_checkout_finds_all_that_it_names(bundle, tmp_path):
    """Its own links, and what its modules import, against the table that is served."""
    try:
        web = places.web_folder()
    except BadInput as error:
        pytest.skip(f"not run: {error}")
    for name in RUNTIME:
        (tmp_path / name).write_text("x")
    site = make_site(web, open_bundle(bundle), tmp_path)
    named = [
        urljoin("/", name)
        for name in re.findall(r'(?:href|src)="([^"#:]+)"', (web / "index.html").read_text())
    ]
    kept_offline = re.findall(r"'([\w./-]+\.[a-z]+)',\n", (web / "sw.js").read_text())
    modules = [path for path in site if path.startswith("/src/") and path.endswith(".js")]
    for path in modules:
        imported = re.findall(r"""from\s+["'](\.[^"']+)["']""", site[path].path.read_text())
        named += [urljoin(path, name) for name in imported]
    named += [f"/{name}" for name in kept_offline]
    assert named and modules and kept_offline
    assert [name for name in named if name.partition("?")[0] not in site] == []
