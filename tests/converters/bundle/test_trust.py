"""A bundle that somebody prepared: whatever is wrong with it is named before a loader sees it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from converters.bundle import checksums as sums
from converters.bundle.checksums import is_name
from converters.bundle.evidence import read_evidence, write_evidence
from converters.bundle.read import open_bundle
from converters.predict.predictor import open_predictor
from converters.torchscript import converter as torchscript_lite
from mobileseg.errors import BadInput
from mobileseg.files.atomic import read_json, write_json

Damage = Callable[[Path], Any]


@pytest.fixture
def own(tiny_bundle, tmp_path) -> Path:
    """A copy to damage."""
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


@pytest.fixture(autouse=True)
def no_loader(monkeypatch):
    """Whoever opens the artifact fails the test."""

    def load(path: Path):
        pytest.fail(f"{path} was loaded")

    monkeypatch.setattr(torchscript_lite, "load", load)


def refused(folder: Path) -> str:
    """The one line of both ways to open a bundle, in at most five seconds."""
    begun = time.monotonic()
    lines = set()
    for opened in (open_bundle, open_predictor):
        with pytest.raises(BadInput) as caught:
            opened(folder)
        lines.add(str(caught.value))
    assert time.monotonic() - begun < 5
    (line,) = lines
    assert "\n" not in line and line.isprintable() and len(line) < 600
    assert line.startswith(str(folder))
    return line.removeprefix(f"{folder}/")


def changed(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """Edits the manifest."""

    def damage(folder: Path) -> None:
        manifest = read_json(folder / "model.json")
        change(manifest)
        (folder / "model.json").write_text(json.dumps(manifest))

    return damage


def entry(*place: Any, to: Any) -> Damage:
    """Sets an entry of the manifest, however deep it lies."""

    def change(manifest: dict[str, Any]) -> None:
        for step in place[:-1]:
            manifest = manifest[step]
        manifest[place[-1]] = to

    return changed(change)


def named(name: str) -> Damage:
    """Calls a file by another name, in the manifest alone."""
    return changed(lambda m: m["files"].update({name: m["files"].pop("MODEL_CARD.md")}))


def written(text: str | bytes) -> Damage:
    content = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / "model.json").write_bytes(content)


# Files.


def link_to_a_copy(folder: Path) -> None:
    path = folder / "model.ptl"
    path.rename(folder.parent / "elsewhere.ptl")
    path.symlink_to(folder.parent / "elsewhere.ptl")


def link_to_a_folder(folder: Path) -> None:
    (folder / "goldens").rename(folder.parent / "goldens")
    (folder / "goldens").symlink_to(folder.parent / "goldens")


def link_that_leads_nowhere(folder: Path) -> None:
    (folder / "goldens" / "more").symlink_to("nowhere")


def link_in_the_evidence(folder: Path) -> None:
    (folder / "evidence").mkdir()
    (folder / "evidence" / "parity.json").symlink_to(folder / "model.json")


def link_as_evidence(folder: Path) -> None:
    (folder / "evidence").symlink_to(folder.parent)


def manifest_as_a_link(folder: Path) -> None:
    (folder / "model.json").rename(folder.parent / "model.json")
    (folder / "model.json").symlink_to(folder.parent / "model.json")


def pipe(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return damage


def listening(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("extra")
    os.chdir(here)


def as_a_folder(folder: Path) -> None:
    (folder / "model.json").unlink()
    (folder / "model.json").mkdir()


def grown(folder: Path) -> None:
    """A terabyte that takes no room on the disk."""
    os.truncate(folder / "model.ptl", 1 << 40)


def grown_and_declared(folder: Path) -> None:
    grown(folder)
    entry("files", "model.ptl", "bytes", to=1 << 40)(folder)


def huge_manifest(folder: Path) -> None:
    os.truncate(folder / "model.json", 1 << 40)


def many_files(folder: Path) -> None:
    (folder / "goldens" / "many").mkdir()
    for i in range(sums.MOST_FILES + 1):
        (folder / "goldens" / "many" / str(i)).touch()


def odd_name(folder: Path) -> None:
    (folder / "goldens" / "a\nb\x1b[31m").write_text("x")


FILES: dict[Damage, str] = {
    link_to_a_copy: "model.ptl: found a link; expected a plain file",
    link_to_a_folder: "goldens: found a link; expected a plain file",
    link_that_leads_nowhere: "goldens/more: found a link",
    link_in_the_evidence: "evidence/parity.json: found a link",
    link_as_evidence: "evidence: found a link",
    manifest_as_a_link: "model.json: cannot be read (a link, not a plain file)",
    pipe("model.json"): "model.json: cannot be read (a pipe, not a plain file)",
    pipe("model.ptl"): "model.ptl: found a pipe; expected a plain file",
    pipe("goldens/extra"): "goldens/extra: found a pipe",
    listening: "extra: found a socket",
    as_a_folder: "model.json: cannot be read (a folder, not a plain file)",
    grown: f"model.ptl: found {1 << 40} bytes; expected ",
    grown_and_declared: f"bytes: found {1 << 40}, expected a whole number 0..",
    huge_manifest: f"model.json: cannot be read ({1 << 40} bytes, more than ",
    many_files: "more than 4096 files; expected a bundle's few",
    odd_name: "'goldens/a\\nb\\x1b[31m': model.json lists no such file; remove it",
}


@pytest.mark.parametrize("damage", FILES, ids=lambda d: d.__name__)
def test_what_is_no_plain_file_of_its_size_is_refused_by_name(damage, own):
    open_bundle(own)  # whole until now
    damage(own)
    assert FILES[damage] in refused(own)


def test_a_device_is_refused_by_name(own):
    try:
        os.mknod(own / "goldens" / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    except OSError as error:
        pytest.skip(f"not run: no device can be made here ({error})")
    assert "goldens/zero: found a device" in refused(own)


def test_a_file_that_grows_while_it_is_read_is_no_endless_work(own):
    """Of a file behind a stable size no more than a byte is read beyond it."""
    path = own / "model.ptl"
    size = path.stat().st_size
    whole = sums._sha256(path, size)
    assert whole == sha256(path.read_bytes()).hexdigest()
    with path.open("ab") as file:
        file.write(bytes(1000))
    assert sums._sha256(path, size) == sha256(path.read_bytes()[: size + 1]).hexdigest() != whole


def test_sizes_are_looked_at_before_any_file_is_read(own, monkeypatch):
    monkeypatch.setattr(sums, "_sha256", lambda *_: pytest.fail("a file was read"))
    (own / "reference" / "run.txt").write_text("new")
    assert "reference/run.txt: model.json lists no such file" in refused(own)


def test_a_bundle_may_be_reached_by_a_link_of_its_owners(own, tmp_path):
    (tmp_path / "link").symlink_to(own)
    assert open_bundle(tmp_path / "link").target.name == "torchscript"


# Names.

NO_NAMES = [
    "../MODEL_CARD.md",
    "goldens/../MODEL_CARD.md",
    "/etc/passwd",
    "goldens//x",
    "./MODEL_CARD.md",
    "goldens/./x",
    "goldens/",
    "/",
    "",
    ".",
    "..",
    "goldens\\x",
    "C:x",
    "C:/x",
    "a\x00b",
    "a\nb",
    "a\x1b[31mb",
    "a b",
    "é",
    "name.",
    ".hidden",
    "\u202egpj.exe",
    "x" * 201,
    "file://x",
    "~/x ",
]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_a_path_that_could_lead_out_of_the_bundle_is_refused(name, own):
    assert not is_name(name)
    named(name)(own)
    said = refused(own)
    assert said.startswith("model.json: entry missing or of another kind (files's key: found ")
    assert "expected a path inside the bundle" in said


def test_every_name_that_a_bundle_has_is_one(tiny_bundle):
    names = read_json(tiny_bundle / "model.json")["files"]
    assert len(names) > 8 and all(map(is_name, names))
    assert is_name("model.mlpackage/Data/com.apple.CoreML/weights/weight.bin")


# What the manifest says.

SUM = {"sha256": 64 * "0", "bytes": 1}
ENTRIES: dict[str, tuple[Damage, str]] = {
    "older": (entry("schema", to=1), "found schema 1; expected 3: convert the run again"),
    "newer": (entry("schema", to=4), "schema 4, made by a newer mobileseg; this one, "),
    "schema true": (entry("schema", to=True), "found schema True; expected 3"),
    "schema text": (entry("schema", to="2"), "found schema '2'; expected 3"),
    "schema list": (entry("schema", to=[2]), "found schema [2]; expected 3"),
    "target": (entry("target", to="tflite"), "target: found 'tflite', expected one of executorch"),
    "target list": (entry("target", to=["torchscript"]), "target: found ['torchscript']"),
    "precision": (entry("precision", to="fp16"), "precision: found 'fp16', expected one of fp32"),
    "precision dict": (entry("precision", to={}), "precision: found {}"),
    "graph": (entry("graph", to="half"), "graph: found 'half', expected one of whole, network"),
    "backend": (entry("backend", to="coreml"), "backend: found 'coreml'"),
    "head": (entry("head", to="masks"), "head: found 'masks', expected one of probabil"),
    "execution": (entry("member_execution", to="x"), "member_execution: found 'x', expected one"),
    "artifact": (entry("artifact", to="model.pte"), "artifact: found model.pte, exp"),
    "no frame": (entry("frames", to=[]), "frames: found 0 of them, expected a list of 1..128"),
    "two frames": (entry("frames", to=[[64, 64], [96, 96]]), "frames: found 2, expected one for"),
    "frame of three": (entry("frames", to=[[64, 64, 64]]), "frames[0]: found 3 of them"),
    "frame of text": (entry("frames", to=[["64", 64]]), "frames[0][0]: found '64'"),
    "frame of parts": (entry("frames", to=[[64.0, 64]]), "frames[0][0]: found 64.0"),
    "frame below 0": (entry("frames", to=[[-64, 64]]), "frames[0][0]: found -64"),
    "frame huge": (entry("frames", to=[[10**9, 64]]), "frames[0][0]: found 1000000000"),
    "frame true": (entry("frames", to=[[True, 64]]), "frames[0][0]: found True"),
    "no lesion": (entry("lesions", to=[]), "lesions: found 0 of them"),
    "lesion": (entry("lesions", 0, "code", to="ex"), "lesions[0].code: found 'ex', expected a cap"),
    "lesion long": (entry("lesions", 0, "code", to="A" * 9), "lesions[0].code: found 'AAAAAAAAA'"),
    "undeclared": (entry("lesions", 0, "code", to="XX"), "found lesions XX; expected EX, those"),
    "lesion list": (entry("lesions", 0, "code", to=[]), "lesions[0].code: found []"),
    "other lesion": (entry("lesions", 0, "code", to="MA"), "found lesions MA; expected EX, those"),
    "lesion twice": (changed(lambda m: m["lesions"].append(m["lesions"][0])), "lesion EX: found 2"),
    "threshold": (entry("lesions", 0, "threshold", to=1.5), "lesions[0].threshold: found 1.5, exp"),
    "threshold text": (entry("lesions", 0, "threshold", to="0.5"), "threshold: found '0.5'"),
    "threshold true": (entry("lesions", 0, "threshold", to=True), "threshold: found True"),
    "threshold none": (changed(lambda m: m["lesions"][0].pop("threshold")), "lesions[0].threshold"),
    "colour": (entry("lesions", 0, "colour", to=[1, 2, 300]), "lesions[0].colour[2]: found 300"),
    "members": (entry("members", to="one"), "members: found 'one', expected a list of 1..64"),
    "member": (entry("members", 0, "sd", to=[0, 1, 1]), "members[0].sd[0]: found 0, expected a n"),
    "preprocess": (entry("preprocess", "side_px", to="64"), "preprocess.side_px: found '64'"),
    "input": (entry("input", "shape", to=[[]]), "input.shape[0]: found []"),
    "outputs": (entry("outputs", to={}), "outputs: found {}"),
    "exporter": (entry("exporter", to={"torch": 2}), "exporter.torch: found 2"),
    "files list": (entry("files", to=[]), "files: found [], expected an object"),
    "files empty": (entry("files", to={}), "files: found no model.ptl"),
    "no artifact": (changed(lambda m: m["files"].pop("model.ptl")), "files: found no model.ptl"),
    "artifact inside": (
        changed(lambda m: m["files"].update({"model.ptl/x": m["files"].pop("model.ptl")})),
        "files: found no model.ptl",
    ),
    "no reference": (
        changed(lambda m: m["files"].pop("reference/config.json")),
        "files: found no reference/config.json",
    ),
    "sum": (entry("files", "model.ptl", "sha256", to="0"), "model.ptl.sha256: found '0', expec"),
    "sum upper": (entry("files", "model.ptl", "sha256", to=64 * "A"), "expected 64 hexadecimal"),
    "sum none": (entry("files", "model.ptl", to={"bytes": 3}), "'files.model.ptl.sha256'"),
    "bytes": (entry("files", "model.ptl", "bytes", to=-1), "bytes: found -1, expected a whole"),
    "bytes text": (entry("files", "model.ptl", "bytes", to="9"), "bytes: found '9'"),
    "bytes parts": (entry("files", "model.ptl", "bytes", to=9.0), "bytes: found 9.0"),
    "bytes together": (
        changed(lambda m: [one.update(bytes=7 << 30) for one in m["files"].values()]),
        "bytes together, expected at most 8589934592",
    ),
    "two cases": (
        changed(lambda m: m["files"].update({"model_card.MD": SUM})),
        "files, whatever their case: model_card.md: found 2 times, expected once",
    ),
    "itself": (entry("files", "Model.JSON", to=SUM), "files.Model.JSON: found a sum"),
    "evidence": (entry("files", "evidence/x", to=SUM), "files.evidence/x: found a sum"),
    "too many": (
        changed(lambda m: m["files"].update({f"f{i}": SUM for i in range(5000)})),
        "expected an object of at most 4096",
    ),
    "deep": (written("[" * 100_000), "cannot be read as JSON (maximum recursion"),
    "rather deep": (written('{"schema":2,"a":' + "[" * 40 + "]" * 40 + "}"), "nested more than 32"),
    "key twice": (written('{"schema": 2, "schema": 2}'), "'schema' stands twice in one object"),
    "NaN": (written('{"schema": NaN}'), "(schema: NaN is no number)"),
    "infinity": (written('{"schema": -Infinity}'), "(schema: -Infinity is no number)"),
    "1e999": (written('{"schema": 1e999}'), "(schema: 1e999 is beyond what a double holds)"),
    "long number": (written('{"schema": ' + "9" * 5000 + "}"), "(a whole number of 5000 digits)"),
    "half a character": (written('{"schema": 2, "a": "\\ud800"}'), "surrogates not allowed"),
    "no UTF-8": (written(b'{"schema": "\xff"}'), "cannot be read as JSON ('utf-8' codec"),
    "byte order mark": (written('\ufeff{"schema": 2}'), "cannot be read as JSON"),
    "empty": (written(""), "cannot be read as JSON"),
    "too large": (written(" " * (5 << 20)), "cannot be read (5242880 bytes, more than 4194304)"),
    "long text": (entry("target", to="x" * 100_000), "target: found 'xxxx"),
    "control characters": (entry("target", to="\x1b[2J\n"), "target: found '\\x1b[2J\\n'"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENTRIES)
def test_a_manifest_that_says_what_cannot_be_is_refused(name, own):
    damage, said = ENTRIES[name]
    damage(own)
    found = refused(own)
    assert found.startswith("model.json: ") and said in found, found


def test_every_entry_that_is_read_back_is_looked_at(own):
    """Whatever stands at any place of the manifest: an answer or a line, never a traceback."""
    manifest = read_json(own / "model.json")
    places = list(leaves(manifest))
    assert len(places) > 50
    for place in places:
        for value in (None, -1, "x\x00", [], {}):
            entry(*place, to=value)(own)
            try:
                opened = open_bundle(own)
                assert opened.order and opened.artifact and opened.frame_hw
            except BadInput as error:
                assert "\n" not in str(error)
            write_json(own / "model.json", manifest)
    open_bundle(own)


def leaves(value: Any, place: tuple[Any, ...] = ()) -> Any:
    """The place of every entry, objects and lists included."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inside:
        yield (*place, name)
        if isinstance(one, dict | list):
            yield from leaves(one, (*place, name))


