"""Every configuration key of the project: type, unit, bounds, meaning, and where its default comes from.

The defaults themselves live in one place, ``configs/default.yaml``; ``configs.load.load_config`` lays an experiment
file and ``key.path=value`` overrides over it and validates the whole tree against ``Config``. Values arrive typed by
YAML and nothing is guessed: ``true`` is not 1 and ``"7"`` is not 7.
"""

from __future__ import annotations

import difflib
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"

# Frozen names of contract 8; the last line came later. A supervisor is appended with "+": "grid_aware+rules".
VARIANTS = (
    "neutral", "neutral+trades", "threshold", "carbon_threshold", "event_follower", "best_constant",
    "site", "carbon_aware", "grid_aware", "mpc", "oracle", "oracle_bound",
    "time_of_day", "sustaindc_rules", "carbon_mpc",
)  # fmt: skip
SUPERVISORS = ("rules", "random")

ASSUMPTION = "assumption"
DESIGN = "design default"
CHOICE = "choice of the experiment"


def _key(description: str, unit: str = "-", source: str = CHOICE, *, locates: bool = False, **bounds: Any) -> Any:
    """A field without a default.

    source: where the default value comes from, or "assumption".
    locates: says where something lies, not what it is; left out of the config hash.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source, "locates": locates}
    return Field(description=description, json_schema_extra=extra, **bounds)


def _whole(value: Any) -> Any:
    """1e6 is how people write a million steps; 1.5 stays a float and fails."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso_date(value: Any) -> Any:
    """A quoted date is still a date; anything else is left for the type check to refuse."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _variant(name: str) -> str:
    base, plus, supervisor = name.rpartition("+")
    if name in VARIANTS or (plus and base in VARIANTS and supervisor in SUPERVISORS):
        return name
    known = [*VARIANTS, *(f"{variant}+{supervisor}" for variant in VARIANTS for supervisor in SUPERVISORS)]
    near = difflib.get_close_matches(name, known, n=1)
    raise ValueError(f"unknown variant {name!r}; " + (f"did you mean {near[0]}?" if near else f"known: {VARIANTS}"))


def _odd(value: int) -> int:
    if value < 3 or value % 2 == 0 or value > 21:
        raise ValueError(f"{value} levels; give an odd number from 3 to 21, so that one of them is neutral")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Levels = Annotated[int, BeforeValidator(_whole), AfterValidator(_odd)]
Day = Annotated[date, BeforeValidator(_iso_date)]
Variant = Annotated[str, AfterValidator(_variant)]


class Section(BaseModel):
    """One branch of the tree: frozen, closed to unknown keys, strict about types, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Run(Section):
    """Which stretch of time, and where the results go: <run.dir>/<run.name>/."""

    name: str = _key("folder of this run's results inside run.dir", locates=True, pattern=NAME_PATTERN, max_length=100)
    dir: str = _key("folder that holds all runs", locates=True, min_length=1)
    start: Day = _key("first day, London", "date", "a typical week of 2023: GBP 92/MWh, 138 g/kWh")
    days: Whole = _key("length of the run", "days", ge=1, le=1096)
    seed: Whole = _key("seeds policies and forecast errors, never the world", ge=0, le=2**32 - 1)


class BaseUrls(Section):
    """Addresses of the live services; null: the public one."""

    carbon_intensity: str | None = _key("Carbon Intensity API", locates=True)
    elexon: str | None = _key("Elexon Insights", locates=True)
    open_meteo: str | None = _key("Open-Meteo forecast", locates=True)
    open_meteo_archive: str | None = _key("Open-Meteo archive", locates=True)


class Signals(Section):
    """Weather, carbon and prices."""

    source: Literal["synthetic", "file", "live"] = _key(
        "synthetic is embedded and needs no file; file reads signals.path; live asks the public services"
    )
    path: str | None = _key(
        "with file: folder of signal files, or one .parquet of deg data fetch; null: $DEG_SHARED/data/train",
        locates=True,
    )
    region: Whole | None = _key("with live: carbon of a region (13: London); null: Great Britain", ge=1, le=17)
    cache_dir: str | None = _key("where answers of live services are kept; null: the user's cache folder", locates=True)
    base_urls: BaseUrls
    seed: Whole = _key("which synthetic Britain: seeds its signals and the generated workload", ge=0, le=2**32 - 1)


class Workload(Section):
    """The utilisation trace of the IT load."""

    name: Literal["alibaba_1", "alibaba_2", "google", "generator"] | None = _key(
        "trace; null: alibaba_2 with a folder of signal files, else generator"
    )
    path: str | None = _key("folder with workload_<name>.csv.gz; null: signals.path", locates=True)


