"""An Ed25519 signature over a bundle's manifest, and with it over every file that ships.

The manifest holds size and sum of all other files, so its bytes stand for the bundle. What is
signed begins with words of our own, so that a signature made for something else is none for a
bundle. Ed25519 takes no random numbers: the same run and key give the same bytes. `evidence/`
comes later and is not signed.

`docs/signing.md` says how to make keys with openssl; none is ever made here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileseg.errors import BadInput, MissingToolkit
from mobileseg.files.schema import SHA256, Unfit, entries, kind, one_of, whole
from mobileseg.files.untrusted import read_json, read_plain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SCHEMA = 1
DOMAIN = b"mobileseg bundle manifest, signature 1\n"
PASSPHRASE = "MOBILESEG_KEY_PASSPHRASE"
LARGEST_BYTES = 64 << 10  # of a key or a signature; an Ed25519 key has 119 bytes in PEM
SIGNATURE_BYTES = 64
MAKE_PRIVATE = "openssl genpkey -algorithm ed25519 -out key.pem"
MAKE_PUBLIC = "openssl pkey -in key.pem -pubout -out public.pem"


def _is_signature(text: Any) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == SIGNATURE_BYTES
    except (TypeError, ValueError, binascii.Error):
        return False


SIGNED = entries(
    {
        "schema": whole(SCHEMA, SCHEMA),
        "algorithm": one_of(["ed25519"]),
        "key_sha256": SHA256,
        "signature": kind(f"{SIGNATURE_BYTES} bytes in base64", _is_signature),
    }
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that was read, and what to say about its file."""

    key: Ed25519PrivateKey
    doubt: str | None  # why the file should be looked after better

    @property
    def sha256(self) -> str:
        """Of its public half: what a person compares."""
        return fingerprint(self.key.public_key())

    def sign(self, manifest: bytes) -> dict[str, Any]:
        """What goes into the signature's file."""
        signature = self.key.sign(DOMAIN + manifest)
        return {
            "schema": SCHEMA,
            "algorithm": "ed25519",
            "key_sha256": self.sha256,
            "signature": base64.b64encode(signature).decode(),
        }


def fingerprint(key: Ed25519PublicKey) -> str:
    """What `openssl pkey -pubin -in public.pem -outform DER | sha256sum` prints."""
    from cryptography.hazmat.primitives import serialization

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def read_signing_key(path: Path) -> SigningKey:
    """Read a private key: PEM, PKCS #8, encrypted or not.

    The passphrase of an encrypted one is taken from the environment, where no process list and no
    shell history shows it.

    Raises:
        BadInput: no such key, of another kind, or its passphrase is missing or wrong.
        MissingToolkit: cryptography is not installed.
    """
    _refuse_without_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    content = _pem(path)
    if b"PUBLIC KEY" in content:
        raise BadInput(f"{path}: a public key; expected the private one, which signs")
    key = _private(content, path)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path}: {_named(key)}; expected an Ed25519 key: {MAKE_PRIVATE}")
    return SigningKey(key, _doubt(path))


def _private(content: bytes, path: Path) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    passphrase = os.environ.get(PASSPHRASE)
    encrypted = b"ENCRYPTED" in content
    if encrypted and not passphrase:
        raise BadInput(f"{path}: an encrypted key; expected its passphrase in {PASSPHRASE}")
    try:
        return load_pem_private_key(
            content, passphrase.encode() if encrypted and passphrase else None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        why = (
            f"is the passphrase in {PASSPHRASE} right?"
            if encrypted
            else f"make one: {MAKE_PRIVATE}"
        )
        raise BadInput(f"{path}: not a readable private key in PEM; {why}") from None


def _doubt(path: Path) -> str | None:
    others = path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
    if not others or os.name == "nt":  # Windows keeps its permissions elsewhere
        return None
    return f"{path}: other users can read this private key; chmod 600 keeps it yours"


def refuse_unsigned(manifest: bytes, where: Path, signature: Path, verify_key: Path) -> None:
    """Raise BadInput unless a key's owner signed this very manifest.

    Args:
        manifest: its bytes, before anything of it is believed.
        where: its file, for errors.
        signature: the file beside it.
        verify_key: the public key: PEM, SubjectPublicKeyInfo.

    Raises:
        BadInput: no or another signature, another key's, or the key cannot be read.
        MissingToolkit: cryptography is not installed.
    """
    key = _verify_key(verify_key)
    from cryptography.exceptions import InvalidSignature

    own = fingerprint(key)
    if not signature.exists() and not signature.is_symlink():
        raise BadInput(
            f"{where.parent}: not signed; expected a signature by key {own[:16]}… ({verify_key}): "
            "get the signed bundle, or make it again with mobileseg convert --sign"
        )
    values = read_json(signature, LARGEST_BYTES, links=False)
    try:
        SIGNED(values, "")
    except Unfit as error:
        raise BadInput(f"{signature}: no signature of this version ({error})") from None
    if values["key_sha256"] != own:
        raise BadInput(
            f"{signature}: signed by key {values['key_sha256'][:16]}…; expected {own[:16]}… "
            f"({verify_key}): do not use this bundle unless you trust the other key"
        )
    try:
        key.verify(base64.b64decode(values["signature"]), DOMAIN + manifest)
    except InvalidSignature:
        raise BadInput(
            f"{where}: not what key {own[:16]}… signed: it or its signature was changed; do not "
            "use this bundle, get it again"
        ) from None


def _verify_key(path: Path) -> Ed25519PublicKey:
    _refuse_without_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _pem(path)
    if b"PRIVATE KEY" in content:
        raise BadInput(
            f"{path}: a private key, which stays with whoever signs; expected the public one: "
            f"{MAKE_PUBLIC}"
        )
    try:
        key = load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(
            f"{path}: not a readable public key in PEM; expected one as {MAKE_PUBLIC} writes it"
        ) from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"{path}: {_named(key)}; expected an Ed25519 key")
    return key


def _pem(path: Path) -> bytes:
    try:
        return read_plain(path, LARGEST_BYTES)
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be read ({error.strerror}); expected a key in PEM"
        ) from None


def _named(key: object) -> str:
    """RSAPrivateKey -> a key of kind RSA."""
    name = type(key).__name__.lstrip("_").removesuffix("Key")
    return f"a key of kind {name.removesuffix('Private').removesuffix('Public')}"


def _refuse_without_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise MissingToolkit.install("cryptography", "sign") from None
