"""A signature holds for one manifest and one key, and is asked for before anything is believed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from converters.bundle.evidence import write_evidence
from converters.bundle.read import open_bundle, write_bundle
from converters.bundle.signing import DOMAIN, PASSPHRASE, fingerprint, read_signing_key
from converters.targets import target
from mobileseg.cli import cli, main
from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files.atomic import read_json, write_json

pytest.importorskip("cryptography", reason="not run: cryptography is not installed")

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FRAME_HW = (128, 160)
PEM = serialization.Encoding.PEM


def write_private(path: Path, key, passphrase: bytes | None = None) -> Path:
    how = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how))
    path.chmod(0o600)
    return path


def write_public(path: Path, key) -> Path:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(PEM, form))
    return path


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """key.pem and public.pem; other.pem, which did not sign; locked.pem, the first encrypted."""
    folder = tmp_path_factory.mktemp("keys")
    key = Ed25519PrivateKey.generate()
    write_private(folder / "key.pem", key)
    write_private(folder / "locked.pem", key, b"open sesame")
    write_public(folder / "public.pem", key)
    other = Ed25519PrivateKey.generate()
    write_private(folder / "other-key.pem", other)
    write_public(folder / "other.pem", other)
    return folder


def convert(run, into: Path, key: Path) -> Path:
    row = target("torchscript")
    write_bundle(run, into, target=row, order=row.order([FRAME_HW]), sign=read_signing_key(key))
    return into


@pytest.fixture(scope="module")
def signed(tiny_run, keys, tmp_path_factory) -> Path:
    """The tiny run's bundle, signed. Copy before changing it."""
    return convert(tiny_run, tmp_path_factory.mktemp("signed") / "bundle", keys / "key.pem")


@pytest.fixture
def own(signed, tmp_path) -> Path:
    return shutil.copytree(signed, tmp_path / "bundle")


def test_a_signed_bundle_opens_with_its_key_and_without(signed, keys):
    manifest = open_bundle(signed).manifest
    assert open_bundle(signed, keys / "public.pem").manifest == manifest
    assert "model.json.sig" not in manifest["files"]
    kept = read_json(signed / "model.json.sig")
    assert set(kept) == {"schema", "algorithm", "key_sha256", "signature"}
    key = Ed25519PrivateKey.from_private_bytes(private_bytes(keys / "key.pem"))
    assert kept["key_sha256"] == fingerprint(key.public_key())
    assert base64.b64decode(kept["signature"]) == key.sign(
        DOMAIN + (signed / "model.json").read_bytes()
    )


def private_bytes(path: Path) -> bytes:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    raw = serialization.Encoding.Raw, serialization.PrivateFormat.Raw
    return key.private_bytes(*raw, serialization.NoEncryption())


def test_the_same_run_and_key_give_the_same_bytes(signed, tiny_run, keys, tmp_path):
    again = convert(tiny_run, tmp_path / "again", keys / "key.pem")
    for name in ("model.json", "model.json.sig"):
        assert (again / name).read_bytes() == (signed / name).read_bytes()


def test_evidence_may_come_after_the_signature(own, keys):
    write_evidence(open_bundle(own), "parity", {"verdict": "agrees"})
    open_bundle(own, keys / "public.pem")


