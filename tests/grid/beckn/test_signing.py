"""Signatures, keys and the registry they are checked against."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.beckn import keys, vectors
from grid.beckn.faults import Refused, TransportError
from grid.beckn.registry import Registry, Subscriber, dedi_fetch, file_fetch, http_fetch
from grid.beckn.signing import raw_signature, sign, verify

NOW = 1_790_000_000


def test_every_published_vector_gives_its_verdict(fixtures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vectors.main([str(fixtures / "sign_vectors.json")]) == 0
    assert capsys.readouterr().out.count("ok   ") == 39


def test_a_wrong_statement_is_a_miss_and_exit_1(fixtures: Path, tmp_path: Path) -> None:
    data = json.loads((fixtures / "sign_vectors.json").read_text())
    data["vectors"][0]["expect"] = "invalid"
    (tmp_path / "v.json").write_text(json.dumps(data))
    assert vectors.main([str(tmp_path / "v.json")]) == 1


def test_an_answer_has_to_name_the_request_it_answers() -> None:
    key = Ed25519PrivateKey.generate()
    request = sign(b"request", key, "buyer", "k", NOW)
    answer = sign(b"answer", key, "seller", "k", NOW, raw_signature(request))
    public = keys.public_text(key)
    assert verify(answer, b"answer", public, NOW, stored_request=request).subscriber == "seller"
    for stored in (None, sign(b"other", key, "buyer", "k", NOW)):
        with pytest.raises(Refused) as refused:
            verify(answer, b"answer", public, NOW, stored_request=stored)
        assert refused.value.code == "AUT_SIGNATURE_INVALID"


def test_a_new_key_is_readable_by_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = keys.generate(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.public_text(keys.load(path)) == public
    with pytest.raises(FileExistsError):
        keys.generate(path)


def test_a_bad_key_is_refused_without_being_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("c2VjcmV0", "not base64 secret", ""):
        monkeypatch.setenv("BECKN_PRIVATE_KEY", text)
        with pytest.raises(ValueError) as error:
            keys.load()
        assert text == "" or text not in str(error.value)


class TestRegistry:
    def record(self, **changes: str) -> dict[str, str]:
        return {
            "subscriber_id": "grid", "key_id": "k1", "signing_public_key": "p", "url": "http://127.0.0.1:1",
            "status": "SUBSCRIBED", **changes,
        }  # fmt: skip

    def test_a_record_is_asked_for_once_in_five_minutes(self) -> None:
        asked: list[str] = []
        now = [0.0]

        def fetch(subscriber_id: str, key_id: str) -> list[Subscriber]:
            asked.append(subscriber_id)
            return [Subscriber(subscriber_id, key_id, "p")]

        registry = Registry(fetch, lambda: now[0])
        for at in (0.0, 100.0, 299.0, 301.0):
            now[0] = at
            registry.lookup("grid", "k1")
        assert len(asked) == 2
        registry.lookup("grid", "k1", fresh=True)
        assert len(asked) == 2  # seconds old: bad signatures must not become registry traffic

    def test_an_http_registry_that_is_down_is_said_to_be(self) -> None:
        def broken(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        client = httpx.Client(transport=httpx.MockTransport(broken))
        with pytest.raises(TransportError):
            http_fetch("http://registry", client)("grid", "k1")
        with pytest.raises(Refused) as refused:
            Registry(http_fetch("http://registry", client), lambda: 0.0).lookup("grid", "k1")
        assert refused.value.code == "NET_DOWNSTREAM_UNAVAILABLE"

    def test_both_kinds_of_registry_server_are_read(self) -> None:
        def classic(request: httpx.Request) -> httpx.Response:
            assert (request.method, request.url.path) == ("POST", "/v1/lookup")
            wanted = json.loads(request.content)
            return httpx.Response(200, json=[self.record()] if wanted["subscriber_id"] == "grid" else [])

        def dedi(request: httpx.Request) -> httpx.Response:
            if request.url.path != "/lookup/grid/subscribers.beckn.one/k1":
                return httpx.Response(404)
            details = {"signing_public_key": "p", "url": "http://127.0.0.1:1"}
            data = {"details": details, "network_memberships": ["example.org/uk-flex"]}
            return httpx.Response(200, json={"data": data})

        for fetch, networks in (
            (http_fetch("http://registry/v1/", httpx.Client(transport=httpx.MockTransport(classic))), ()),
            (
                dedi_fetch("http://registry", httpx.Client(transport=httpx.MockTransport(dedi))),
                ("example.org/uk-flex",),
            ),
        ):
            (found,) = fetch("grid", "k1")
            assert (found.url, found.signing_public_key, found.networks) == ("http://127.0.0.1:1", "p", networks)
            assert fetch("stranger", "k1") == []

    @pytest.mark.parametrize(
        ("asked", "code"), [("stranger", "AUT_SUBSCRIBER_NOT_FOUND"), ("grid", "AUT_KEY_NOT_FOUND")]
    )
    def test_strangers_and_unknown_keys(self, tmp_path: Path, asked: str, code: str) -> None:
        (tmp_path / "r.json").write_text(json.dumps([self.record()]))
        registry = Registry(file_fetch(tmp_path / "r.json"), lambda: 0.0)
        with pytest.raises(Refused) as refused:
            registry.lookup(asked, "k2")
        assert refused.value.code == code

    @pytest.mark.parametrize(
        "change", [{"status": "UNSUBSCRIBED"}, {"valid_until": "2026-01-01T00:00:00Z"},
                   {"valid_from": "2027-01-01T00:00:00Z"}]
    )  # fmt: skip
    def test_a_dead_key_is_refused(self, tmp_path: Path, change: dict[str, str]) -> None:
        (tmp_path / "r.json").write_text(json.dumps([self.record(**change)]))
        record = Registry(file_fetch(tmp_path / "r.json"), lambda: 0.0).lookup("grid", "k1")
        with pytest.raises(Refused) as refused:
            record.check_alive(datetime(2026, 11, 1, tzinfo=UTC))
        assert refused.value.code == "AUT_KEY_EXPIRED_OR_REVOKED"
