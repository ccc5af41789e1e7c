"""``python -m grid.beckn.vectors FILE``: a line per signing vector, exit 1 where a verdict is not the stated one.

The verdict is computed from body, header, key and clock alone and only then compared with ``expect``, ``error_code``
and ``http_status``. A vector with ``after`` is delivered once more after the one it names: the runner is strict, so the
same message twice is a duplicate.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid.beckn.faults import Refused
from grid.beckn.signing import Signature, digest_of, verify
from grid.beckn.wire import decode

Vector = Mapping[str, Any]
Verdict = tuple[str, str | None, int]  # valid | invalid | replay, code, HTTP status


def judge(vector: Vector, by_name: Mapping[str, Vector]) -> Verdict:
    """What a verifier says of one vector."""
    try:
        found = _verified(vector, by_name)
        if vector.get("check_identity"):
            _check_identity(found, _context(vector), vector.get("role_of_verifier", "bpp"))
        if vector.get("after"):
            _check_repeat(vector, by_name)
    except Refused as refused:
        verdict = "replay" if refused.fault == "message_id_duplicate" else "invalid"
        return verdict, refused.code, refused.http
    return "valid", None, 200


def run(path: Path) -> int:
    """Print a line per vector; -> number of misses.

    Raises ValueError on a file that holds no vectors.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    vectors = data.get("vectors") if isinstance(data, dict) else data
    if not isinstance(vectors, list) or not vectors:
        raise ValueError(f"{path}: no vectors; an object with a list `vectors` is expected")
    by_name = {vector["name"]: vector for vector in vectors}
    misses = 0
    for vector in vectors:
        verdict = judge(vector, by_name)
        wanted = vector["expect"], vector.get("error_code"), vector.get("http_status", verdict[2])
        hit = verdict == wanted
        misses += not hit
        shown = " ".join(str(part) for part in verdict if part is not None)
        stated = "" if hit else f"   stated: {' '.join(str(part) for part in wanted if part is not None)}"
        print(f"{'ok  ' if hit else 'MISS'} {vector['name']}: {shown}{stated}")
    print(f"{len(vectors) - misses} of {len(vectors)} vectors as stated")
    return misses


def body_of(vector: Vector) -> bytes:
    if "body_b64" in vector:
        return base64.b64decode(vector["body_b64"], validate=True)
    return str(vector.get("body", "")).encode("utf-8")


def _verified(vector: Vector, by_name: Mapping[str, Vector]) -> Signature:
    mode = vector.get("mode", "lts")
    return verify(
        vector.get("header"),
        body_of(vector),
        vector["public_key"],
        int(vector["verify_at"]),
        stored_request=vector.get("stored_request_signature"),
        response=vector.get("header_name") == "Signature",
        mode=mode,
        counter_lines=_counter_lines(vector, by_name) if mode == "lts_countersignature" else (),
    )


def _counter_lines(vector: Vector, by_name: Mapping[str, Vector]) -> tuple[str, ...]:
    """The five-line dialect names the request's digest and message id; they come from the request it answers.

    A vector file that states the two lines' request only in the signed text is read there: the lines are input, the
    signature over them is what is checked.
    """
    for request in by_name.values():
        if request.get("signature") and request["signature"] == vector.get("request_signature"):
            message_id = _context(request).get("messageId", "")
            return f"(request-digest): {digest_of(body_of(request))}", f"(message-id): {message_id}"
    lines = str(vector.get("signing_string", "")).split("\n")
    return tuple(line for line in lines if line.startswith(("(request-digest): ", "(message-id): ")))


def _context(vector: Vector) -> dict[str, Any]:
    context = decode(body_of(vector)).get("context")
    return context if isinstance(context, dict) else {}


def _check_identity(found: Signature, context: Mapping[str, Any], role: str) -> None:
    """The signer is the party the context names: the buyer where we are the provider, and the other way round."""
    names = ("bapId", "bap_id") if role == "bpp" else ("bppId", "bpp_id")
    if found.subscriber not in [context.get(name) for name in names]:
        raise Refused("signer_not_party", f"signed by {found.subscriber}, who is not {names[0]}")


def _check_repeat(vector: Vector, by_name: Mapping[str, Vector]) -> None:
    earlier = by_name.get(vector["after"])
    if earlier is None:
        raise ValueError(f"vector {vector['name']}: comes after {vector['after']}, which is not in the file")
    if _context(earlier).get("messageId") == _context(vector).get("messageId"):
        raise Refused("message_id_duplicate", "this message was delivered before")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m grid.beckn.vectors FILE", file=sys.stderr)
        return 2
    try:
        return 1 if run(Path(arguments[0])) else 0
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {arguments[0]}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
