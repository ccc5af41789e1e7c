"""``deg beckn`` as a user types it: what is refused, and what a pair of keys is."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from configs.load import load_config
from deg.beckn_setup import operator_participant, site_participant
from deg.cli import exit_code
from grid.beckn.document import bag
from grid.beckn.packs import check_packs
from grid.beckn.server import LOOPBACK, Server


def test_loopback_is_the_default() -> None:
    assert load_config().beckn.host == LOOPBACK == "127.0.0.1"


def test_a_local_network_stays_on_loopback(tmp_path: Path) -> None:
    config = load_config(None, [f"beckn.folder={tmp_path}", "beckn.host=0.0.0.0"])
    with pytest.raises(ValueError, match="loopback"):
        site_participant(config)


def test_an_address_in_use_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert exit_code(["beckn", "serve", f"beckn.folder={tmp_path}", f"beckn.port={port}"]) == 2
    assert "beckn.port" in capsys.readouterr().err


def test_a_registry_of_ones_own_needs_an_id_and_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BECKN_SUBSCRIBER_ID", "BECKN_KEY_ID", "BECKN_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    registry = tmp_path / "registry.json"
    registry.write_text("[]")
    shared = [f"beckn.folder={tmp_path}", f"beckn.registry={registry}"]
    assert exit_code(["beckn", "serve", *shared]) == 2
    assert "BECKN_SUBSCRIBER_ID" in capsys.readouterr().err
    monkeypatch.setenv("BECKN_SUBSCRIBER_ID", "dc.example")
    assert exit_code(["beckn", "serve", *shared]) == 2
    assert "BECKN_PRIVATE_KEY" in capsys.readouterr().err
    with pytest.raises(ValueError, match="local network"):
        operator_participant(load_config(None, shared))


def test_a_pair_of_keys_is_made_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key, registry = tmp_path / "site.key", tmp_path / "registry.json"
    assert exit_code(["beckn", "keys", str(key)]) == 0
    public = capsys.readouterr().out.strip()
    record = {"subscriber_id": "dc.example", "key_id": "k1", "signing_public_key": public, "url": "http://127.0.0.1:1"}
    registry.write_text(json.dumps([record]))
    monkeypatch.setenv("BECKN_SUBSCRIBER_ID", "dc.example")
    config = load_config(
        None, [f"beckn.folder={tmp_path}", f"beckn.registry={registry}", f"beckn.key_file={key}", "beckn.key_id=k1"]
    )
    me = site_participant(config)
    assert me.registry.lookup("dc.example", "k1").signing_public_key == public
    assert key.read_text().strip() not in repr(me.identity)
    assert exit_code(["beckn", "keys", str(key)]) == 2  # a key is never replaced


def test_a_file_that_is_no_database_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 100)
    assert exit_code(["beckn", "serve", f"beckn.folder={tmp_path}"]) == 2
    assert "beckn.database" in capsys.readouterr().err


def test_what_our_catalogue_says_keeps_our_own_packs(tmp_path: Path) -> None:
    me = site_participant(load_config(None, [f"beckn.folder={tmp_path}"]))
    assert me.seller is not None
    check_packs({"catalogs": [me.seller.catalog()]}, "message")
    check_packs({"contractAttributes": bag("AuditHead", head="0" * 64, lines=3)}, "message")
    assert Server(me).config.host == LOOPBACK
