"""Datasheet of each registered environment from the declarations, for ``deg describe env`` and the docs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from envs.layouts import layout
from envs.params import PARAMETERS
from envs.registry import REGISTERED, Registered, registered
from envs.state import AGENTS, OUTPUTS
from envs.sustaindc.constants import AGENTS as SUSTAINDC_AGENTS
from envs.sustaindc.constants import OUTPUTS as SUSTAINDC_OUTPUTS
from envs.sustaindc.layout import LAYOUTS

ACTIONS = {
    "load_shift": "-1 defer all arriving work that may wait, 0 pass it on, +1 drain all queued work that fits",
    "battery": "-1 full discharge, +1 full charge, in between in proportion to rated power",
    "cooling": "target supply air, -1 coldest to +1 warmest, reached at a limited slew",
}
SUSTAINDC_ACTIONS = {
    "agent_ls": "0 defer, 1 nothing, 2 process queued work",
    "agent_dc": "set-point 0 down 1 degC, 1 hold, 2 up 1 degC (more when repeated)",
    "agent_bat": "0 charge, 1 discharge, 2 idle",
}
MODELLED = (
    "IT power: idle share plus work, leakage by inlet temperature, server fans by a cube law above a knee",
    "interactive work, and two classes of batch work with a deadline each, in one queue; work is conserved",
    "room: air and thermal mass, so that pre-cooling is real; recirculation at the inlet",
    "water-side free cooling in part or in full, chiller COP by lift, cooling tower, pumps and fans by cube laws",
    "a plant at its limit: the room warms, servers throttle and shut down before an inlet passes their limit",
    "UPS and distribution loss; battery with rating, energy, an efficiency each way, wear; import limit, no export",
    "bill, network charges, carbon, penalties, and settlement of what has been sold per half-hour",
)
NOT_MODELLED = (
    "water use, humidity of the room, air paths between racks (one lumped room)",
    "start-up times, minimum run times and faults of single machines (scenarios take away a share of capacity)",
    "part-load efficiency of a single chiller; staging; heat reuse; backup generators",
    "jobs one by one: work is a fluid of IT kWh, classes are constant shares of the utilisation column",
    "the IT power of idle servers put to sleep; frequency scaling but by throttling",
    "battery fade over time, its own cooling, and power factor",
    "response of prices or carbon intensity to the site; frequency response and other fast services",
)
BELIEVABLE = (
    "## What the British site is compared with",
    "",
    "`python bars/site_believable.py` prints the PUE of 2021 and 2022 under London weather beside what Meta,",
    "Google and Microsoft publish for their fleets (their sustainability reports of those years), and fails",
    "outside that range. It prints the best constant supply air by wet bulb at light and heavy load as well.",
    "Season moves it at every load. Load moves it in warm air alone: in the cool and mild hours of spring and",
    "autumn the best set-point is the edge of free cooling, which does not depend on load, and only near the top",
    "of the partial free-cooling range do light and heavy load differ by 2 K; the command says at which wet",
    "bulbs, and what share of the hours of 2022 that is.",
    "",
    "`python bars/site_properties.py` holds 200 random sites to their balances and bounds. A plant that is too",
    "small throttles servers, then stops them before an inlet passes their limit; work is then late, never lost.",
)
SUSTAINDC_MODELLED = (
    "everything SustainDC computes, defects included: racks, servers, CRAC set-point, chiller, tower, battery, queue",
    "its observations and rewards, with the normaliser that remembers; traces conform (docs/sustaindc.md)",
)
SUSTAINDC_NOT_MODELLED = (
    "what SustainDC leaves out: thermal mass, economiser, CRAC fans and pumps in the total, prices, flexibility",
    "its shuffled rack order and its weather noise: a site keeps its order, series come as they are given",
)


def datasheet(env_id: str) -> dict[str, Any]:
    """Everything declared about one id, as plain data. Raises ValueError for an unknown id."""
    entry = registered(env_id)
    return _sustaindc_sheet(entry) if "SustainDC" in entry.id else _site_sheet(entry)


def _head(entry: Registered) -> dict[str, Any]:
    faces = {"gymnasium": entry.single, "gymnasium vector": entry.vector, "pettingzoo": entry.parallel}
    return {
        "id": entry.id,
        "title": entry.title,
        "faces": faces,
        "options": entry.options,
        "step_minutes": 15,
    }


def _site_sheet(entry: Registered) -> dict[str, Any]:
    features = [
        {"name": f.name, "unit": f.unit, "low": f.low, "high": f.high, "normaliser": f.normaliser}
        for f in layout(entry.options["information"])
    ]
    parameters = [
        {"name": p.name, "default": p.default, "unit": p.unit, "low": p.low, "high": p.high, "source": p.source}
        for p in PARAMETERS
    ]
    return {
        **_head(entry),
        "agents": list(AGENTS),
        "actions": ACTIONS,
        "reward": "GBP, minus the step's share of the objective, the same for every agent",
        "observations": dict.fromkeys(AGENTS, features),
        "outputs": list(OUTPUTS),
        "parameters": parameters,
        "modelled": list(MODELLED),
        "not_modelled": list(NOT_MODELLED),
    }


def _sustaindc_sheet(entry: Registered) -> dict[str, Any]:
    observations = {
        agent: [{"name": name, "unit": "-", "low": None, "high": None, "normaliser": "SustainDC's"} for name in names]
        for agent, names in LAYOUTS.items()
    }
    return {
        **_head(entry),
        "agents": list(SUSTAINDC_AGENTS),
        "actions": SUSTAINDC_ACTIONS,
        "reward": "SustainDC's three; the joint face sums them",
        "observations": observations,
        "outputs": list(SUSTAINDC_OUTPUTS),
        "parameters": [],
        "modelled": list(SUSTAINDC_MODELLED),
        "not_modelled": list(SUSTAINDC_NOT_MODELLED),
    }


def markdown() -> str:
    """``docs/environments.md``: every sheet."""
    lines = [
        "# Environments",
        "",
        "Printed from the declarations by `deg describe env --markdown`; edit those, not this page.",
        "",
    ]
    sheets = [datasheet(entry.id) for entry in REGISTERED]
    for sheet in sheets:
        lines += page(sheet)
    lines += ["## Parameters of the British site", ""]
    rows = ((p["name"], _number(p["default"]), p["unit"], _span(p), p["source"]) for p in sheets[0]["parameters"])
    lines += _table(("parameter", "default", "unit", "bounds", "source"), rows)
    lines += BELIEVABLE
    return "\n".join(lines) + "\n"


def page(sheet: dict[str, Any]) -> Iterator[str]:
    """One sheet in Markdown, line by line."""
    yield from (f"## `{sheet['id']}`", "", f"{sheet['title']}. A step is {sheet['step_minutes']} minutes.", "")
    yield from _table(("face", "made by"), ((face, f"`{place}`") for face, place in sheet["faces"].items()))
    yield from _table(("agent", "action"), sheet["actions"].items())
    yield from (f"Reward: {sheet['reward']}.", "")
    for agents, features in _by_layout(sheet["observations"]):
        yield from (f"Observation of {', '.join(agents)}: {len(features)} numbers.", "")
        rows = ((str(k), f["name"], f["unit"], _span(f), f["normaliser"]) for k, f in enumerate(features))
        yield from _table(("", "name", "unit", "range", "how"), rows)
    yield from ("Modelled:", "", *(f"- {line}" for line in sheet["modelled"]), "")
    yield from ("Not modelled:", "", *(f"- {line}" for line in sheet["not_modelled"]), "")


def _by_layout(observations: dict[str, list]) -> list[tuple[list[str], list]]:
    """Agents that see the same vector share a table."""
    groups: list[tuple[list[str], list]] = []
    for agent, features in observations.items():
        for agents, known in groups:
            if known == features:
                agents.append(agent)
                break
        else:
            groups.append(([agent], features))
    return groups


def _table(columns: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _span(item: dict[str, Any]) -> str:
    return "unbounded" if item["low"] is None else f"{_number(item['low'])} to {_number(item['high'])}"


def _number(value: float) -> str:
    return f"{value:g}"
