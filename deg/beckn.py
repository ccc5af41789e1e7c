"""``deg beckn``: the site on a Beckn network, and a grid operator to trade with."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deg.options import AsJson, ConfigFile, Overrides, print_json

if TYPE_CHECKING:
    from configs.schema import Config

app = typer.Typer(help="Trade flexibility over Beckn: the site, and a grid operator.", no_args_is_help=True)

READY_S = 60.0
STAND_IN_SPEED = 7200.0  # market seconds a second: an hour's event takes half a second

StandIn = Annotated[
    float | None,
    typer.Option("--stand-in", metavar="KW", min=50, help="A site that always delivers, in place of ours."),
]
Start = Annotated[
    str | None,
    typer.Option("--start", metavar="stand-in|orchestrator", help="Start the other side too, in processes of its own."),
]
Kw = Annotated[float, typer.Option("--kw", min=1, help="kW to ask for; less is taken where less is offered.")]
Hours = Annotated[float, typer.Option("--hours", min=0.5, max=2, help="Length of the event.")]
Lead = Annotated[float, typer.Option("--lead-hours", min=1.5, max=24, help="From the site's now to the event.")]
Event = Annotated[
    str | None, typer.Option("--event", help="Its id; a trade that was stopped goes on under its own. Default: new.")
]
Patience = Annotated[float, typer.Option("--timeout", metavar="S", min=1, help="Longest wait for start or delivery.")]


@app.command()
def serve(overrides: Overrides = None, config_file: ConfigFile = None, stand_in: StandIn = None) -> None:
    """Take part in the network until stopped: catalogue, contracts, callbacks. Hands over to deg run through SQLite."""
    from configs.load import load_config
    from deg.beckn_setup import site_participant
    from grid.beckn.server import Server
    from grid.beckn.standin import StandIn as Standing

    config = load_config(config_file, overrides or ())
    participant = site_participant(config)
    server = Server(participant, config.beckn.host, config.beckn.port)
    site = None
    if stand_in is not None:
        site = Standing(participant.store, stand_in, datetime.now(UTC), config.beckn.speed or STAND_IN_SPEED)
        site.start()
    with _stopped_by_signals(server):
        server.start()
        print(f"{participant.identity.subscriber_id} on {participant.identity.url}", file=sys.stderr, flush=True)
        server.join()
    if site is not None:
        site.stop()


@app.command()
def simulate(
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    kw: Kw = 300.0,
    hours: Hours = 1.0,
    lead_hours: Lead = 2.0,
    event: Event = None,
    timeout: Patience = 3600.0,
    start: Start = None,
    as_json: AsJson = False,
) -> None:
    """Be the grid operator: discover, select, init, confirm, await delivery, agree the figures, pay."""
    if start not in (None, "stand-in", "orchestrator"):
        raise ValueError(f"--start {start}: stand-in or orchestrator")
    # The other side loads while we do.
    with _other_side(config_file, overrides or (), start, kw):
        result = _trade(config_file, overrides or (), event, kw, hours, timedelta(hours=lead_hours), timeout, as_json)
    if as_json:
        print_json(result)


def _trade(
    config_file: Path | None,
    overrides: Sequence[str],
    event: str | None,
    kw: float,
    hours: float,
    lead: timedelta,
    timeout_s: float,
    quiet: bool,
) -> dict[str, Any]:
    """One trade as the grid operator; -> what came of it."""
    from configs.load import load_config
    from deg.beckn_setup import operator_participant, site_id_of
    from grid.beckn.faults import BecknError
    from grid.beckn.server import Server
    from grid.beckn.trade import Buyer, Wish

    config = load_config(config_file, overrides)
    participant = operator_participant(config)
    steps: list[dict[str, Any]] = []

    def said(text: str) -> None:
        steps.append({"at_s": round(time.monotonic() - began, 3), "step": text})
        if not quiet:
            print(f"{steps[-1]['at_s']:8.2f} s  {text}", flush=True)

    server = Server(participant, "127.0.0.1", config.beckn.operator.port)
    server.start()
    try:
        _await_site(config)
        began = time.monotonic()
        event_id = event or f"ev-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        said(f"event {event_id}")
        contract = Buyer(participant, Wish(site_id_of(config), kw, hours, lead, event_id), said).run(timeout_s)
    except BecknError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    finally:
        server.stop()
    return _summary(contract, steps)


@app.command()
def windows(
    peer: Annotated[str, typer.Option("--from", metavar="ID", help="The grid side, by its subscriber id.")],
    overrides: Overrides = None,
    config_file: ConfigFile = None,
    book: Annotated[
        float | None, typer.Option("--book", metavar="KW", help="Book the cleanest with that room.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Discover compute-energy windows (rc1) through the running deg beckn serve, and book one."""
    from configs.load import load_config
    from deg.beckn_setup import site_participant
    from grid.beckn.faults import BecknError
    from grid.beckn.window_trade import WindowBuyer, as_rows, best

    me = site_participant(load_config(config_file, overrides or ()))
    buyer = WindowBuyer(me.store, me.identity, me.registry, peer, me.clock)
    try:
        found = buyer.discover()
        chosen = None if book is None else best(found, book)
        order = None if chosen is None else buyer.book(chosen)
    except BecknError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print_json({"windows": as_rows(found), "booked": None if chosen is None else chosen.id, "order": order})
        return
    for window in found:
        mark = "  booked" if window is chosen else ""
        price = f"{window.price_per_kwh:>8.3f} {window.currency}/kWh"
        span = f"{window.start:%Y-%m-%d %H:%M}-{window.end:%H:%M}"
        print(
            f"{window.id:<36}{span}{window.capacity_kw:>10.0f} kW{window.carbon_gco2_per_kwh:>8.0f} g/kWh{price}{mark}"
        )


