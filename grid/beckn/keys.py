"""Signing keys: made here, read from the environment or a file, never from a configuration and never logged."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from grid.beckn.signing import SEED_BYTES

KEY_VARIABLE = "BECKN_PRIVATE_KEY"
_LIBSODIUM_BYTES = 64  # seed, then public key


def generate(path: Path) -> str:
    """Make a key pair; the private one goes to ``path``, readable by its owner alone; -> public key, base64.

    Raises FileExistsError rather than replace a key: whoever trusts the old one would be cut off.
    """
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(base64.b64encode(seed).decode() + "\n")
    return public_text(key)


def load(path: Path | None = None) -> Ed25519PrivateKey:
    """The signing key: of ``path`` where one is given, else of the environment variable ``BECKN_PRIVATE_KEY``.

    Raises ValueError without ever quoting what was read.
    """
    if path is not None:
        try:
            text, place = Path(path).read_text(encoding="ascii"), str(path)
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not a key in base64; make one with `deg beckn keys`") from None
    else:
        text, place = os.environ.get(KEY_VARIABLE, ""), f"environment variable {KEY_VARIABLE}"
        if not text.strip():
            raise ValueError(f"{place} is not set; set it, or name a key file with beckn.key_file")
    return parse_private(text.strip(), place)


def parse_private(text: str, place: str) -> Ed25519PrivateKey:
    """A key from base64 of its 32-byte seed, or of libsodium's 64 bytes. Raises ValueError naming ``place``."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{place}: not base64; an Ed25519 seed of 32 bytes in base64 is expected") from None
    if len(raw) not in (SEED_BYTES, _LIBSODIUM_BYTES):
        raise ValueError(f"{place}: {len(raw)} bytes; an Ed25519 seed of 32 bytes in base64 is expected")
    key = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])
    if len(raw) == _LIBSODIUM_BYTES and raw[SEED_BYTES:] != public_bytes(key):
        raise ValueError(f"{place}: its second half is not the public key of its first")
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_text(key: Ed25519PrivateKey) -> str:
    """Base64 of the 32 public bytes, as a registry holds it."""
    return base64.b64encode(public_bytes(key)).decode()
