"""A provider on a bench: real checks, store and business, with a clock, a registry and keys made for the occasion."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.beckn.book import Decision, SiteState, put_decision, put_site
from grid.beckn.document import Terms
from grid.beckn.keys import public_text
from grid.beckn.participant import Participant, Reply
from grid.beckn.post import Identity, utc_now
from grid.beckn.registry import Registry, Subscriber
from grid.beckn.seller import Seller
from grid.beckn.store import Store
from grid.beckn.times import parse_duration, parse_instant
from grid.beckn.wire import Json, encode

PLENTY = 10**9  # messages a minute


class Bench:
    """One provider and one buyer whose messages we write ourselves.

    Args:
        context: of any message between the two: who they are and where.
        terms: what the provider sells. offered_kw: how much of it.
    """

    def __init__(self, folder: Path, context: Json, terms: Terms, offered_kw: float, now: datetime) -> None:
        self.now = self.started = now
        self._follows = False
        self.store = Store(folder / "bench.sqlite")
        self._offered_kw = offered_kw
        self.buyer_key = Ed25519PrivateKey.generate()
        seller_key = Ed25519PrivateKey.generate()
        self.buyer = Identity(context["bapId"], "k-buyer", context["bapUri"], self.buyer_key)
        seller = Identity(context["bppId"], "k-seller", context["bppUri"], seller_key)
        self.known = {
            one.subscriber_id: Subscriber(one.subscriber_id, one.key_id, public_text(one.key), one.url)
            for one in (self.buyer, seller)
        }
        registry = Registry(self._fetch, lambda: self.now.timestamp())
        self.provider = Participant(
            seller, self.store, registry, seller=Seller(self.store, terms, seller.subscriber_id, seller.url),
            clock=lambda: utc_now() if self._follows else self.now, rate_per_minute=PLENTY,
        )  # fmt: skip
        self.at(now)

    def _fetch(self, subscriber_id: str, _: str) -> list[Subscriber]:
        return [self.known[subscriber_id]] if subscriber_id in self.known else []

    def follow_clock(self) -> None:
        """From now on by the real clock."""
        self._follows = True

    def at(self, now: datetime) -> None:
        """Set the clock, ours and the site's."""
        self.now = now
        put_site(self.store, SiteState(now, self._offered_kw, 2 * self._offered_kw, 2 * self._offered_kw), 0.0)

    def accept(self, contract_id: str) -> None:
        """The site accepts what was confirmed."""
        put_decision(self.store, Decision(contract_id, True, "", self.now))
        self.provider.tick()

    def post(self, path: str, message: Json) -> Reply:
        """Deliver ``message``, signed by the buyer."""
        body = encode(message)
        return self.provider.receive(path, {"authorization": self.buyer.sign(body, self.now)}, body)


def terms_of(select: Json) -> Terms:
    """The terms under which a published ``select`` makes sense: its resource, offer, price."""
    commitment = select["message"]["contract"]["commitments"][0]
    resource, offered = commitment["resources"][0], commitment["offer"]
    attributes = resource["resourceAttributes"]
    return Terms(
        site_id=attributes.get("siteId", "site"),
        metering_id=attributes.get("meteringId", "meter"),
        resource_id=resource["id"],
        offer_id=offered["id"],
        price=offered["offerAttributes"]["utilisationPrice"],
        currency=offered["offerAttributes"]["currency"],
        max_duration=parse_duration(attributes.get("maxDuration", "PT2H")),
    )


def instant_of(message: Json) -> datetime:
    """When a published message was sent."""
    return parse_instant(message["context"]["timestamp"])