@app.command()
def keys(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes.")]) -> None:
    """Make an Ed25519 key pair; prints the public half, for the registry."""
    from grid.beckn.keys import generate

    print(generate(path))


def _summary(contract: Any, steps: list[dict[str, Any]]) -> dict[str, Any]:
    from grid.beckn.buyer import intervals_told, settlement_of
    from grid.beckn.document import delivered_kwh

    metered = intervals_told(contract)
    return {
        "contract": contract.id,
        "event": contract.event_id,
        "state": contract.state,
        "start": contract.start.isoformat(),
        "end": contract.end.isoformat(),
        "committed_kw": contract.kw,
        "delivered_kwh": delivered_kwh(metered),
        "amount": settlement_of(contract).get("amount"),
        "currency": contract.currency,
        "steps": steps,
    }


def _await_site(config: Config) -> None:
    """Wait until somebody listens where the site is registered, and knows how the site stands."""
    import httpx

    url = (config.beckn.url or f"http://{config.beckn.host}:{config.beckn.port}").rstrip("/")
    deadline = time.monotonic() + READY_S
    while True:
        try:
            with httpx.Client(trust_env=False, timeout=2.0) as http:
                if http.get(f"{url}/health").json().get("site"):
                    return
            waiting = "its site says nothing; start `deg run` with the same configuration"
        except (httpx.HTTPError, ValueError):
            waiting = "nobody listens there; start `deg beckn serve`, or add --start stand-in"
        if time.monotonic() > deadline:
            raise ValueError(f"{url}: {waiting}")
        time.sleep(0.1)


@contextlib.contextmanager
def _other_side(config_file: Path | None, overrides: Any, start: str | None, kw: float) -> Iterator[None]:
    """The provider, and with ``orchestrator`` the site behind it, as processes that end with us."""
    if start is None:
        yield
        return
    shared = [*(["--config", str(config_file)] if config_file else []), *overrides]
    serve = ["beckn", "serve", *shared, *(["--stand-in", str(max(kw, 50.0))] if start == "stand-in" else [])]
    commands = [serve] if start == "stand-in" else [serve, ["run", *shared]]
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            children.append(subprocess.Popen([sys.executable, "-m", "deg.cli", *command], stdout=subprocess.DEVNULL))
        yield
        for child in children[1:]:
            child.wait()  # the orchestrated run settles and reports to its end
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


@contextlib.contextmanager
def _stopped_by_signals(server: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the server in good order: what is queued stays queued in the file."""
    previous = {
        number: signal.signal(number, lambda *_: server.ask_to_stop()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        server.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)
