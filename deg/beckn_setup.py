"""From the configuration to a participant: who we are, whom we trust, where things are stored."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from configs.schema import Config
from grid.beckn import keys
from grid.beckn.document import Terms
from grid.beckn.local import KEY_ID, OPERATOR_ID, SITE_ID, LocalNetwork, local_network, site_database
from grid.beckn.participant import Participant
from grid.beckn.post import Identity
from grid.beckn.registry import Registry, registry_of
from grid.beckn.seller import Seller
from grid.beckn.store import Store


def operator_database(config: Config) -> Path:
    return Path(config.beckn.operator.database or Path(config.beckn.folder) / "operator.sqlite")


def site_participant(config: Config) -> Participant:
    """The site as provider. Raises ValueError on a missing id or key, naming the variable or configuration key."""
    beckn = config.beckn
    store = Store(site_database(beckn.folder, beckn.database))
    identity = _site_identity(config)
    seller = Seller(store, terms_of(config), identity.subscriber_id, identity.url)
    return Participant(
        identity,
        store,
        _registry(config),
        seller=seller,
        publish_to=beckn.publish_to or "",
        strict=beckn.strict,
        rate_per_minute=beckn.rate_per_minute,
    )


def operator_participant(config: Config) -> Participant:
    """The grid operator of the local network. Raises ValueError where the configuration names a registry of its own."""
    if config.beckn.registry is not None:
        raise ValueError(
            "beckn.registry is set: the operator of deg beckn simulate lives on the local network; set it to null"
        )
    network = _local(config)
    url = f"http://127.0.0.1:{config.beckn.operator.port}"
    key = keys.load(network.key_file(OPERATOR_ID))
    identity = Identity(OPERATOR_ID, KEY_ID, url, key, config.beckn.network_id)
    store = Store(operator_database(config))
    return Participant(identity, store, _registry(config), rate_per_minute=config.beckn.rate_per_minute)


def site_id_of(config: Config) -> str:
    return _given(config.beckn.subscriber_id, "BECKN_SUBSCRIBER_ID") or SITE_ID


def terms_of(config: Config) -> Terms:
    """What the site sells, on the market's terms."""
    return Terms(
        site_id=config.beckn.site_id,
        metering_id=config.beckn.metering_id,
        price=config.beckn.price_gbp_per_kwh,
        min_kw=config.market.min_commitment_kw,
        max_duration=timedelta(hours=2),
        rulebook=config.market.rulebook,
        compensation=config.market.compensation,
    )


def _site_identity(config: Config) -> Identity:
    beckn = config.beckn
    key_file = Path(beckn.key_file) if beckn.key_file else None
    subscriber_id, key_id = site_id_of(config), _given(beckn.key_id, "BECKN_KEY_ID") or KEY_ID
    if beckn.registry is None:
        key_file = _local(config).key_file(SITE_ID)
        subscriber_id, key_id = SITE_ID, KEY_ID
    elif subscriber_id == SITE_ID:
        raise ValueError("beckn.subscriber_id: not set, nor is BECKN_SUBSCRIBER_ID; say who we are in that registry")
    return Identity(subscriber_id, key_id, _site_url(config), keys.load(key_file), beckn.network_id)


def _local(config: Config) -> LocalNetwork:
    urls = {SITE_ID: _site_url(config), OPERATOR_ID: f"http://127.0.0.1:{config.beckn.operator.port}"}
    if urlsplit(urls[SITE_ID]).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError(f"beckn.host {config.beckn.host}: a local network stays on loopback; name a beckn.registry")
    return local_network(Path(config.beckn.folder) / "network", urls)


def _site_url(config: Config) -> str:
    return (config.beckn.url or f"http://{config.beckn.host}:{config.beckn.port}").rstrip("/")


def _registry(config: Config) -> Registry:
    source = config.beckn.registry
    if source is None:
        source = str(_local(config).registry)
    return registry_of(source, time.monotonic)


def _given(value: str | None, variable: str) -> str:
    return value or os.environ.get(variable, "")
