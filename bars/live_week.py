"""A week of last month under one command, from services on loopback that answer as documented. One JSON on stdout.

`deg run signals.source=live` asks for the quarter and the sixty days before the week, runs it, and run again asks for
little; with the services down in mid-run the outlook is stale with its age, then a gap, and recovers.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from grid.http import Client, Terms
from grid.sources import live

REPO = Path(__file__).parents[1]
SERVICES = runpy.run_path(str(REPO / "tests" / "grid" / "live" / "server.py"))["GridServices"]


def main() -> None:
    now = pd.Timestamp.now("UTC")
    services = SERVICES(f"{now:%Y-%m-%d %H:%M}")
    start = (now - pd.Timedelta(days=21)).date()
    with tempfile.TemporaryDirectory() as folder:
        first, second = (run(services, folder, start.isoformat()) for _ in range(2))
        outage = outlook_through_an_outage(services, folder)
    services.stop()
    print(
        json.dumps(
            {
                "claim": "a week of last month runs on live signals under one command; an outage is stale, a gap, over",
                "holds": first["code"] == 0
                and first["provenance"]["system_gbp_per_mwh"] == "real"
                and second["objective_gbp"] == first["objective_gbp"]
                and second["asked"] < first["asked"] / 2
                and outage == {"up": "fresh", "down 2 h": "stale, age 2 h", "down 7 h": "gap", "up again": "fresh"},
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


def outlook_through_an_outage(services: Any, folder: str) -> dict[str, str]:
    """What the 48 h outlook of carbon says before, in and after an outage, on a clock moved by hand."""
    terms = Terms(silence_s=1.0, tries=2, backoff_s=0.05, distance_s=0.0, rest_s=0.0)
    place = live.Place(base_urls=services.base_urls)
    said = {}
    with Client(f"{folder}/other", terms, lambda: services.now.timestamp()) as client:
        for name, hours, up in (("up", 0, True), ("down 2 h", 2, False), ("down 7 h", 5, False), ("up again", 0, True)):
            if not up and name == "down 2 h":
                services.stop()
            if name == "up again":
                services.start()
            services.now += pd.Timedelta(hours=hours)
            table, readings = live.outlook(client, place, services.now)
            age = readings[0].age(services.now).max()
            if table["carbon_gco2_per_kwh"].isna().all():
                said[name] = "gap"
            elif readings[0].stale.any():
                said[name] = f"stale, age {age / pd.Timedelta(hours=1):g} h"
            else:
                said[name] = "fresh"
    return said


if __name__ == "__main__":
    main()
