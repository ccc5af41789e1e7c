"""A network on one machine: a key for the site, one for the grid operator, and a registry that knows both.

It is made as a whole on first use, by whichever process comes first, and kept: both then find the same keys.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grid.beckn import keys

SITE_ID, OPERATOR_ID, KEY_ID = "site.localhost", "grid-operator.localhost", "key-1"
REGISTRY_FILE = "registry.json"


def site_database(folder: str, database: str | None) -> Path:
    """The file that ``deg run`` and ``deg beckn serve`` share."""
    return Path(database or Path(folder) / "site.sqlite")


@dataclass(frozen=True)
class LocalNetwork:
    """Where its files lie."""

    folder: Path

    @property
    def registry(self) -> Path:
        return self.folder / REGISTRY_FILE

    def key_file(self, subscriber_id: str) -> Path:
        return self.folder / f"{subscriber_id}.key"


def local_network(folder: Path, urls: dict[str, str]) -> LocalNetwork:
    """The network in ``folder``, made there if there is none. ``urls``: subscriber id -> its address on loopback.

    Raises ValueError where a network is there that has them at other addresses.
    """
    network = LocalNetwork(folder)
    if not network.registry.is_file():
        _make(network, urls)
    held = {one["subscriber_id"]: one["url"] for one in json.loads(network.registry.read_text(encoding="utf-8"))}
    for subscriber_id, url in urls.items():
        if held.get(subscriber_id) != url:
            raise ValueError(
                f"{network.registry}: has {subscriber_id} at {held.get(subscriber_id)}, the configuration at {url}; "
                "change beckn.port, or remove that folder"
            )
    return network


def _make(network: LocalNetwork, urls: dict[str, str]) -> None:
    network.folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{network.folder.name}.", dir=network.folder.parent))
    entries = [
        {
            "subscriber_id": subscriber_id,
            "key_id": KEY_ID,
            "signing_public_key": keys.generate(LocalNetwork(draft).key_file(subscriber_id)),
            "url": url,
            "status": "SUBSCRIBED",
        }
        for subscriber_id, url in urls.items()
    ]
    LocalNetwork(draft).registry.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    with contextlib.suppress(OSError):  # another process was first: its network is the one
        os.rename(draft, network.folder)
    shutil.rmtree(draft, ignore_errors=True)
