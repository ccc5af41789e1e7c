"""A week of last month under one command, from services on loopback that answer as documented. One JSON on stdout.

`deg run signals.source=live` asks for the quarter and the sixty days before the week, runs it, and run again asks for
little. A day that is happening goes through an outage: what the site sees is stale with its age, then a gap, and
recovers.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from configs.load import load_config
from configs.schema import Config
from evaluate import happening
from evaluate.cases import services_of
from evaluate.run import run_site
from grid.http import Terms
from grid.series import STEP
from grid.sources import Services
from llm_layer.audit import read_lines

REPO = Path(__file__).parents[1]
SERVICES = runpy.run_path(str(REPO / "tests" / "grid" / "live" / "server.py"))["GridServices"]
CARBON = "carbon_gco2_per_kwh"
DOWN, GONE, UP = 20, 44, 60  # control steps; an answer stands in for six hours


def main() -> None:
    now = pd.Timestamp.now("UTC")
    services = SERVICES(f"{now:%Y-%m-%d %H:%M}")
    start = (now - pd.Timedelta(days=21)).date()
    with tempfile.TemporaryDirectory() as folder:
        first, second = (run(services, folder, start.isoformat()) for _ in range(2))
        outage = day_through_an_outage(Path(folder))
    services.stop()
    print(
        json.dumps(
            {
                "claim": "a week of last month runs on live signals under one command; an outage is stale, a gap, over",
                "holds": first["code"] == 0
                and first["provenance"]["system_gbp_per_mwh"] == "real"
                and second["objective_gbp"] == first["objective_gbp"]
                and second["asked"] < first["asked"] / 2
                and outage["complete"]
                and outage["carbon"] == outage["weather"]
                and outage["carbon"] == [(0, "fresh"), (DOWN, "stale"), (GONE, "gap"), (UP, "fresh")],
                "start": start.isoformat(),
                "first": first,
                "second": second,
                "outage": outage,
            },
            indent=2,
        )
    )


def run(services: Any, folder: str, start: str) -> dict[str, Any]:
    """One `deg run` of seven days; what it cost in requests and time, and what it says."""
    before, asked = time.monotonic(), len(services.asked)
    urls = [f"signals.base_urls.{name}={url}" for name, url in services.base_urls.items()]
    overrides = ["signals.source=live", f"signals.cache_dir={folder}/cache", f"run.dir={folder}/runs", *urls]
    done = subprocess.run(
        [sys.executable, "-m", "deg.cli", "run", "--json", f"run.start={start}", "run.days=7", *overrides],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPO), "NO_PROXY": "127.0.0.1"},
    )
    summary = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-500:]}
    shown = {key: summary.get(key) for key in ("objective_gbp", "provenance", "error") if key in summary}
    return {
        "code": done.returncode,
        "asked": len(services.asked) - asked,
        "wall_s": round(time.monotonic() - before, 1),
        **shown,
    }


def day_through_an_outage(folder: Path) -> dict[str, Any]:
    """A day that is happening, the services down from 05:00 to 15:00, on a clock moved by hand; what the trail says."""
    services = SERVICES("2023-05-21 22:30")
    terms = Terms(silence_s=5.0, tries=2, backoff_s=0.05, distance_s=0.0, rest_s=0.0)

    def clock() -> float:
        return float(services.now.timestamp())

    def at_hand(config: Config) -> Services:
        return replace(services_of(config), terms=terms, clock=clock)

    happening.services_of = at_hand
    start = pd.Timestamp("2023-05-21 23:00", tz="UTC")

    def on_progress(step: int, _total: int) -> None:
        services.now = max(services.now, start + (step - 1) * STEP)
        if step == DOWN:
            services.stop()
        if step == UP:
            services.start()

    urls = [f"signals.base_urls.{name}={url}" for name, url in services.base_urls.items()]
    overrides = ["signals.source=live", "run.start=2023-05-22", "beckn.speed=null", f"beckn.folder={folder}/beckn"]
    for name in ("day", "beckn"):
        (folder / name).mkdir()
    config = load_config(REPO / "configs" / "live.yaml", [*overrides, f"signals.cache_dir={folder}/other", *urls])
    summary = run_site(config, folder / "day", on_progress)
    services.stop()
    said = [line["body"] for line in read_lines(folder / "day") if line["body"]["kind"] == "signals"]
    carbon, weather = ([(one["step"], one[name]["state"]) for one in said] for name in (CARBON, "weather"))
    return {
        "carbon": carbon,
        "weather": weather,
        "periods": summary["signals"],
        "complete": summary["complete"],
        "forecasts": {name: kind for name, kind in summary["provenance"].items() if name.startswith("forecast")},
    }


if __name__ == "__main__":
    main()
