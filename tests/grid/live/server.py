"""The public services on loopback: real HTTP, the documented shapes, values that are functions of time, and faults.

Shapes follow the Carbon Intensity API, Elexon Insights and Open-Meteo as documented; ``now`` decides what is closed.
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pandas as pd

HALF_HOUR = pd.Timedelta(minutes=30)
FUELS = {
    "biomass": 5,
    "coal": 0,
    "imports": 20,
    "gas": 30,
    "nuclear": 15,
    "other": 0,
    "hydro": 1,
    "solar": 4,
    "wind": 25,
}


def carbon(time: pd.Timestamp) -> int:
    return 100 + 4 * time.hour + time.day


def price(time: pd.Timestamp) -> float:
    return 60.0 + 3.0 * time.hour + time.minute / 30


def temperature(time: pd.Timestamp) -> float:
    return 5.0 + 0.5 * time.hour


class GridServices:
    """Start it, point a client at ``base_urls``, and break it: ``fail``, ``stop``, ``start``."""

    def __init__(self, now: str) -> None:
        self.now = pd.Timestamp(now, tz="UTC")
        self.asked: list[str] = []
        self.untraded: set[pd.Timestamp] = set()  # half-hours without a trade on the exchange
        self.unclosed: set[pd.Timestamp] = set()  # half-hours whose actual intensity stays null
        self.no_system_price: set[pd.Timestamp] = set()
        self._faults: list[tuple[str, str]] = []
        self._port = 0
        self.released = threading.Event()  # ends hanging answers
        self.start()

    def start(self) -> None:
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                services.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_urls(self) -> dict[str, str]:
        names = {"carbon_intensity": "carbon", "elexon": "elexon", "open_meteo": "meteo"}
        return {
            **{name: f"{self.url}/{path}" for name, path in names.items()},
            "open_meteo_archive": f"{self.url}/archive",
        }

    def fail(self, kind: str, times: int = 1, path: str = "/") -> None:
        """The next ``times`` answers under ``path``: a status, 429-long, error-200, truncated, cut, hang or drip."""
        self._faults += [(path, kind)] * times

    def heal(self) -> None:
        self._faults.clear()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        url = urlsplit(handler.path)
        kind = next((fault for fault in self._faults if url.path.startswith(fault[0])), None)
        if kind is not None:
            self._faults.remove(kind)
            return self._misbehave(handler, kind[1])
        try:
            status, tree = 200, self._tree(url.path, {k: v[0] for k, v in parse_qs(url.query).items()})
        except ValueError as error:
            status, tree = 400, {"error": {"code": "400 Bad Request", "message": str(error)}}
        self._send(handler, status, json.dumps(tree).encode())

    def _misbehave(self, handler: BaseHTTPRequestHandler, kind: str) -> None:
        body = json.dumps({"data": [{"from": "2023-05-01T00:00Z"}]}).encode()
        error = json.dumps({"error": {"code": "500", "message": "the database is away"}}).encode()
        if kind == "hang":
            self.released.wait(10.0)
        elif kind == "drip":  # never silent for long, never done
            self._send(handler, 200, b"{", {"content-length": "1000"})
            with contextlib.suppress(OSError):
                while not self.released.wait(0.05):
                    handler.wfile.write(b" ")
        elif kind == "truncated":  # fewer bytes than promised
            self._send(handler, 200, body[:-9], {"content-length": str(len(body))})
        elif kind == "cut":  # half a document, sent as if it were whole
            self._send(handler, 200, body[:-9])
        elif kind == "error-200":
            self._send(handler, 200, error)
        elif kind in ("429", "429-long"):
            self._send(handler, 429, b"slow down", {"retry-after": "1" if kind == "429" else "3600"})
        else:
            self._send(handler, int(kind), error)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None):
        handler.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **(headers or {}),
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def _tree(self, path: str, query: dict[str, str]) -> object:
        service, *parts = path.strip("/").split("/")
        if service == "carbon":
            return self._carbon(parts)
        if service == "elexon":
            return {"data": self._system(parts[-1]) if "system-prices" in parts else self._index(query)}
        return self._weather(service, query)

    def _carbon(self, parts: list[str]) -> object:
        regional = parts[0] == "regional"
        kind, start, end, *region = parts[1:] if regional else parts
        first = pd.Timestamp(start)
        last = first + pd.Timedelta(hours=48) if end == "fw48h" else pd.Timestamp(end)
        if last - first > pd.Timedelta(days=14):
            raise ValueError("Please enter a date range of at most 14 days")
        # The half-hour before ``from`` comes along, as in life.
        times = pd.date_range(first.floor(HALF_HOUR) - HALF_HOUR, last, freq=HALF_HOUR, inclusive="left")
        rows = [{"from": _z(t), "to": _z(t + HALF_HOUR), **self._values(kind, t, regional)} for t in times]
        if regional:
            return {"data": {"regionid": int(region[1]), "shortname": "London", "data": rows}}
        return {"data": rows}

    def _values(self, kind: str, time: pd.Timestamp, regional: bool) -> dict[str, object]:
        if kind == "generation":
            return {"generationmix": [{"fuel": fuel, "perc": share} for fuel, share in FUELS.items()]}
        intensity = {"forecast": carbon(time) + 7, "index": "moderate"}
        if not regional:
            closed = time + HALF_HOUR <= self.now and time not in self.unclosed
            intensity["actual"] = carbon(time) if closed else None
        return {"intensity": intensity}

    def _system(self, day: str) -> list[dict[str, object]]:
        starts = _periods(day)
        return [
            {"settlementDate": day, "settlementPeriod": n, "startTime": None if n == 3 else _z(t, ":%S"),
             "systemSellPrice": price(t) + 10, "systemBuyPrice": price(t) + 10, "netImbalanceVolume": -12.5}
            for n, t in enumerate(starts, start=1)
            if t + HALF_HOUR <= self.now and t not in self.no_system_price
        ]  # fmt: skip

    def _index(self, query: dict[str, str]) -> list[dict[str, object]]:
        first, last = pd.Timestamp(query["from"]), pd.Timestamp(query["to"])
        if last - first > pd.Timedelta(days=7):
            raise ValueError("The date range between From and To inclusive should not exceed 7 days")
        rows = []
        for time in pd.date_range(first, last, freq=HALF_HOUR):
            local = time.tz_convert("Europe/London")
            number = int((time - local.normalize().tz_convert("UTC")) / HALF_HOUR) + 1
            for provider in ("APXMIDP", "N2EXMIDP"):
                traded = provider == "APXMIDP" and time not in self.untraded
                rows.append(
                    {"startTime": _z(time, ":%S"), "dataProvider": provider, "settlementDate": f"{local:%Y-%m-%d}",
                     "settlementPeriod": number, "price": price(time) * traded, "volume": 500.0 * traded}
                )  # fmt: skip
        return [row for row in rows if pd.Timestamp(str(row["startTime"])) <= self.now]

    def _weather(self, service: str, query: dict[str, str]) -> object:
        if service == "archive":
            first, last = pd.Timestamp(query["start_date"], tz="UTC"), pd.Timestamp(query["end_date"], tz="UTC")
        else:
            today = self.now.normalize()
            first = today - pd.Timedelta(days=int(query["past_days"]))
            last = today + pd.Timedelta(days=int(query["forecast_days"]) - 1)
        times = pd.date_range(first, last + pd.Timedelta(hours=23), freq="h")
        unknown = [service == "archive" and t > self.now - pd.Timedelta(days=5) for t in times]
        return {
            "latitude": 51.5, "longitude": -0.16, "utc_offset_seconds": 0,
            "hourly_units": {"time": "iso8601", "temperature_2m": "°C", "surface_pressure": "hPa"},
            "hourly": {
                "time": [f"{t:%Y-%m-%dT%H:%M}" for t in times],
                "temperature_2m": [None if u else temperature(t) for t, u in zip(times, unknown, strict=True)],
                "relative_humidity_2m": [None if u else 60 for u in unknown],
                "surface_pressure": [None if u else 1009.8 for u in unknown],
            },
        }  # fmt: skip


def _periods(day: str) -> pd.DatetimeIndex:
    start, end = (pd.Timestamp(d).tz_localize("Europe/London") for d in (day, pd.Timestamp(day) + pd.Timedelta(days=1)))
    return pd.date_range(start.tz_convert("UTC"), end.tz_convert("UTC"), freq=HALF_HOUR, inclusive="left")


def _z(time: pd.Timestamp, seconds: str = "") -> str:
    return f"{time:%Y-%m-%dT%H:%M}{time.strftime(seconds) if seconds else ''}Z"
