"""Beckn signatures: Ed25519 over a few lines of text that hold a BLAKE2b-512 digest of the exact body bytes.

    (created): 1790000000
    (expires): 1790000300
    digest: BLAKE-512=<base64>
    request-signature: <base64>      only in the answer to a request (NFH-004 section 3.3)

Lines are joined by one LF, none at the end. Verification follows ONIX, and refuses what ONIX lets pass or trips over:
a key id that is not three parts, a validity of no or more than an hour, a public key that is not 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from grid.beckn.faults import Refused

Mode = Literal["lts", "nfh004", "lts_countersignature"]

ALGORITHM = "ed25519"
DIGEST_LABEL: dict[str, str] = {"lts": "BLAKE-512", "lts_countersignature": "BLAKE-512", "nfh004": "BLAKE2b-512"}
THREE_LINES = "(created) (expires) digest"
FOUR_LINES = f"{THREE_LINES} request-signature"
FIVE_LINES = f"{THREE_LINES} (request-digest) (message-id)"
LIFETIME_S = 300
MAX_LIFETIME_S = 3600
SKEW_S = 5
SEED_BYTES, KEY_BYTES, SIGNATURE_BYTES = 32, 32, 64
_PARAMETER = re.compile(r'\s*([A-Za-z]+)="([^"]*)"\s*')
_INTEGER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Signature:
    """A parsed ``Signature ...`` header. ``headers`` is None where the attribute is absent."""

    subscriber: str
    key_id: str
    created: int
    expires: int
    headers: str | None
    value: str


def digest_of(body: bytes, mode: Mode = "lts") -> str:
    """``BLAKE-512=<base64>`` of the body bytes."""
    hashed = hashlib.blake2b(body, digest_size=64).digest()
    return f"{DIGEST_LABEL[mode]}={base64.b64encode(hashed).decode()}"


def signing_string(created: int, expires: int, digest: str, extra: Sequence[str] = ()) -> bytes:
    """The bytes that are signed; ``extra`` are whole lines after the digest."""
    return "\n".join((f"(created): {created}", f"(expires): {expires}", f"digest: {digest}", *extra)).encode()


def request_line(request_signature: str) -> str:
    return f"request-signature: {request_signature}"


def sign(
    body: bytes, key: Ed25519PrivateKey, subscriber: str, key_id: str, now: int, request_signature: str | None = None
) -> str:
    """The header value for ``body``, valid for five minutes from ``now`` (Unix seconds).

    request_signature: base64 signature of the request this answers; signs four lines in place of three.
    """
    expires = now + LIFETIME_S
    extra = () if request_signature is None else (request_line(request_signature),)
    value = base64.b64encode(key.sign(signing_string(now, expires, digest_of(body), extra))).decode()
    headers = THREE_LINES if request_signature is None else FOUR_LINES
    return (
        f'Signature keyId="{subscriber}|{key_id}|{ALGORITHM}",algorithm="{ALGORITHM}",created="{now}",'
        f'expires="{expires}",headers="{headers}",signature="{value}"'
    )


def parse_signature(header: str | None, mode: Mode = "lts") -> Signature:
    """The header's parts.

    Raises:
        Refused: no header, no signature in it (missing), or any part malformed (invalid).
    """
    if not header or not header.strip():
        raise Refused("signature_missing", "the message is not signed")
    scheme, _, rest = header.strip().partition(" ")
    if scheme != "Signature":
        raise _invalid(f"authorization scheme {scheme[:20]!r}; Signature is expected")
    parts = _parameters(rest)
    subscriber, key_id = _key_parts(parts.get("keyId", ""), mode)
    if parts.get("algorithm") != ALGORITHM:
        raise _invalid("algorithm is not ed25519")
    for name in ("created", "expires"):
        if not _INTEGER.fullmatch(parts.get(name, "")):
            raise _invalid(f"{name} is not a Unix time")
    if not parts.get("signature"):
        raise Refused("signature_missing", "the header holds no signature")
    return Signature(
        subscriber, key_id, int(parts["created"]), int(parts["expires"]), parts.get("headers"), parts["signature"]
    )


def check_times(signature: Signature, now: int) -> None:
    """Raises Refused where the signature is not yet, no longer, or for too long valid."""
    if signature.created > now + SKEW_S:
        raise _invalid(f"created {signature.created} is ahead of {now}")
    if now > signature.expires:
        raise _invalid(f"expired at {signature.expires}, it is {now}")
    if not signature.created < signature.expires <= signature.created + MAX_LIFETIME_S:
        raise _invalid("it is valid for no time, or for more than an hour")


def verify(
    header: str | None,
    body: bytes,
    public_key: str,
    now: int,
    *,
    stored_request: str | Sequence[str] | None = None,
    response: bool = False,
    strict_headers: bool = False,
    mode: Mode = "lts",
    counter_lines: Sequence[str] = (),
) -> Signature:
    """Check a signature over ``body``.

    Args:
        public_key: base64 of 32 raw bytes, as the registry gives it.
        stored_request: our own earlier signature, or the whole header it came in, that an answer has to name; several
            where the request was sent again and the answer may name any of them.
        response: a ``Signature`` response header, which ONIX declares with four lines even where it signs three.
        strict_headers: refuse a header without its ``headers`` attribute.
        counter_lines: further lines of the dialect ``lts_countersignature``.

    Raises:
        Refused: missing or invalid.
    """
    found = parse_signature(header, mode)
    check_times(found, now)
    value = _decoded(found.value, SIGNATURE_BYTES, "signature")
    key = Ed25519PublicKey.from_public_bytes(_decoded(public_key, KEY_BYTES, "public key"))
    digest = digest_of(body, mode)
    requests = (stored_request,) if isinstance(stored_request, str) else tuple(stored_request or ())
    for extra in _candidates(found, requests, response, strict_headers, mode, counter_lines):
        try:
            key.verify(value, signing_string(found.created, found.expires, digest, extra))
        except InvalidSignature:
            continue
        return found
    raise _invalid("it does not match the body")


def raw_signature(header_or_value: str) -> str:
    """The base64 signature out of a header; anything else is returned as it is."""
    if not header_or_value.startswith("Signature "):
        return header_or_value
    return _parameters(header_or_value[len("Signature ") :]).get("signature", "")


def _candidates(
    found: Signature,
    requests: Sequence[str],
    response: bool,
    strict_headers: bool,
    mode: Mode,
    counter_lines: Sequence[str],
) -> list[tuple[str, ...]]:
    """The lines that may follow the digest, by what the header declares; the most regular reading first."""
    headers = found.headers
    if headers is None:
        if strict_headers:
            raise _invalid("the headers attribute is missing")
        headers = THREE_LINES
    if mode == "lts_countersignature" and headers == FIVE_LINES:
        return [tuple(counter_lines)]
    if headers == THREE_LINES:
        return [()]
    if headers != FOUR_LINES:
        raise _invalid(f"signed headers {headers[:60]!r}; {FOUR_LINES!r} is the most")
    # ONIX keeps the whole header of the request and signs that in place of the bare signature.
    lines: list[tuple[str, ...]] = [(request_line(raw_signature(request)),) for request in requests]
    lines += [(request_line(request),) for request in requests if request.startswith("Signature ")]
    if response:
        lines.append(())
    if not lines:
        raise _invalid("it answers a request that was never sent")
    return lines


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        match = _PARAMETER.fullmatch(part)
        if not match or match[1] in found:
            raise _invalid("the header is malformed")
        found[match[1]] = match[2]
    return found


def _key_parts(text: str, mode: Mode) -> tuple[str, str]:
    parts = text.split("|")
    if mode == "nfh004" and len(parts) == 2 and parts[1] == ALGORITHM and "/" in parts[0]:
        return parts[0].split("/")[0], parts[0].rpartition("/")[2]
    if len(parts) != 3 or not parts[0] or not parts[1] or parts[2] != ALGORITHM:
        raise _invalid("keyId is not <subscriber>|<key id>|ed25519")
    return parts[0], parts[1]


def _decoded(text: str, size: int, what: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(f"the {what} is not base64") from None
    if len(value) != size or base64.b64encode(value).decode() != text:
        raise _invalid(f"the {what} is not {size} bytes in canonical base64")
    return value


def _invalid(message: str) -> Refused:
    return Refused("signature_invalid", f"signature: {message}")