class Disturbance(Section):
    """Something that goes wrong at the site for some hours (``envs.scenario``)."""

    kind: Literal["chiller_loss", "battery_outage", "demand_surge", "sensor_dropout", "stale_signals"] = _key("what")
    start_hour: float = _key("start, after the start of the run or week", "h", ge=0, le=26304)
    hours: float = _key("how long it lasts", "h", gt=0, le=26304)
    severity: float = _key(
        "share of capacity lost, or utilisation added; 1 for sensors and signals, which are out or not", gt=0, le=1
    )

    @model_validator(mode="after")
    def _in_steps(self) -> Disturbance:
        for name in ("start_hour", "hours"):
            if getattr(self, name) % 0.25:
                raise ValueError(f"{name} {getattr(self, name):g} is no number of quarter hours; round it")
        return self


class Site(Section):
    """The data centre: size, what can move, and what everything that is not on the bill is worth.

    Battery and import limit grow with ``it_capacity_mw`` where they are not given.
    """

    profile: Literal["uk_default"] = _key("set of site parameters to start from")
    it_capacity_mw: float = _key("rated IT power", "MW", DESIGN, gt=0, le=1000)
    idle_share: float = _key("power of an idle server, share of its peak", "share", ASSUMPTION, ge=0, le=0.95)
    deferrable_share: float = _key("share of utilisation that may wait", "share", ASSUMPTION, ge=0, le=1)
    deadline_steps: Whole = _key("how long that share may wait", "15-min steps", DESIGN, ge=1, le=96)
    short_share: float = _key("share of utilisation that may wait too, but less long", "share", CHOICE, ge=0, le=1)
    short_deadline_steps: Whole = _key("how long that second share may wait", "15-min steps", ASSUMPTION, ge=1, le=96)
    import_limit_kw: float = _key("connection limit; there is no export", "kW", ASSUMPTION, gt=0, le=1e7)
    battery_kwh: float = _key("battery energy", "kWh", ASSUMPTION, ge=0, le=1e7)
    battery_kw: float = _key("battery power, either way", "kW", ASSUMPTION, ge=0, le=1e7)
    charge_efficiency: float = _key("stored over drawn", "share", ASSUMPTION, ge=0.5, le=1)
    discharge_efficiency: float = _key("delivered over taken from store", "share", ASSUMPTION, ge=0.5, le=1)
    soc_min: float = _key("lowest state of charge", "share", ASSUMPTION, ge=0, le=1)
    soc_max: float = _key("highest state of charge", "share", ASSUMPTION, ge=0, le=1)
    soc_start: float = _key("state of charge at the start", "share", ASSUMPTION, ge=0, le=1)
    supply_min_degc: float = _key("coldest supply air", "degC", "ASHRAE recommended 18 less 2 K", ge=10, le=35)
    supply_max_degc: float = _key("warmest supply air", "degC", "ASHRAE recommended 27 less 1 K", ge=10, le=35)
    supply_neutral_degc: float = _key("supply air of the neutral controller", "degC", DESIGN, ge=10, le=35)
    overheat_limit_degc: float = _key("inlet above this overheats", "degC", "ASHRAE recommended limit", ge=18, le=45)
    wear_gbp_per_mwh: float = _key("battery wear, on energy discharged (AC)", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    carbon_price_gbp_per_t: float = _key(
        "carbon in the objective, never in the bill", "GBP/t", ASSUMPTION, ge=0, le=1e5
    )
    overheat_gbp_per_minute: float = _key("penalty while overheated", "GBP/min", ASSUMPTION, ge=0, le=1e5)
    late_gbp_per_kwh: float = _key("penalty on IT work run after its deadline", "GBP/kWh", ASSUMPTION, ge=0, le=1e5)
    notice_gbp_per_step: float = _key("penalty per step outside a notice's limit", "GBP", ASSUMPTION, ge=0, le=1e5)
    scenario: Annotated[tuple[Disturbance, ...], Field(strict=False)] = _key("what goes wrong during a run", "list")

    @model_validator(mode="after")
    def _in_order(self) -> Site:
        for low, middle, high in (
            ("soc_min", "soc_start", "soc_max"),
            ("supply_min_degc", "supply_neutral_degc", "supply_max_degc"),
        ):
            values = [getattr(self, name) for name in (low, middle, high)]
            if values != sorted(values):
                shown = ", ".join(f"site.{name} {getattr(self, name):g}" for name in (low, middle, high))
                raise ValueError(f"{shown}; they have to rise in this order")
        return self


class NetworkBand(Section):
    """A network charge on clock half-hours [first, last) of the London day; bands that overlap add up."""

    first_half_hour: Whole = _key("start, half-hours after midnight", "half-hours", ge=0, le=47)
    last_half_hour: Whole = _key("end, half-hours after midnight", "half-hours", ge=1, le=48)
    gbp_per_mwh: float = _key("charge on metered import", "GBP/MWh", ge=-1e4, le=1e5)
    working_days_only: bool = _key("not at weekends and on bank holidays")


class Tariff(Section):
    """What a metered kWh costs beyond the day-ahead price."""

    adder_gbp_per_mwh: float = _key("added to the day-ahead price", "GBP/MWh", DESIGN, ge=-1000, le=10000)
    network_bands: Annotated[tuple[NetworkBand, ...], Field(strict=False)] = _key("network charges", "list", DESIGN)


class RequestTerms(Section):
    """How often, when and for how much the grid side asks; see grid.event_source for the scarcity model."""

    most_per_week: Whole = _key("most requests in a week", source=DESIGN, ge=1, le=7)
    slope: float = _key("chance of a request per unit of evening price over the week's mean", "-", ASSUMPTION, ge=0)
    ratio_floor: float = _key("no chance below this ratio", "-", ASSUMPTION, ge=0, le=10)
    most_probable: float = _key("highest chance on any day", "share", ASSUMPTION, ge=0, le=1)
    first_hour: Whole = _key("earliest start, London clock", "h", DESIGN, ge=7, le=21)
    last_hour: Whole = _key("latest end, London clock", "h", DESIGN, ge=9, le=23)
    kw_low: Whole = _key("smallest request", "kW", DESIGN, ge=1, le=10**6)
    kw_high: Whole = _key("largest request", "kW", DESIGN, ge=1, le=10**6)
    multiple_low: float = _key("lowest price over the day-ahead price of its hours", "-", DESIGN, gt=0, le=100)
    multiple_high: float = _key("highest price over the day-ahead price of its hours", "-", DESIGN, gt=0, le=100)
    price_floor_gbp_per_mwh: float = _key("no request pays less", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    lead_hours: float = _key("from publication to start, at least", "h", DESIGN, ge=1, le=12)


class SystemPrice(Section):
    """The modelled system price: day-ahead plus AR(1), raised during requests."""

    sd_gbp_per_mwh: float = _key("standard deviation around day-ahead", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    hourly_correlation: float = _key("of that deviation from hour to hour", "-", ASSUMPTION, gt=0, lt=1)
    premium_share: float = _key("share of a request's premium it takes on", "share", ASSUMPTION, ge=0, le=1)


class Market(Section):
    """How flexibility is sold and settled."""

    requests: bool = _key("whether the grid side asks for flexibility", source=DESIGN)
    events: str | None = _key("YAML or JSON list of requests; null: modelled ones")
    request_terms: RequestTerms
    system_price: SystemPrice
    reference_price_gbp_per_mwh: float | None = _key(
        "supplier compensation for all periods; null: by quarter, sourced or modelled", "GBP/MWh", DESIGN, ge=0, le=1e4
    )
    aggregator_share: float = _key(
        "aggregator's share of flexibility gains and losses", "share", "assumption: public models 0.1-0.5", ge=0, le=1
    )
    half_spread_gbp_per_mwh: float = _key(
        "own trades sell this far below day-ahead", "GBP/MWh", ASSUMPTION, ge=0, le=1e3
    )
    min_commitment_kw: float = _key("smallest commitment the market takes", "kW", ASSUMPTION, ge=0, le=1e6)
    registered_kw: float = _key("largest commitment, as registered", "kW", ASSUMPTION, gt=0, le=1e7)
    compensation: Literal["mutualised", "vtp_pays"] = _key(
        "who compensates the supplier for energy not consumed", source="Ofgem's decision on P415"
    )
    baseline_rule: Literal["mid", "high", "all"] = _key(
        "which eligible days BL01 averages: middle, highest or all", source="Elexon BL01; one secondary text reads high"
    )
    rulebook: Literal["p415-2024-11", "p511-2026-08"] = _key(
        "market rules in force", source="Elexon P415 (7 November 2024), P511 (24 August 2026)"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Market:
        if self.min_commitment_kw > self.registered_kw:
            raise ValueError(
                f"market.min_commitment_kw {self.min_commitment_kw:g} is above market.registered_kw "
                f"{self.registered_kw:g}; lower the first or raise the second"
            )
        return self


class Operator(Section):
    """The grid operator that `deg beckn simulate` plays."""

    port: Whole = _key("port it listens on, loopback", ge=1, le=65535, locates=True)
    database: str | None = _key("its SQLite file; null: operator.sqlite in beckn.folder", locates=True)


class Beckn(Section):
    """The site on a Beckn network. Who it is and its signing key come from the environment or files alone."""

    enabled: bool = _key("whether requests come from contracts confirmed on the network, in place of modelled ones")
    folder: str = _key("local network and databases", locates=True, min_length=1)
    database: str | None = _key(
        "SQLite file shared by deg run and deg beckn serve; null: site.sqlite in beckn.folder", locates=True
    )
    registry: str | None = _key(
        "registry: file, http(s)://... or dedi+https://...; null: a network of our own in beckn.folder", locates=True
    )
    subscriber_id: str | None = _key("our id; null: $BECKN_SUBSCRIBER_ID, or that of the local network", locates=True)
    key_id: str | None = _key("id of our key; null: $BECKN_KEY_ID, or that of the local network", locates=True)
    key_file: str | None = _key("file with our signing key; null: $BECKN_PRIVATE_KEY, or the local one", locates=True)
    network_id: str = _key("the one network we trade on, namespace/registry")
    host: str = _key("address to listen on; loopback unless you mean it", locates=True, min_length=1)
    port: Whole = _key("port to listen on", ge=1, le=65535, locates=True)
    url: str | None = _key("address registered for us; null: http://host:port", locates=True)
    publish_to: str | None = _key("subscriber that the catalogue is published to; null: nobody", locates=True)
    rate_per_minute: Whole = _key("messages taken from one sender", "1/min", ASSUMPTION, ge=1)
    strict: bool = _key("refuse a repeated message in place of repeating the answer")
    site_id: str = _key("the site in catalogues", min_length=1)
    metering_id: str = _key("its metering point in catalogues", min_length=1)
    price_gbp_per_kwh: float = _key("what a kWh reduced costs the buyer", "GBP/kWh", ASSUMPTION, ge=0, le=100)
    speed: float | None = _key(
        "market seconds per second of ours, from run.start on; null: the wall clock", "x", locates=True, gt=0, le=1e6
    )
    operator: Operator


class Agents(Section):
    """Who proposes actions for load, battery and cooling."""

    policy: Literal[
        "neutral", "neutral+trades", "threshold", "carbon_threshold", "event_follower",
        "best_constant", "time_of_day", "sustaindc_rules", "site", "carbon_aware", "grid_aware", "mpc", "carbon_mpc",
    ] = _key("controller whose proposals the supervisor reads")  # fmt: skip
    checkpoint: str | None = _key("folder of a trained policy, in place of agents.policy", locates=True)


class Supervisor(Section):
    """Who follows, bounds or overrides the agents."""

    backend: Literal["rules", "none", "vllm", "openai", "anthropic"] = _key(
        "who decides; none: the agents alone; vllm: a model run here; openai: any server that speaks its API; "
        "anthropic. Keys come from OPENAI_API_KEY and ANTHROPIC_API_KEY alone"
    )
    every_steps: Whole = _key("control steps between decisions", "15-min steps", DESIGN, ge=1, le=96)
    model: str | None = _key("vllm: a model folder, or one under models/; else the name its server gives it")
    base_url: str | None = _key(
        "server of the openai backend, up to /v1, or of the anthropic one; null: the company's own", locates=True
    )
    timeout_s: float = _key("longest a control step may wait for a model", "s", ASSUMPTION, gt=0, le=800)
    power_w: float = _key(
        "power of the model's machine while it answers; an H100 takes 700", "W", ASSUMPTION, ge=0, le=1e5
    )
    show_proposals: bool = _key(
        "put the agents' raw actions into the prompt; small models copy them", source="the first probe of small models"
    )
    max_concurrency: Whole = _key("requests under way at one server", ge=1, le=256)

    @model_validator(mode="after")
    def _address(self) -> Supervisor:
        url = urlsplit(self.base_url or "http://none")
        # The address is written to config.yaml, so it may not carry a key; it is not repeated here either.
        if "@" in url.netloc or url.query:
            raise ValueError("supervisor.base_url carries a password or a query; keys belong into the environment")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"supervisor.base_url is {self.base_url!r}; expected http://HOST:PORT/v1 or https://...")
        return self


class Evaluate(Section):
    """Controllers compared over weeks and seeds."""

    report: Literal["ablation", "headroom"] = _key(
        "ablation: the variants against each other; headroom: what each flexibility is worth to each variant"
    )
    variants: Annotated[tuple[Variant, ...], Field(strict=False)] = _key(
        "controllers to compare; a supervisor is appended with +", min_length=1
    )
    weeks: Whole = _key("number of weeks", "weeks", ge=2, le=51)
    seeds: Whole = _key("number of seeds", ge=1, le=100)
    period: Annotated[tuple[Day, Day], Field(strict=False)] = _key(
        "first and last Monday that weeks are drawn from", "dates", DESIGN
    )

    @model_validator(mode="after")
    def _in_order(self) -> Evaluate:
        if self.period[0] > self.period[1]:
            raise ValueError(f"evaluate.period ends before it starts: {self.period[0]} > {self.period[1]}; swap them")
        return self


class Train(Section):
    """Reinforcement learning with RLlib."""

    algorithm: Literal["ippo", "mappo", "shared", "joint"] = _key(
        "independent critics, one critic that sees more, one actor for all agents, or one joint action"
    )
    information: Literal["site", "carbon_aware", "grid_aware"] = _key("what the agents observe")
    discrete: Levels | None = _key("levels an action is chosen from, odd; null: continuous actions")
    hold_steps: Literal[1, 2, 4] = _key("control steps that a choice is held: 2 is a settlement period", "15-min steps")
    env_steps: Whole = _key("environment steps to train for", "15-min steps", ge=1)
    reward: Literal["individual", "team"] = _key("each agent's own marginal pounds, or their sum")
    stock_each_step: bool = _key("book what charge and queue will be worth as they change, not only at the end")
    sale_share: float = _key("share of the requests met in training that are sold", "share", ge=0, le=1)
    worlds: Whole = _key("synthetic worlds to train in", ge=1, le=1000)
    world_days: Whole = _key("length of a world", "days", ge=15, le=350)
    sites: Whole = _key("sites simulated together by a runner", ge=1, le=65536)
    fragment_steps: Whole = _key("choices of a rollout", "choices", ge=1, le=4096)
    minibatch: Whole = _key("rows of a gradient step", ge=1)
    epochs: Whole = _key("passes over a batch", ge=1, le=100)
    lr: float = _key("learning rate at the start", gt=0, le=1)
    final_lr_share: float = _key("of it left at the end, falling in a line", "share", gt=0, le=1)
    gamma: float = _key("discount per choice", gt=0, le=1)
    gae_lambda: float = _key("lambda of the advantage estimate", ge=0, le=1)
    clip: float = _key("PPO's clip of the probability ratio", gt=0, le=1)
    entropy: float = _key("weight of the entropy bonus", ge=0, le=1)
    fast: bool = _key("batched path; false: RLlib's own runner and learner")
    compiled: bool = _key("compile the loss (torch.compile)")
    num_env_runners: Whole = _key("parallel samplers; 0: in the driver", ge=0, le=1024)
    num_learners: Whole = _key("learner processes; 0: in the driver", ge=0, le=64)
    num_gpus_per_learner: float = _key("GPUs for each learner", ge=0, le=8)
    ray_address: str | None = _key("running Ray cluster; null: start one here", locates=True)
    checkpoint_every_s: float = _key("wall time between checkpoints", "s", gt=0)
    evaluate_weeks: Whole = _key("validation weeks of 2022 to evaluate on at the end", "weeks", ge=0, le=46)

    @model_validator(mode="after")
    def _divisible(self) -> Train:
        batch = self.sites * self.fragment_steps * max(1, self.num_env_runners)
        for name, parts in (("train.num_learners", max(1, self.num_learners)), ("train.minibatch", self.minibatch)):
            if batch % parts:
                raise ValueError(
                    f"{name} {parts} does not divide train.sites x train.fragment_steps x runners = {batch}; "
                    "choose one that does"
                )
        return self


class Wandb(Section):
    """Weights & Biases tracking. The key comes from the environment variable WANDB_API_KEY alone."""

    mode: Literal["offline", "online", "disabled"] = _key("where metrics go", locates=True)
    project: str = _key("project", locates=True, min_length=1)


class Config(Section):
    """The whole tree."""

    run: Run
    signals: Signals
    workload: Workload
    site: Site
    tariff: Tariff
    market: Market
    beckn: Beckn
    agents: Agents
    supervisor: Supervisor
    evaluate: Evaluate
    train: Train
    wandb: Wandb
