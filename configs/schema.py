"""Every configuration key of the project: type, unit, bounds, meaning, and where its default comes from.

The defaults themselves live in one place, ``configs/default.yaml``; ``configs.load.load_config`` lays an experiment
file and ``key.path=value`` overrides over it and validates the whole tree against ``Config``. Values arrive typed by
YAML and nothing is guessed: ``true`` is not 1 and ``"7"`` is not 7.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from configs.fields import (
    ASSUMPTION,
    CHOICE,
    DESIGN,
    MODELS,
    NAME_PATTERN,
    Day,
    Section,
    Whole,
    key,
)
from configs.studies import Evaluate, Train


class Run(Section):
    """Which stretch of time, and where the results go: <run.dir>/<run.name>/."""

    name: str = key("folder of this run's results inside run.dir", locates=True, pattern=NAME_PATTERN, max_length=100)
    dir: str = key("folder that holds all runs", locates=True, min_length=1)
    start: Day = key("first day, London", "date", "a typical week of 2023: GBP 92/MWh, 138 g/kWh")
    days: Whole = key("length of the run", "days", ge=1, le=1096)
    seed: Whole = key("seeds policies and forecast errors, never the world", ge=0, le=2**32 - 1)


class BaseUrls(Section):
    """Addresses of the live services; null: the public one."""

    carbon_intensity: str | None = key("Carbon Intensity API", locates=True)
    elexon: str | None = key("Elexon Insights", locates=True)
    open_meteo: str | None = key("Open-Meteo forecast", locates=True)
    open_meteo_archive: str | None = key("Open-Meteo archive", locates=True)


class Signals(Section):
    """Weather, carbon and prices."""

    source: Literal["synthetic", "file", "live"] = key(
        "synthetic is embedded and needs no file; file reads signals.path; live asks the public services"
    )
    path: str | None = key(
        "with file: folder of signal files, or one .parquet of deg data fetch; null: $DEG_SHARED/data/train",
        locates=True,
    )
    region: Whole | None = key("with live: carbon of a region (13: London); null: Great Britain", ge=1, le=17)
    cache_dir: str | None = key("where answers of live services are kept; null: the user's cache folder", locates=True)
    base_urls: BaseUrls
    seed: Whole = key("which synthetic Britain: seeds its signals and the generated workload", ge=0, le=2**32 - 1)


class Workload(Section):
    """The utilisation trace of the IT load."""

    name: Literal["alibaba_1", "alibaba_2", "google", "generator", "jobs"] | None = key(
        "trace, or drawn: generator, jobs (in classes); null: alibaba_2 with a folder of signal files, else generator"
    )
    path: str | None = key("folder with workload_<name>.csv.gz; null: signals.path", locates=True)


class Disturbance(Section):
    """Something that goes wrong at the site for some hours (``envs.scenario``)."""

    kind: Literal["chiller_loss", "battery_outage", "demand_surge", "sensor_dropout", "stale_signals"] = key("what")
    start_hour: float = key("start, after the start of the run or week", "h", ge=0, le=26304)
    hours: float = key("how long it lasts", "h", gt=0, le=26304)
    severity: float = key(
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

    profile: Literal["uk_default", "sustaindc"] = key(
        "set of site parameters to start from; sustaindc: SustainDC's own site, for deg train alone"
    )
    it_capacity_mw: float = key("rated IT power", "MW", DESIGN, gt=0, le=1000)
    idle_share: float = key("power of an idle server, share of its peak", "share", ASSUMPTION, ge=0, le=0.95)
    deferrable_share: float = key("share of utilisation that may wait", "share", ASSUMPTION, ge=0, le=1)
    deadline_steps: Whole = key("how long that share may wait", "15-min steps", DESIGN, ge=1, le=96)
    short_share: float = key("share of utilisation that may wait too, but less long", "share", CHOICE, ge=0, le=1)
    short_deadline_steps: Whole = key("how long that second share may wait", "15-min steps", ASSUMPTION, ge=1, le=96)
    import_limit_kw: float = key("connection limit; there is no export", "kW", ASSUMPTION, gt=0, le=1e7)
    battery_kwh: float = key("battery energy", "kWh", ASSUMPTION, ge=0, le=1e7)
    battery_kw: float = key("battery power, either way", "kW", ASSUMPTION, ge=0, le=1e7)
    charge_efficiency: float = key("stored over drawn", "share", ASSUMPTION, ge=0.5, le=1)
    discharge_efficiency: float = key("delivered over taken from store", "share", ASSUMPTION, ge=0.5, le=1)
    soc_min: float = key("lowest state of charge", "share", ASSUMPTION, ge=0, le=1)
    soc_max: float = key("highest state of charge", "share", ASSUMPTION, ge=0, le=1)
    soc_start: float = key("state of charge at the start", "share", ASSUMPTION, ge=0, le=1)
    supply_min_degc: float = key("coldest supply air", "degC", "ASHRAE recommended 18 less 2 K", ge=10, le=35)
    supply_max_degc: float = key("warmest supply air", "degC", "ASHRAE recommended 27 less 1 K", ge=10, le=35)
    supply_neutral_degc: float = key("supply air of the neutral controller", "degC", DESIGN, ge=10, le=35)
    overheat_limit_degc: float = key("inlet above this overheats", "degC", "ASHRAE recommended limit", ge=18, le=45)
    wear_gbp_per_mwh: float = key("battery wear, on energy discharged (AC)", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    carbon_price_gbp_per_t: float = key("carbon in the objective, never in the bill", "GBP/t", ASSUMPTION, ge=0, le=1e5)
    overheat_gbp_per_minute: float = key("penalty while overheated", "GBP/min", ASSUMPTION, ge=0, le=1e5)
    late_gbp_per_kwh: float = key("penalty on IT work run after its deadline", "GBP/kWh", ASSUMPTION, ge=0, le=1e5)
    notice_gbp_per_step: float = key("penalty per step outside a notice's limit", "GBP", ASSUMPTION, ge=0, le=1e5)
    scenario: Annotated[tuple[Disturbance, ...], Field(strict=False)] = key("what goes wrong during a run", "list")

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

    first_half_hour: Whole = key("start, half-hours after midnight", "half-hours", ge=0, le=47)
    last_half_hour: Whole = key("end, half-hours after midnight", "half-hours", ge=1, le=48)
    gbp_per_mwh: float = key("charge on metered import", "GBP/MWh", ge=-1e4, le=1e5)
    working_days_only: bool = key("not at weekends and on bank holidays")


class Tariff(Section):
    """What a metered kWh costs beyond the day-ahead price."""

    adder_gbp_per_mwh: float = key("added to the day-ahead price", "GBP/MWh", DESIGN, ge=-1000, le=10000)
    network_bands: Annotated[tuple[NetworkBand, ...], Field(strict=False)] = key(
        "network charges by time band; configs/network_london.yaml is a set from an operator's schedule", "list", DESIGN
    )


class RequestTerms(Section):
    """How often, when and for how much the grid side asks; see grid.event_source for the scarcity model."""

    most_per_week: Whole = key("most requests in a week", source=DESIGN, ge=1, le=7)
    slope: float = key("chance of a request per unit of evening price over the week's mean", "-", ASSUMPTION, ge=0)
    ratio_floor: float = key("no chance below this ratio", "-", ASSUMPTION, ge=0, le=10)
    most_probable: float = key("highest chance on any day", "share", ASSUMPTION, ge=0, le=1)
    first_hour: Whole = key("earliest start, London clock", "h", DESIGN, ge=7, le=21)
    last_hour: Whole = key("latest end, London clock", "h", DESIGN, ge=9, le=23)
    kw_low: Whole = key("smallest request", "kW", DESIGN, ge=1, le=10**6)
    kw_high: Whole = key("largest request", "kW", DESIGN, ge=1, le=10**6)
    multiple_low: float = key("lowest price over the day-ahead price of its hours", "-", DESIGN, gt=0, le=100)
    multiple_high: float = key("highest price over the day-ahead price of its hours", "-", DESIGN, gt=0, le=100)
    price_floor_gbp_per_mwh: float = key("no request pays less", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    lead_hours: float = key("from publication to start, at least", "h", DESIGN, ge=1, le=12)


class SystemPrice(Section):
    """The modelled system price: day-ahead plus AR(1), raised during requests."""

    sd_gbp_per_mwh: float = key("standard deviation around day-ahead", "GBP/MWh", ASSUMPTION, ge=0, le=1e4)
    hourly_correlation: float = key("of that deviation from hour to hour", "-", ASSUMPTION, gt=0, lt=1)
    premium_share: float = key("share of a request's premium it takes on", "share", ASSUMPTION, ge=0, le=1)


class Market(Section):
    """How flexibility is sold and settled."""

    requests: bool = key("whether the grid side asks for flexibility", source=DESIGN)
    events: str | None = key("YAML or JSON list of requests; null: modelled ones")
    request_terms: RequestTerms
    system_price: SystemPrice
    reference_price_gbp_per_mwh: float | None = key(
        "supplier compensation for all periods; null: by quarter, sourced or modelled", "GBP/MWh", DESIGN, ge=0, le=1e4
    )
    aggregator_share: float = key(
        "aggregator's share of flexibility gains and losses", "share", "assumption: public models 0.1-0.5", ge=0, le=1
    )
    half_spread_gbp_per_mwh: float = key(
        "own trades sell this far below day-ahead", "GBP/MWh", ASSUMPTION, ge=0, le=1e3
    )
    min_commitment_kw: float = key("smallest commitment the market takes", "kW", ASSUMPTION, ge=0, le=1e6)
    registered_kw: float = key("largest commitment, as registered", "kW", ASSUMPTION, gt=0, le=1e7)
    compensation: Literal["mutualised", "vtp_pays"] = key(
        "who compensates the supplier for energy not consumed", source="Ofgem's decision on P415"
    )
    baseline_rule: Literal["mid", "high", "all"] = key(
        "which eligible days BL01 averages: middle, highest or all", source="Elexon BL01; one secondary text reads high"
    )
    rulebook: Literal["p415-2024-11", "p511-2026-08"] = key(
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


class Notices(Section):
    """Free text from grid and operator that reaches the site during a run."""

    source: Literal["none", "generated"] = key("generated: written from the rows of the run, with what they mean")
    wordings: Literal["train", "valid", "test"] = key("which wordings they are written in; readers learn from train")


class Operator(Section):
    """The grid operator that `deg beckn simulate` plays."""

    port: Whole = key("port it listens on, loopback", ge=1, le=65535, locates=True)
    database: str | None = key("its SQLite file; null: operator.sqlite in beckn.folder", locates=True)


class Beckn(Section):
    """The site on a Beckn network. Who it is and its signing key come from the environment or files alone."""

    enabled: bool = key("whether requests come from contracts confirmed on the network, in place of modelled ones")
    folder: str = key("local network and databases", locates=True, min_length=1)
    database: str | None = key(
        "SQLite file shared by deg run and deg beckn serve; null: site.sqlite in beckn.folder", locates=True
    )
    registry: str | None = key(
        "registry: file, http(s)://... or dedi+https://...; null: a network of our own in beckn.folder", locates=True
    )
    subscriber_id: str | None = key("our id; null: $BECKN_SUBSCRIBER_ID, or that of the local network", locates=True)
    key_id: str | None = key("id of our key; null: $BECKN_KEY_ID, or that of the local network", locates=True)
    key_file: str | None = key("file with our signing key; null: $BECKN_PRIVATE_KEY, or the local one", locates=True)
    network_id: str = key("the one network we trade on, namespace/registry")
    host: str = key("address to listen on; loopback unless you mean it", locates=True, min_length=1)
    port: Whole = key("port to listen on", ge=1, le=65535, locates=True)
    url: str | None = key("address registered for us; null: http://host:port", locates=True)
    publish_to: str | None = key("subscriber that the catalogue is published to; null: nobody", locates=True)
    rate_per_minute: Whole = key("messages taken from one sender", "1/min", ASSUMPTION, ge=1)
    strict: bool = key("refuse a repeated message in place of repeating the answer")
    site_id: str = key("the site in catalogues", min_length=1)
    metering_id: str = key("its metering point in catalogues", min_length=1)
    price_gbp_per_kwh: float = key("what a kWh reduced costs the buyer", "GBP/kWh", ASSUMPTION, ge=0, le=100)
    speed: float | None = key(
        "market seconds per second of ours, from run.start on; null: the wall clock", "x", locates=True, gt=0, le=1e6
    )
    operator: Operator


class Agents(Section):
    """Who proposes actions for load, battery and cooling."""

    policy: Literal[
        "neutral", "neutral+trades", "threshold", "carbon_threshold", "event_follower",
        "best_constant", "time_of_day", "sustaindc_rules", "site", "carbon_aware", "grid_aware", "mpc", "carbon_mpc",
        "site_ippo", "carbon_aware_ippo", "grid_aware_ippo",
    ] = key("controller whose proposals the supervisor reads")  # fmt: skip
    checkpoint: str | None = key("folder of a trained policy, in place of agents.policy", locates=True)


class Supervisor(Section):
    """Who follows, bounds or overrides the agents."""

    backend: Literal["rules", "none", "vllm", "openai", "anthropic", "tree", "mlp", "constant", "copy"] = key(
        "who decides; none: the agents alone; vllm: a model run here; openai: any server that speaks its API; "
        "anthropic. Keys come from OPENAI_API_KEY and ANTHROPIC_API_KEY alone. tree, mlp, constant, copy: controls, "
        "which are no language models"
    )
    every_steps: Whole = key("control steps between decisions", "15-min steps", DESIGN, ge=1, le=96)
    model: str | None = key("vllm: a model folder, or one under models/; else the name its server gives it")
    base_url: str | None = key(
        "server of the openai backend, up to /v1, or of the anthropic one; null: the company's own", locates=True
    )
    timeout_s: float = key("longest a control step may wait for a model", "s", ASSUMPTION, gt=0, le=800)
    power_w: float = key(
        "power of the model's machine while it answers; an H100 takes 700", "W", ASSUMPTION, ge=0, le=1e5
    )
    reader: Literal["none", "truth", "bag_of_words", "vllm", "openai", "anthropic"] = key(
        "who reads notices; truth: what each was written from, a ceiling; bag_of_words: naive Bayes and rules; else a "
        "language model, as for supervisor.backend"
    )
    reader_model: str | None = key("model that reads; null: supervisor.model")
    show_proposals: bool = key(
        "put the agents' raw actions into the prompt; small models copy them", source="the first probe of small models"
    )
    prompt_form: Literal["short", "long"] = key(
        "short: under 300 tokens; long: rules spelled out and examples, for engines that cache a prompt's beginning"
    )
    controls: str | None = key(
        "folder of deg llm fit-controls, for tree, mlp and constant; null: those of the package", locates=True
    )
    max_concurrency: Whole = key("requests under way at one server", ge=1, le=256)
    gpu_memory_share: float = key(
        "vllm on a GPU: share of its memory the engine takes", "share", "vLLM's own default", gt=0, le=1
    )
    replay: str | None = key(
        "folder of a run under a language model, to be repeated from its ledger with no engine", locates=True
    )

    @model_validator(mode="after")
    def _address(self) -> Supervisor:
        url = urlsplit(self.base_url or "http://none")
        # The address is written to config.yaml, so it may not carry a key; it is not repeated here either.
        if "@" in url.netloc or url.query:
            raise ValueError("supervisor.base_url carries a password or a query; keys belong into the environment")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"supervisor.base_url is {self.base_url!r}; expected http://HOST:PORT/v1 or https://...")
        return self

    @model_validator(mode="after")
    def _replayed(self) -> Supervisor:
        if self.replay is not None and {self.backend, self.reader}.isdisjoint(MODELS):
            raise ValueError(
                f"supervisor.replay repeats a language model's answers, supervisor.backend is {self.backend}; "
                "set the backend and model of that run, or leave replay out"
            )
        return self


class Wandb(Section):
    """Weights & Biases tracking. The key comes from the environment variable WANDB_API_KEY alone."""

    mode: Literal["offline", "online", "disabled"] = key("where metrics go", locates=True)
    project: str = key("project", locates=True, min_length=1)


class Config(Section):
    """The whole tree."""

    run: Run
    signals: Signals
    workload: Workload
    site: Site
    tariff: Tariff
    market: Market
    notices: Notices
    beckn: Beckn
    agents: Agents
    supervisor: Supervisor
    evaluate: Evaluate
    train: Train
    wandb: Wandb