def test_what_a_later_version_adds_is_nobodys_business(own):
    entry("added", to={"by": "a later one"})(own)
    assert open_bundle(own).manifest["added"] == {"by": "a later one"}


def test_a_references_config_is_looked_at_with_its_right_sum(own):
    path = own / "reference" / "config.json"
    values = read_json(path)
    values["thresholds"] = {"EX": [0.5]}
    content = json.dumps(values).encode()
    path.write_bytes(content)
    listed = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    entry("files", "reference/config.json", to=listed)(own)
    said = refused(own)
    assert said.startswith("reference/config.json: entry missing or of another kind (thresholds.EX")


# Evidence.


def test_evidence_is_read_back_and_none_is_none(own):
    bundle = open_bundle(own)
    assert read_evidence(bundle, "parity") is None
    write_evidence(bundle, "parity", {"verdict": "agrees"})
    found = read_evidence(bundle, "parity")
    assert found is not None and found["measured"] == {"verdict": "agrees"}


def test_evidence_of_another_artifact_is_refused(own):
    bundle = open_bundle(own)
    write_evidence(bundle, "parity", {"verdict": "agrees"})
    path = own / "evidence" / "parity.json"
    write_json(path, read_json(path) | {"artifact_sha256": 64 * "0"})
    with pytest.raises(BadInput) as caught:
        read_evidence(bundle, "parity")
    assert str(caught.value).startswith(f"{path}: measured on sha256 000000000000…; expected ")
    assert str(caught.value).endswith("remove it and measure again")


NO_EVIDENCE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a list": (lambda p: p.write_text("[]"), "no evidence (it: found [], expected an object)"),
    "no sum": (lambda p: p.write_text('{"measured": {}}'), "no evidence ('artifact_sha256')"),
    "a link": (
        lambda p: (p.unlink(), p.symlink_to(p.parent.parent / "model.json")),
        "(a link, not",
    ),
    "a pipe": (lambda p: (p.unlink(), os.mkfifo(p)), "(a pipe, not a plain file)"),
    "huge": (lambda p: os.truncate(p, 1 << 40), f"({1 << 40} bytes, more than"),
}


@pytest.mark.parametrize("name", NO_EVIDENCE)
def test_what_is_no_evidence_is_refused(name, own):
    bundle = open_bundle(own)
    write_evidence(bundle, "parity", {})
    damage, said = NO_EVIDENCE[name]
    damage(own / "evidence" / "parity.json")
    with pytest.raises(BadInput) as caught:
        read_evidence(bundle, "parity")
    assert said in str(caught.value)
