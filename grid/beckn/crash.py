"""``python -m grid.beckn.crash --n 50``: kill -9 at random moments of a trade, restart, and see that nothing is lost.

Each round runs a whole trade between a provider with a stand-in site and a buyer, two processes over loopback. One of
them, or both, is killed at a random moment and started again on its file. The trade has to settle, with one contract
on either side, confirmed once, every period metered once, and no message applied twice. A line per round, exit 1 on a
miss.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from grid.beckn import keys
from grid.beckn.book import BUYER, SELLER, contracts, intervals, site_state
from grid.beckn.document import Terms
from grid.beckn.local import KEY_ID, OPERATOR_ID, SITE_ID, LocalNetwork, local_network
from grid.beckn.participant import Participant
from grid.beckn.post import Identity, utc_now
from grid.beckn.registry import registry_of
from grid.beckn.seller import Seller
from grid.beckn.server import Server
from grid.beckn.standin import StandIn
from grid.beckn.states import SETTLED
from grid.beckn.store import Store
from grid.beckn.trade import Buyer, Wish

SPEED = 12_000.0  # market seconds a second, once confirmed: the trade takes about a second and a half
TRADE_S = 1.6
PATIENCE_S = 60.0
KW, HOURS, EVENT = 300.0, 1.0, "ev-crash"
Addresses = dict[str, str]


def site(folder: Path, urls: Addresses) -> None:
    """The provider, until killed. Its market goes on from where it was."""
    store = Store(folder / "site.sqlite")
    me = _participant(folder, urls, SITE_ID, store, Seller(store, Terms("site", "meter"), SITE_ID, urls[SITE_ID]))
    before = site_state(store)
    StandIn(store, KW, before.now if before else utc_now(), SPEED).start()
    Server(me, port=_port(urls[SITE_ID])).run_here()


def buyer(folder: Path, urls: Addresses) -> None:
    """The buyer, until its trade is settled."""
    me = _participant(folder, urls, OPERATOR_ID, Store(folder / "buyer.sqlite"), None)
    server = Server(me, port=_port(urls[OPERATOR_ID]))
    server.start()
    try:
        Buyer(me, Wish(SITE_ID, KW, HOURS, timedelta(hours=2), EVENT)).run(PATIENCE_S)
    finally:
        server.stop()


def play(folder: Path, draw: random.Random) -> tuple[str, list[str]]:
    """One round; -> what was done to whom, and what is wrong afterwards."""
    urls = {SITE_ID: f"http://127.0.0.1:{_free_port()}", OPERATOR_ID: f"http://127.0.0.1:{_free_port()}"}
    local_network(folder / "network", urls)
    victims = draw.choice((("site",), ("buyer",), ("site", "buyer")))
    moment_s = draw.uniform(0.0, TRADE_S)
    running = {name: _start(name, folder, urls) for name in ("site", "buyer")}
    try:
        time.sleep(moment_s)
        for name in victims:
            os.kill(running[name].pid or 0, signal.SIGKILL)
            running[name].join()
        for name in victims:
            running[name] = _start(name, folder, urls)
        running["buyer"].join(PATIENCE_S)
        ended = running["buyer"].exitcode
    finally:
        for process in running.values():
            process.kill()
            process.join()
    wrong = [] if ended == 0 else [f"the buyer ended with {ended}"]
    return f"{' and '.join(victims)} killed after {moment_s:.2f} s", wrong + what_is_wrong(folder)


def what_is_wrong(folder: Path) -> list[str]:
    """Everything about both files that a trade run once, without a crash, would not show."""
    sides = {SELLER: Store(folder / "site.sqlite"), BUYER: Store(folder / "buyer.sqlite")}
    wrong = []
    for role, store in sides.items():
        held = contracts(store, role)
        if len(held) != 1 or held[0].state != SETTLED:
            wrong.append(f"{role}: {[(one.id[:8], one.state) for one in held]} in place of one settled contract")
        twice = store.rows(
            "SELECT action FROM messages WHERE direction = 'in' GROUP BY peer, message_id, action HAVING count(*) > 1"
        )
        if twice:
            wrong.append(f"{role}: {twice[0]['action']} was applied twice")
    seller = sides[SELLER]
    for contract in contracts(seller, SELLER):
        metered = intervals(seller, contract.id)
        if len(metered) != contract.periods:
            wrong.append(f"{len(metered)} periods metered in place of {contract.periods}")
        if _terms(sides[BUYER], contract.id) != _terms(seller, contract.id):
            wrong.append("buyer and provider do not hold the same contract")
    confirmed = seller.rows("SELECT 1 FROM messages WHERE direction = 'in' AND action = 'confirm' AND outcome = ''")
    if len(confirmed) != 1:
        wrong.append(f"{len(confirmed)} confirmations were taken")
    for store in sides.values():
        store.close()
    return wrong


def run(rounds: int, seed: int, said: Callable[[str], None] = print) -> int:
    """Play ``rounds``; -> number of misses."""
    draw, misses = random.Random(seed), 0
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            done, wrong = play(Path(folder), draw)
        misses += bool(wrong)
        said(f"{'MISS' if wrong else 'ok  '} {number}: {done}{''.join(f'; {one}' for one in wrong)}")
    said(f"{rounds - misses} of {rounds} trades settled, nothing lost or doubled")
    return misses


def _terms(store: Store, contract_id: str) -> object:
    row = store.row("SELECT kw, state, start, end FROM contracts WHERE id = ?", contract_id)
    return None if row is None else row[:]


def _start(name: str, folder: Path, urls: Addresses) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(
        target={"site": site, "buyer": buyer}[name], args=(folder, urls)
    )
    process.start()
    return process


def _participant(folder: Path, urls: Addresses, who: str, store: Store, seller: Seller | None) -> Participant:
    network = LocalNetwork(folder / "network")
    identity = Identity(who, KEY_ID, urls[who], keys.load(network.key_file(who)))
    return Participant(identity, store, registry_of(str(network.registry), time.monotonic), seller=seller)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m grid.beckn.crash", description=__doc__)
    parser.add_argument("--n", type=int, default=50, help="rounds, one crash each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    return 1 if run(options.n, options.seed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
