"""Headroom: the bound below every controller on real weeks of 2023, its replay, MPC, and CPU. One JSON on stdout.

    python bars/headroom_bounds.py [--every 5] [--own-trades] [--year]

Reads the data pack through DEG_SHARED (default ../shared). ``--year`` also solves DATA.md's own site for the year.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from agents import factory
from agents.policy import Policy
from configs.load import load_config
from configs.schema import Config
from envs.batch import SiteBatch
from envs.case import Case
from evaluate.accounting import keep_books
from evaluate.alone import Alone
from evaluate.cases import make_case, market_rules
from evaluate.optimal import Mpc, MpcSettings, Oracle, register_controllers
from evaluate.optimal.plain_site import PlainSite, least_cost_gbp
from evaluate.rollout import rollout
from evaluate.trading import Trading, TradingAlone
from grid.calendar import weeks

SCRIPTED = ("neutral", "threshold", "carbon_threshold", "event_follower", "neutral+trades")
TABLE_PERCENT = {"shift": 4.1, "battery": 2.9, "both": 7.1}  # DATA.md, cost saved, 2023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th of the 51 weeks")
    parser.add_argument("--own-trades", action="store_true", help="also bound own trades, 30 s a week")
    parser.add_argument("--year", action="store_true", help="also DATA.md's site, about 2 minutes")
    arguments = parser.parse_args()
    result: dict[str, object] = {}
    _warm_up()
    for workload in ("alibaba_2", "google"):
        rows = [_week(workload, start, arguments.own_trades) for start in weeks(2023)[:: arguments.every]]
        result[workload] = {"weeks": rows, "summary": _summary(rows)}
    if arguments.year:
        result["data_md_percent_saved"] = _data_md()
    print(json.dumps(result, indent=1))


def _warm_up() -> None:
    """Compile outside the measured time."""
    case = _case("alibaba_2", date(2023, 1, 2), 1)
    for policy in (Oracle(case), Mpc()):
        _cost(case, policy)


def _case(workload: str, start: date, days: int = 7) -> Case:
    return make_case(_config(workload), start, days)


@cache
def _config(workload: str) -> Config:
    return load_config(None, ["signals.source=file", f"workload.name={workload}"])


def _cost(case: Case, policy: Policy) -> float:
    """GBP, objective net of phantom money."""
    rules = market_rules(_config("alibaba_2"))
    overseer = TradingAlone if isinstance(policy, Trading) else Alone
    books = keep_books(rollout(SiteBatch([case]), policy, rules, overseer, seeds=np.array([0]))).totals(0)
    return books["objective_gbp"] + books["flex_phantom_gbp"]


def _week(workload: str, start: date, own_trades: bool) -> dict[str, object]:
    case = _case(workload, start)
    cost = {name: _cost(case, factory.make(name, case)) for name in SCRIPTED}
    began = time.process_time()
    oracle = Oracle(case)
    oracle_s = time.process_time() - began
    cost["oracle"] = _cost(case, oracle)
    began = time.process_time()
    cost["mpc"] = _cost(case, Mpc())
    mpc_s = time.process_time() - began
    cost["carbon_mpc"] = _cost(case, Mpc("carbon_mpc", MpcSettings("carbon_aware")))
    bound = oracle.bound.bound_gbp
    row: dict[str, object] = {
        "week": start.isoformat(),
        "bound_gbp": round(bound, 2),
        **{f"{name}_gbp": round(value, 2) for name, value in cost.items()},
        "holds": min(cost.values()) >= bound,
        "replay_gap": round((cost["oracle"] - bound) / (cost["neutral"] - bound), 4),
        "oracle_cpu_s": round(oracle_s, 2),
        "mpc_cpu_s": round(mpc_s, 2),
        "solver_gap": oracle.bound.gap,
    }
    return row | _own_trades(case, cost) if own_trades else row


def _own_trades(case: Case, cost: dict[str, float]) -> dict[str, object]:
    """The same with own trades; ``cost`` of the controllers that make none."""
    began = time.process_time()
    oracle = Oracle(case, own_trades=True)
    spent_s = time.process_time() - began
    found = oracle.bound
    register_controllers()
    traders = {name: _cost(case, factory.make(name, case)) for name in ("threshold+trades", "mpc+trades")}
    replayed = _cost(case, oracle)
    return {
        "own_trades_bound_gbp": round(found.bound_gbp, 2),
        **{f"{name}_gbp": round(value, 2) for name, value in traders.items()},
        "oracle+trades_gbp": round(replayed, 2),
        "own_trades_gap": round(found.gap, 4),
        "own_trades_cpu_s": round(spent_s, 2),
        "own_trades_holds": min(*cost.values(), *traders.values(), replayed) >= found.bound_gbp,
        "own_trades_replay_gap": round((replayed - found.bound_gbp) / (cost["neutral"] - found.bound_gbp), 4),
    }


def _summary(rows: list[dict[str, object]]) -> dict[str, object]:
    frame = pd.DataFrame(rows)
    saved = frame["neutral_gbp"].sum() - frame["bound_gbp"].sum()
    shares = {
        name: round(float((frame["neutral_gbp"].sum() - frame[f"{name}_gbp"].sum()) / saved), 4)
        for name in (*SCRIPTED, "oracle", "mpc", "carbon_mpc")
    }
    summary: dict[str, object] = {
        "weeks": len(frame),
        "bound_holds_on": int(frame["holds"].sum()),
        "bound_saves_percent": round(100.0 * float(saved / frame["neutral_gbp"].sum()), 3),
        "share_of_bound": shares,
        "largest_replay_gap": float(frame["replay_gap"].max()),
        "largest_oracle_cpu_s": float(frame["oracle_cpu_s"].max()),
        "largest_mpc_cpu_s": float(frame["mpc_cpu_s"].max()),
    }
    if "own_trades_gap" in frame:
        summary["own_trades_bound_holds_on"] = int(frame["own_trades_holds"].sum())
        summary["largest_own_trades_replay_gap"] = float(frame["own_trades_replay_gap"].max())
        summary["largest_own_trades_gap"] = float(frame["own_trades_gap"].max())
        summary["largest_own_trades_cpu_s"] = float(frame["own_trades_cpu_s"].max())
    return summary


def _data_md() -> dict[str, dict[str, float]]:
    """Cost saved on the data pack's own site, against its table."""
    folder = Path(os.environ.get("DEG_SHARED", "../shared")) / "data" / "train"
    names = {"workload_google": "utilisation", "gb_price": "price_gbp_per_mwh"}
    year = {}
    for name, column in names.items():
        frame = pd.read_csv(folder / f"{name}.csv.gz", index_col=0)
        year[column] = frame.loc[frame.index.str.startswith("2023"), column].to_numpy()
    shape = 0.5 + 0.5 * year["utilisation"]
    load_kw, cap_kw = 1000.0 * shape / shape.mean(), 1000.0 / shape.mean()
    price = year["price_gbp_per_mwh"]
    idle = float((load_kw * price).sum()) / 1000.0
    each_way = float(np.sqrt(0.9))
    sites = {
        "shift": PlainSite(load_kw, 0.2, cap_kw, 0.0, 0.0, each_way),
        "battery": PlainSite(load_kw, 0.0, cap_kw, 1000.0, 500.0, each_way),
        "both": PlainSite(load_kw, 0.2, cap_kw, 1000.0, 500.0, each_way),
    }
    return {
        name: {
            "saved": round(100.0 * (1.0 - least_cost_gbp(site, price) / idle), 3),
            "table": TABLE_PERCENT[name],
        }
        for name, site in sites.items()
    }


if __name__ == "__main__":
    main()
