"""Bundles go where each demo looks for them: all or nothing, and over nobody else's files."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.apps import demos as places
from converters.apps import install as bundling
from converters.apps.demos import CHECKOUT, DEMOS, demos_folder, web_folder
from converters.apps.install import plan, put
from converters.bundle.checksums import sums
from converters.bundle.read import open_bundle
from converters.targets import TARGETS
from mobileseg.errors import BadInput
from mobileseg.files.atomic import sha256

ANDROID = Path("android_demo", "app", "src")
Content = dict[str, str]


def content(folder: Path) -> Content:
    """Every file below a folder, and its sum."""
    return {p.relative_to(folder).as_posix(): sha256(p) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="session")
def of_target(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A bundle that says it is of a target.

    Its artifact is TorchScript's: nothing here runs it, and a conversion takes a minute. The
    manifest is what such a conversion writes, and the sums hold.
    """

    def make(name: str, **changes: object) -> Path:
        bundle = Path(shutil.copytree(tiny_bundle, tmp_path_factory.mktemp("of") / name))
        shutil.rmtree(bundle / "evidence", ignore_errors=True)
        artifact = bundle / TARGETS[name].artifact
        if artifact.suffix == ".mlpackage":
            artifact.mkdir()
            (artifact / "Manifest.json").write_text("{}")
            (artifact / "Data").mkdir()
            (bundle / "model.ptl").rename(artifact / "Data" / "weight.bin")
        else:
            (bundle / "model.ptl").rename(artifact)
        manifest = json.loads((bundle / "model.json").read_text())
        height, width = manifest["frames"][0]
        shape = [1, 3, height, width] if name == "coreml" else [1, height, width, 3]
        manifest |= {"target": name, "artifact": artifact.name, **changes}
        manifest["input"]["shape"] = shape
        unlisted = ("model.json", "evidence")
        manifest["files"] = {k: one.to_json() for k, one in sums(bundle, unlisted).items()}
        (bundle / "model.json").write_text(json.dumps(manifest))
        return bundle

    return make


@pytest.fixture(scope="session")
def three(of_target: Callable[..., Path]) -> list[Path]:
    return [of_target(name) for name in DEMOS]


@pytest.fixture
def demos(tmp_path: Path) -> Path:
    """A checkout's demo apps, each with a file of its own, and the shared goldens."""
    folder = tmp_path / "checkout"
    for demo in DEMOS.values():
        own = (folder / demo.folder / demo.model).parent / "own.txt"
        own.parent.mkdir(parents=True)
        own.write_text("the app's own")
    goldens = folder / "tests" / "goldens" / "overlays" / "one"
    goldens.mkdir(parents=True)
    (folder / "tests" / "goldens" / "index.json").write_text("{}")
    (goldens / "frame.rgb").write_bytes(b"abc")
    return folder


def put_all(bundles: list[Path], demos: Path) -> None:
    for one in plan(bundles, demos):
        put(one)


def test_each_part_lies_where_its_demo_looks_for_it(three, demos):
    put_all(three, demos)
    android, ios, _ = three
    model = demos / ANDROID / "main" / "assets" / "model"
    assert content(model) == {
        "model.pte": sha256(android / "model.pte"),
        "model.json": sha256(android / "model.json"),
    }
    assets = demos / ANDROID / "androidTest" / "assets"
    assert content(assets / "model-goldens") == content(android / "goldens")
    assert content(assets / "goldens") == content(demos / "tests" / "goldens")
    inside = content(ios / "model.mlpackage")
    assert content(demos / "ios_demo" / "RetinaDemo" / "Model") == {
        **{f"model.mlpackage/{name}": sum for name, sum in inside.items()},
        "model.json": sha256(ios / "model.json"),
    }
    assert content(demos / "ios_demo" / "RetinaDemoTests" / "ModelGoldens") == content(
        ios / "goldens"
    )
    assert set(content(demos / "web_demo" / "model")) == {"model.onnx", "model.json"}
    listed = json.loads((demos / "web_demo" / "samples" / "index.json").read_text())["samples"]
    assert set(content(demos / "web_demo" / "samples")) == {
        "index.json",
        *(one["file"] for one in listed),
    }
    assert {"retina", "black"} <= {p.name for p in (assets / "model-goldens").iterdir()}


def test_the_demos_own_files_stay_and_nothing_is_left_over(three, demos):
    before = content(demos)
    put_all(three, demos)
    after = content(demos)
    assert before.items() <= after.items()
    assert not list(demos.rglob(".*"))


def test_an_earlier_bundle_is_replaced_whole(of_target, demos):
    first, second = of_target("executorch"), of_target("executorch", variant="other")
    put_all([first], demos)
    model = demos / ANDROID / "main" / "assets" / "model"
    stale = demos / ANDROID / "androidTest" / "assets" / "model-goldens" / "old" / "frame.rgb"
    stale.parent.mkdir()
    stale.write_text("of an earlier model")
    put_all([second], demos)
    assert json.loads((model / "model.json").read_text())["variant"] == "other"
    assert not stale.exists()