def flip_a_weight(folder: Path) -> None:
    content = bytearray((folder / "model.ptl").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.ptl").write_bytes(content)


def flip_a_weight_and_mend_its_sum(folder: Path) -> None:
    flip_a_weight(folder)
    manifest = read_json(folder / "model.json")
    now = sha256((folder / "model.ptl").read_bytes()).hexdigest()
    manifest["files"]["model.ptl"]["sha256"] = now
    write_json(folder / "model.json", manifest)


def edit_a_threshold(folder: Path) -> None:
    manifest = read_json(folder / "model.json")
    manifest["lesions"][0]["threshold"] = 0.99
    write_json(folder / "model.json", manifest)


def add_a_space(folder: Path) -> None:
    with (folder / "model.json").open("a") as file:
        file.write(" ")


def no_manifest_at_all(folder: Path) -> None:
    (folder / "model.json").write_text("[[[")


def drop_the_signature(folder: Path) -> None:
    (folder / "model.json.sig").unlink()


def edited(**entries: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "model.json.sig"
        path.write_text(json.dumps(read_json(path) | entries))

    return damage


def signature_as_a_link(folder: Path) -> None:
    path = folder / "model.json.sig"
    path.rename(folder.parent / "sig")
    path.symlink_to(folder.parent / "sig")


def signature_as_a_pipe(folder: Path) -> None:
    (folder / "model.json.sig").unlink()
    os.mkfifo(folder / "model.json.sig")


def huge_signature(folder: Path) -> None:
    os.truncate(folder / "model.json.sig", 1 << 40)


def of_another_use(folder: Path) -> None:
    """The right key over the right bytes, but without the words that make it a bundle's."""
    key = Ed25519PrivateKey.from_private_bytes(private_bytes(folder.parent / "key.pem"))
    signature = base64.b64encode(key.sign((folder / "model.json").read_bytes())).decode()
    edited(signature=signature)(folder)


NOT_SIGNED = "model.json: not what key "
DAMAGES: dict[Callable[[Path], None], str] = {
    flip_a_weight: "model.ptl: found sha256 ",
    flip_a_weight_and_mend_its_sum: NOT_SIGNED,
    edit_a_threshold: NOT_SIGNED,
    add_a_space: NOT_SIGNED,
    no_manifest_at_all: NOT_SIGNED,  # nothing of it was believed before
    drop_the_signature: ": not signed; expected a signature by key ",
    edited(signature=base64.b64encode(bytes(64)).decode()): NOT_SIGNED,
    edited(signature=base64.b64encode(bytes(63)).decode()): "signature: found 'AAAA",
    edited(signature="%"): "no signature of this version (signature: found '%', expected 64 bytes",
    edited(signature=None): "signature: found None, expected 64 bytes in base64",
    edited(signature=[]): "signature: found [], expected 64 bytes in base64",
    edited(algorithm="none"): "algorithm: found 'none', expected one of ed25519",
    edited(schema=2): "schema: found 2, expected a whole number 1..1",
    edited(key_sha256=64 * "0"): "signed by key 0000000000000000…; expected ",
    of_another_use: NOT_SIGNED,
    signature_as_a_link: "model.json.sig: cannot be read as JSON (a link, not a plain file)",
    signature_as_a_pipe: "model.json.sig: cannot be read as JSON (a pipe, not a plain file)",
    huge_signature: f"model.json.sig: cannot be read as JSON ({1 << 40} bytes, more than 65536)",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_not_signed_is_refused(damage, own, keys):
    shutil.copy(keys / "key.pem", own.parent)
    open_bundle(own, keys / "public.pem")  # whole until now
    damage(own)
    with pytest.raises(BadInput) as caught:
        open_bundle(own, keys / "public.pem")
    assert str(caught.value).startswith(str(own)) and DAMAGES[damage] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_key_is_refused_and_both_are_named(signed, keys):
    with pytest.raises(BadInput) as caught:
        open_bundle(signed, keys / "other.pem")
    own = read_signing_key(keys / "key.pem").sha256[:16]
    other = read_signing_key(keys / "other-key.pem").sha256[:16]
    assert str(caught.value).startswith(f"{signed / 'model.json.sig'}: signed by key {own}…; ")
    assert f"expected {other}… ({keys / 'other.pem'})" in str(caught.value)


def test_an_unsigned_bundle_opens_only_where_no_key_is_asked_for(tiny_bundle, keys):
    open_bundle(tiny_bundle)
    with pytest.raises(BadInput, match=r": not signed; expected a signature by key "):
        open_bundle(tiny_bundle, keys / "public.pem")


def test_convert_signs_says_by_whom_and_doubts_a_key_that_all_can_read(
    tiny_run, keys, tmp_path, monkeypatch, capsys
):
    key = Path(shutil.copy(keys / "key.pem", tmp_path))
    key.chmod(0o644)
    given = ["convert", tiny_run.path, "-t", "torchscript", "--sign", key, "-o", tmp_path / "b"]
    monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, given)])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    assert stop.value.code == 0, said.err
    assert f", signed by key {read_signing_key(key).sha256[:16]}…" in said.out
    assert f"{key}: other users can read this private key" in said.err
    open_bundle(tmp_path / "b", keys / "public.pem")


@pytest.mark.parametrize("name", ["public.pem", "locked.pem", "none.pem"])
def test_convert_with_a_key_that_cannot_sign_writes_nothing(
    name, tiny_run, keys, tmp_path, monkeypatch, capsys
):
    key, into = keys / name, tmp_path / "b"
    given = ["convert", tiny_run.path, "-t", "torchscript", "--sign", key, "-o", into]
    monkeypatch.setattr(sys, "argv", ["mobileseg", *map(str, given)])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr()
    assert (stop.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    assert line.startswith(f"mobileseg: {key}: ")
    assert list(tmp_path.iterdir()) == []


# Keys.


def some_key(kind: str, folder: Path) -> Path:
    makes = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": Ed25519PrivateKey.generate,
    }
    return write_private(folder / f"{kind}.pem", makes[kind]())


def test_an_encrypted_key_is_opened_with_the_environments_passphrase(keys, monkeypatch):
    monkeypatch.setenv(PASSPHRASE, "open sesame")
    locked = read_signing_key(keys / "locked.pem")
    assert locked.sha256 == read_signing_key(keys / "key.pem").sha256  # which needs none
    monkeypatch.setenv(PASSPHRASE, "wrong")
    with pytest.raises(BadInput, match=f"is the passphrase in {PASSPHRASE} right"):
        read_signing_key(keys / "locked.pem")
    monkeypatch.delenv(PASSPHRASE)
    with pytest.raises(BadInput) as caught:
        read_signing_key(keys / "locked.pem")
    line = f"{keys / 'locked.pem'}: an encrypted key; expected its passphrase in {PASSPHRASE}"
    assert str(caught.value) == line


