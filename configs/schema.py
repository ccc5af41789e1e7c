"""Every configuration key of the project: type, unit, bounds, meaning. No logic and no defaults.

The defaults live in one place, ``configs/default.yaml``; ``deg.config.load_config`` lays an experiment file and
``key.path=value`` overrides over it and validates the whole tree against ``Config``. Values arrive typed by YAML and
nothing is guessed: ``true`` is not 1 and ``"7"`` is not 7.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"


def _key(description: str, unit: str = "-", *, locates: bool = False, **bounds: Any) -> Any:
    """A field without a default. locates: says where something lies, not what it is; left out of the config hash."""
    return Field(description=description, json_schema_extra={"unit": unit, "locates": locates}, **bounds)


def _whole(value: Any) -> Any:
    """1e6 is how people write a million steps; 1.5 stays a float and fails."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso_date(value: Any) -> Any:
    """A quoted date is still a date."""
    return date.fromisoformat(value) if isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(_whole)]
Day = Annotated[date, BeforeValidator(_iso_date)]
# YAML and JSON know lists only; the items stay strict.
Names = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class Section(BaseModel):
    """One branch of the tree: frozen, closed to unknown keys, strict about types, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Run(Section):
    """Which stretch of time, and where the results go: <run.dir>/<run.name>/."""

    name: str = _key("folder of this run's results inside run.dir", locates=True, pattern=NAME_PATTERN, max_length=100)
    dir: str = _key("folder that holds all runs", locates=True, min_length=1)
    start: Day = _key("first day, London", "date")
    days: Whole = _key("length of the run", "days", ge=1, le=366)
    seed: Whole = _key("seeds policies and forecast errors, never the world", ge=0, le=2**32 - 1)


class Signals(Section):
    """Weather, carbon and prices."""

    source: Literal["synthetic", "file"] = _key("synthetic is embedded and needs no file; file reads signals.path")
    path: str | None = _key("folder with the signal files; null: $DEG_SHARED/data/train", locates=True)
    cache_dir: str = _key("folder for what is slow to compute or fetch", locates=True, min_length=1)


class Workload(Section):
    """The utilisation trace of the IT load."""

    name: str | None = _key("trace; null: alibaba_2 with file signals, else generator", pattern=NAME_PATTERN)
    path: str | None = _key("folder with workload_<name>.csv.gz; null: signals.path", locates=True)


class Site(Section):
    """The data centre. `deg describe env` lists its parameters with unit, bounds and source."""

    profile: Literal["uk_default"] = _key("set of site parameters to start from")
    it_capacity_mw: float = _key("rated IT power", "MW", gt=0, le=1000)
    parameters: dict[str, float] = _key("site parameters that differ from the profile, by name")


class Tariff(Section):
    """What a metered kWh costs: day-ahead price plus a fixed adder, and network charges."""

    adder_gbp_per_mwh: float = _key("added to the day-ahead price", "GBP/MWh", ge=-1000, le=10000)
    network: Literal["none"] = _key("network charges by time band")


class Market(Section):
    """How flexibility is sold and settled, and what everything that is not on the bill is worth."""

    aggregator_share: float = _key("aggregator's share of flexibility gains and losses", "share", ge=0, le=1)
    half_spread_gbp_per_mwh: float = _key("own trades sell this far below day-ahead", "GBP/MWh", ge=0, le=1000)
    min_commitment_kw: float = _key("smallest commitment the market takes", "kW", ge=0, le=1e6)
    registered_kw: float = _key("largest commitment, as registered", "kW", ge=0, le=1e7)
    compensation: Literal["mutualised", "vtp_pays"] = _key("who compensates the supplier for energy not consumed")
    rulebook: Literal["p415-2024-11", "p511-2026-08"] = _key("market rules in force")
    reference_price_gbp_per_mwh: float | None = _key(
        "supplier compensation price; null: quarterly series", "GBP/MWh", ge=0, le=10000
    )
    baseline_rule: Literal["mid", "high", "all"] = _key("which of the eligible days make the BL01 baseline")
    wear_gbp_per_mwh: float = _key("battery wear, on energy discharged (AC side)", "GBP/MWh", ge=0, le=10000)
    carbon_price_gbp_per_t: float = _key("value of carbon in the objective, never in the bill", "GBP/t", ge=0, le=1e5)
    overheat_gbp_per_minute: float = _key("penalty while the inlet is above its limit", "GBP/min", ge=0, le=1e5)
    late_gbp_per_kwh: float = _key("penalty on IT work run after its deadline", "GBP/kWh", ge=0, le=1e5)
    breach_gbp_per_step: float = _key("penalty per 15-min step outside a notice's constraint", "GBP", ge=0, le=1e5)
    requests: bool = _key("flexibility requests reach the site")
    own_trades: bool = _key("the site may sell periods of its own choice, 4 h a day at most")

    @model_validator(mode="after")
    def _sizes_in_order(self) -> Market:
        if self.min_commitment_kw > self.registered_kw:
            raise ValueError(
                f"market.min_commitment_kw {self.min_commitment_kw:g} is above market.registered_kw "
                f"{self.registered_kw:g}; lower the first or raise the second"
            )
        return self


class Agents(Section):
    """Who proposes actions for load, battery and cooling."""

    controller: str = _key("controller whose proposals the supervisor reads", min_length=1)
    checkpoint: str | None = _key("folder of a trained policy, in place of the controller", locates=True)


class Supervisor(Section):
    """Who follows, bounds or overrides the agents."""

    backend: Literal["rules", "none", "random", "vllm", "openai", "anthropic"] = _key(
        "who decides; none: the agents alone"
    )
    every_steps: Whole = _key("control steps between decisions", "15-min steps", ge=1, le=96)
    model: str | None = _key("model name or folder, for the backends that have one")


class Evaluate(Section):
    """The ablation matrix."""

    variants: Names = _key("controllers to compare; supervisor appended with +")
    weeks: Whole = _key("number of weeks", "weeks", ge=1, le=51)
    seeds: Whole = _key("number of seeds per stochastic variant", ge=1, le=100)
    period: Annotated[tuple[Day, Day], Field(strict=False)] = _key("first and last day that weeks are drawn from")
    workloads: Names = _key("workload traces")

    @model_validator(mode="after")
    def _period_in_order(self) -> Evaluate:
        if self.period[0] > self.period[1]:
            raise ValueError(f"evaluate.period ends before it starts: {self.period[0]} > {self.period[1]}; swap them")
        return self


class Train(Section):
    """Reinforcement learning with RLlib."""

    algorithm: Literal["ppo", "mappo"] = _key("independent or centralised critic")
    env_steps: Whole = _key("environment steps to train for", "15-min steps", ge=1)
    num_env_runners: Whole = _key("parallel samplers", ge=0, le=1024)
    num_learners: Whole = _key("learner processes; 0: in the driver", ge=0, le=64)
    num_gpus_per_learner: float = _key("GPUs for each learner", ge=0, le=8)
    ray_address: str | None = _key("running Ray cluster; null: start one here", locates=True)
    checkpoint_every_s: float = _key("wall time between checkpoints", "s", gt=0)


class Wandb(Section):
    """Weights & Biases tracking. The key comes from the environment variable WANDB_API_KEY alone."""

    mode: Literal["offline", "online", "disabled"] = _key("where metrics go", locates=True)
    project: str = _key("project", locates=True, min_length=1)
    group: str | None = _key("group of runs", locates=True)


class Config(Section):
    """The whole tree."""

    run: Run
    signals: Signals
    workload: Workload
    site: Site
    tariff: Tariff
    market: Market
    agents: Agents
    supervisor: Supervisor
    evaluate: Evaluate
    train: Train
    wandb: Wandb