@pytest.mark.parametrize("place", ["main/assets/model", "androidTest/assets/goldens"])
def test_what_somebody_else_put_there_is_never_replaced(three, demos, place):
    theirs = demos / ANDROID / place / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    before = content(demos)
    with pytest.raises(BadInput, match=rf"{place}: found files and no .*\.json among them"):
        put_all(three, demos)
    assert content(demos) == before  # of the other demos neither


def test_a_link_is_not_followed(three, demos, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "model.json").write_text("{}")
    (demos / "web_demo" / "model").symlink_to(outside, target_is_directory=True)
    with pytest.raises(BadInput, match="web_demo/model: found a link"):
        put_all(three, demos)
    assert content(outside) == {"model.json": sha256(outside / "model.json")}


def test_a_failure_half_way_leaves_the_demo_as_it_was(of_target, demos, monkeypatch):
    put_all([of_target("onnx")], demos)
    before = content(demos)

    def full(folder: Path) -> None:
        (folder / "phantom-1.png").write_text("half")
        raise OSError(5, "the disk has gone")

    monkeypatch.setattr(bundling, "write_samples", full)
    (one,) = plan([of_target("onnx", variant="other")], demos)
    with pytest.raises(OSError, match="the disk has gone"):
        put(one)
    assert content(demos) == before


def test_one_damaged_bundle_stops_all_before_anything_is_written(three, of_target, demos):
    damaged = of_target("onnx")
    (damaged / "model.onnx").write_bytes(b"changed")
    before = content(demos)
    with pytest.raises(BadInput, match="changed after the conversion"):
        put_all([three[0], damaged], demos)
    assert content(demos) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"graph": "network"}, "found graph 'network'.*mobileseg convert --graph whole"),
        ({"mobileseg": None}, "entry missing or of another kind"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_what_its_app_would_refuse_is_refused_here(of_target, demos, changes, said):
    with pytest.raises(BadInput, match=said):
        plan([of_target("onnx", **changes)], demos)


def test_a_manifest_without_an_entry_that_apps_need_is_refused(of_target, demos):
    bundle = of_target("onnx")
    manifest = json.loads((bundle / "model.json").read_text())
    del manifest["exporter"]
    (bundle / "model.json").write_text(json.dumps(manifest))
    open_bundle(bundle)  # which does not need it
    with pytest.raises(BadInput, match="entry exporter, which the demo app refuses"):
        plan([bundle], demos)


def test_two_of_one_target_are_refused(three, of_target, demos):
    again = of_target("onnx")
    with pytest.raises(BadInput, match=f"{again}: found target onnx, as {three[2]} has"):
        plan([*three, again], demos)


def test_a_target_that_no_demo_runs_is_refused(tiny_bundle, demos):
    with pytest.raises(BadInput) as error:
        plan([tiny_bundle], demos)
    assert str(error.value) == (
        f"{tiny_bundle}: found target torchscript, which no demo app runs; expected one of "
        "executorch, coreml, onnx: mobileseg convert --target executorch"
    )


def test_missing_demos_and_goldens_are_named(three, demos, tmp_path):
    with pytest.raises(BadInput, match="none of android_demo, ios_demo, web_demo in it"):
        demos_folder(tmp_path / "nowhere")
    assert demos_folder(demos) == demos
    (demos / "tests" / "goldens" / "index.json").unlink()
    with pytest.raises(BadInput, match="run mobileseg goldens"):
        plan(three, demos)
    shutil.rmtree(demos / "android_demo")
    with pytest.raises(BadInput, match="android_demo: no such folder; expected the demo app for"):
        plan(three, demos)


def test_the_current_folder_comes_before_the_checkout(demos, monkeypatch, tmp_path):
    monkeypatch.chdir(demos)
    assert demos_folder(None).resolve() == demos.resolve()
    monkeypatch.chdir(tmp_path)
    assert demos_folder(None) == CHECKOUT


def test_the_next_command_can_be_pasted(three, demos):
    android, ios, web = plan(three, demos)
    assert android.then == f"cd {demos}/android_demo && gradle wrapper && ./gradlew installDebug"
    assert ios.then == f"open {demos}/ios_demo/RetinaDemo.xcodeproj"
    assert web.then == f"mobileseg serve {three[2]}"


def test_this_checkouts_demos_ignore_what_is_put_there():
    """Nobody commits a model by accident: each place is in its demo's .gitignore."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("not run: no checkout")
    for demo in DEMOS.values():
        parts = (demo.model, demo.model_goldens, demo.shared_goldens, demo.samples)
        places = [f"{demo.folder}/{part}/x" for part in parts if part]
        done = subprocess.run(
            ["git", "check-ignore", *places], cwd=CHECKOUT, capture_output=True, text=True
        )
        assert done.stdout.split() == places


def test_the_page_is_found_in_a_checkout_and_in_the_package(monkeypatch, tmp_path):
    for name in ("CHECKOUT", "INSTALLED"):
        monkeypatch.setattr(places, name, tmp_path / name)
    with pytest.raises(BadInput, match=r"no index\.html there"):
        web_folder()
    for name in ("INSTALLED", "CHECKOUT"):
        page = tmp_path / name / "web_demo" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("x")
        assert web_folder() == page.parent