@pytest.mark.parametrize(("kind", "said"), [("rsa", "kind RSA"), ("ec", "kind E")])
def test_a_key_of_another_kind_is_refused(kind, said, own, tmp_path):
    private = some_key(kind, tmp_path)
    with pytest.raises(BadInput, match=rf"a key of {said}\w*; expected an Ed25519 key: openssl"):
        read_signing_key(private)
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    with pytest.raises(BadInput, match=rf"a key of {said}\w*; expected an Ed25519 key"):
        open_bundle(own, write_public(tmp_path / "public.pem", key))


def test_the_two_halves_of_a_key_are_not_mixed_up(own, keys):
    with pytest.raises(BadInput, match=r"public\.pem: a public key; expected the private one"):
        read_signing_key(keys / "public.pem")
    with pytest.raises(BadInput, match=r"key\.pem: a private key, which stays with whoever signs"):
        open_bundle(own, keys / "key.pem")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "cannot be read (No such file or directory); expected a key in PEM"),
        (lambda p: p.mkdir(), "cannot be read (a folder, not a plain file)"),
        (os.mkfifo, "cannot be read (a pipe, not a plain file)"),
        (lambda p: p.write_bytes(b""), "not a readable p"),
        (lambda p: p.write_bytes(bytes(70_000)), "cannot be read (70000 bytes, more than 65536)"),
        (lambda p: p.write_text("-----BEGIN KEY-----\n!\n-----END KEY-----\n"), "not a readable p"),
    ],
    ids=["none", "folder", "pipe", "empty", "large", "garbage"],
)
def test_what_is_no_key_is_refused_by_name(make, said, own, tmp_path):
    path = tmp_path / "it.pem"
    make(path)
    for refuse in (lambda: read_signing_key(path), lambda: open_bundle(own, path)):
        with pytest.raises(BadInput) as caught:
            refuse()
        assert str(caught.value).startswith(f"{path}: {said}")
        assert "\n" not in str(caught.value)


def test_a_key_that_others_can_read_is_doubted(keys, tmp_path):
    assert read_signing_key(keys / "key.pem").doubt is None
    path = Path(shutil.copy(keys / "key.pem", tmp_path))
    path.chmod(0o644)
    doubt = read_signing_key(path).doubt
    assert doubt == f"{path}: other users can read this private key; chmod 600 keeps it yours"


def test_without_the_library_its_extra_is_named(keys, signed, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    for refuse in (
        lambda: read_signing_key(keys / "key.pem"),
        lambda: open_bundle(signed, keys / "public.pem"),
    ):
        with pytest.raises(MissingToolkit, match=r"pip install 'mobileseg\[sign\]'"):
            refuse()
    open_bundle(signed)  # needs none


def openssl(*arguments: str | Path, cwd: Path) -> bytes:
    if not shutil.which("openssl"):
        pytest.skip("not run: no openssl")
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=cwd, capture_output=True)
    if done.returncode:
        pytest.skip(f"not run: this openssl knows no Ed25519 ({done.stderr.decode().strip()})")
    return done.stdout


def commands(page: str) -> list[list[str]]:
    """The openssl commands of a text, as docs/signing.md and `convert --help` show them."""
    lines = (line.strip().split(" && ")[0] for line in page.splitlines())
    found = [line.split()[1:] for line in lines if line.startswith("openssl") and "|" not in line]
    return list(dict.fromkeys(map(tuple, found)))  # type: ignore[arg-type]


def test_the_documented_commands_make_keys_that_sign_and_check(own, tmp_path):
    repository = Path(__file__).parents[3]
    asked = commands((repository / "docs" / "signing.md").read_text())
    convert_help = cli.get_command(None, "convert").help  # type: ignore[arg-type, union-attr]
    assert asked == commands(convert_help) and len(asked) == 2
    for arguments in asked:
        openssl(*arguments, cwd=tmp_path)
    signature = read_signing_key(tmp_path / "key.pem").sign((own / "model.json").read_bytes())
    write_json(own / "model.json.sig", signature)
    open_bundle(own, tmp_path / "public.pem")
    der = openssl("pkey", "-pubin", "-in", "public.pem", "-outform", "DER", cwd=tmp_path)
    assert signature["key_sha256"] == sha256(der).hexdigest()


def test_openssl_checks_what_we_signed(signed, keys, tmp_path):
    """The format is not ours alone: raw Ed25519 over documented bytes."""
    openssl("version", cwd=tmp_path)
    (tmp_path / "signed").write_bytes(DOMAIN + (signed / "model.json").read_bytes())
    signature = base64.b64decode(read_json(signed / "model.json.sig")["signature"])
    (tmp_path / "sig").write_bytes(signature)
    asked = ("pkeyutl", "-verify", "-pubin", "-inkey", keys / "public.pem", "-rawin")
    said = openssl(*asked, "-in", "signed", "-sigfile", "sig", cwd=tmp_path)
    assert b"Signature Verified Successfully" in said
