"""Compute-energy windows over rc1: discovered from a real participant, the cleanest booked."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.beckn.crash import _free_port
from grid.beckn.keys import public_text
from grid.beckn.participant import Participant
from grid.beckn.post import Identity, utc_now
from grid.beckn.registry import Registry, Subscriber
from grid.beckn.server import Server
from grid.beckn.store import Store
from grid.beckn.window_trade import WindowBuyer, WindowSeller, best, catalog_of
from grid.beckn.windows import GridWindow, windows_of


def window(name: str, carbon: float, mw: float) -> GridWindow:
    start = pd.Timestamp("2026-09-22T10:00Z")
    return GridWindow(
        name, f"offer-{name}", "Cambridge", "UK-EAST-1", start, start + pd.Timedelta(hours=4), 1000.0 * mw, carbon,
        0.8, 0.102, "GBP",
    )  # fmt: skip


WINDOWS = (window("dirty", 300.0, 5.0), window("clean", 90.0, 2.0), window("tiny", 10.0, 0.1))


def test_a_catalogue_of_windows_reads_back_equal() -> None:
    assert windows_of({"message": {"catalogs": [catalog_of(WINDOWS)]}}) == WINDOWS


def test_the_cleanest_window_with_room_is_best() -> None:
    found = best(WINDOWS, 500.0)
    assert found is not None
    assert found.id == "clean"
    assert best(WINDOWS, 1e6) is None


def test_the_site_discovers_and_books_a_window(tmp_path: Path) -> None:
    who = {
        name: Identity(name, "k", f"http://127.0.0.1:{_free_port()}", Ed25519PrivateKey.generate())
        for name in ("site", "grid")
    }
    known = {
        one.subscriber_id: Subscriber(one.subscriber_id, "k", public_text(one.key), one.url) for one in who.values()
    }
    registry = Registry(lambda name, _: [known[name]], time.monotonic)
    store = Store(tmp_path / "site.sqlite")
    grid = Participant(who["grid"], Store(tmp_path / "grid.sqlite"), registry, windows=WindowSeller(WINDOWS))
    servers = [
        Server(one, port=int(one.identity.url.rpartition(":")[2]))
        for one in (Participant(who["site"], store, registry), grid)
    ]
    for server in servers:
        server.start()
    try:
        buyer = WindowBuyer(store, who["site"], registry, "grid", utc_now)
        found = best(buyer.discover(), 500.0)
        assert found == WINDOWS[1]
        assert buyer.book(found)["beckn:orderStatus"] == "CONFIRMED"
    finally:
        for server in servers:
            server.stop()
    kept = store.rows("SELECT id FROM windows ORDER BY id")
    assert [one["id"] for one in kept] == ["clean", "dirty", "tiny"]
    answered = grid.store.rows("SELECT outcome FROM messages WHERE direction = 'out'")
    assert [one["outcome"] for one in answered] == ["sent"] * 4
