"""A configuration either loads as written, or says in one line what to change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from configs.errors import ConfigError
from configs.load import DEFAULTS, config_hash, dump, keys_of, load_config
from configs.schema import Config


def problem(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=overrides)
    return str(caught.value)


def test_defaults_are_those_of_the_design() -> None:
    config = load_config()
    assert (config.run.start, config.run.days) == (date(2023, 11, 13), 7)
    assert (config.signals.source, config.workload.name) == ("synthetic", "generator")
    assert (config.supervisor.backend, config.supervisor.every_steps) == ("rules", 4)
    assert (config.site.battery_kwh, config.site.battery_kw, config.site.import_limit_kw) == (1000, 500, 1600)
    assert (config.market.aggregator_share, config.market.compensation) == (0.2, "mutualised")
    assert config.evaluate.period == (date(2023, 1, 2), date(2023, 12, 18))


def test_naming_the_defaults_file_changes_nothing() -> None:
    assert load_config(DEFAULTS, ["site.it_capacity_mw=2"]) == load_config(None, ["site.it_capacity_mw=2"])


def test_overrides_win_over_the_file_and_later_ones_over_earlier(tmp_path: Path) -> None:
    file = tmp_path / "week.yaml"
    file.write_text("run:\n  days: 3\n  seed: 5\nsite:\n")
    config = load_config(file, ["run.days=4", "run.days=14", "train.env_steps=1e6"])
    assert (config.run.days, config.run.seed, config.train.env_steps) == (14, 5, 1_000_000)


def test_file_signals_bring_their_folder_and_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEG_SHARED", str(tmp_path))
    config = load_config(overrides=["signals.source=file"])
    folder = str(tmp_path / "data" / "train")
    assert (config.signals.path, config.workload.name, config.workload.path) == (folder, "alibaba_2", folder)


def test_a_workload_stays_with_the_signals_unless_it_has_a_folder_of_its_own() -> None:
    own = load_config(overrides=["signals.source=file", "signals.path=mine", "workload.name=google"])
    assert own.workload.path == "mine"
    apart = load_config(overrides=["signals.source=file", "signals.path=mine", "workload.path=theirs"])
    assert (apart.signals.path, apart.workload.path) == ("mine", "theirs")


def test_a_larger_site_is_the_same_site_scaled() -> None:
    site = load_config(overrides=["site.it_capacity_mw=2.5"]).site
    assert (site.battery_kwh, site.battery_kw, site.import_limit_kw) == (2500, 1250, 4000)
    site = load_config(overrides=["site.battery_kwh=100", "site.it_capacity_mw=2"]).site
    assert (site.battery_kwh, site.battery_kw) == (100, 1000)


def test_what_is_dumped_loads_back_to_the_same_tree(tmp_path: Path) -> None:
    config = load_config(overrides=["signals.source=file", "site.it_capacity_mw=2", "run.start=2023-01-02"])
    file = tmp_path / "config.yaml"
    file.write_text(dump(config))
    assert load_config(file) == config


def test_hash_follows_what_changes_a_result_and_nothing_else() -> None:
    base = config_hash(load_config())
    assert config_hash(load_config(overrides=["run.name=other", "run.dir=elsewhere", "wandb.mode=disabled"])) == base
    assert config_hash(load_config(overrides=["site.battery_kwh=900"])) != base


def test_the_tree_is_frozen() -> None:
    config = load_config()
    with pytest.raises(ValidationError):
        config.run.days = 3  # type: ignore[misc]


def test_every_key_says_its_unit_and_where_its_default_comes_from() -> None:
    keys = list(keys_of(load_config()))
    assert len(keys) > 50
    assert all(key.unit and key.source and key.field.description for key in keys)
    # Assumed numbers are marked as such.
    assert {key.path for key in keys if key.source.startswith("assumption")} >= {
        "site.battery_kwh",
        "market.aggregator_share",
    }


def test_each_key_of_the_schema_has_a_default_in_the_one_file() -> None:
    def paths(section: type[BaseModel], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for name, field in section.model_fields.items():
            assert field.is_required(), f"{prefix}{name} has a default outside {DEFAULTS.name}"
            kind = field.annotation
            nested = isinstance(kind, type) and issubclass(kind, BaseModel)
            found |= paths(kind, f"{prefix}{name}.") if nested else {f"{prefix}{name}"}  # type: ignore[arg-type]
        return found

    assert paths(Config) == {key.path for key in keys_of(load_config())}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("run.dayz=7", ["run.dayz", "run.days"]),
        ("days=7", ["unknown key days", "run.days"]),
        ("runn.days=7", ["unknown key runn", "run"]),
        ("site.batery_kwh=1", ["site.batery_kwh", "site.battery_kwh"]),
        ("run.days=seven", ["run.days", "'seven'", "whole number"]),
        ("run.days=true", ["run.days", "true", "whole number"]),
        ("run.days=1.5", ["run.days", "1.5", "whole number"]),
        ("run.days=0", ["run.days is 0", "at least 1"]),
        ("run.days=-3", ["run.days is -3", "at least 1"]),
        ("run.days=", ["run.days is null", "whole number"]),
        ("run.days.x=3", ["override run.days.x=3", "run.days", "whole number"]),
        ("run.start=13/11/2023", ["run.start", "13/11/2023", "a date like"]),
        ("run.start=2023-02-30", ["run.start=2023-02-30", "day is out of range"]),
        ("run.name=a/b", ["run.name", "'a/b'"]),
        ("run.name=..", ["run.name", "'..'"]),
        ("run=3", ["run is 3", "name, dir, start, days, seed"]),
        ("signals.source=filed", ["signals.source", "'filed'", "synthetic, file"]),
        ("agents.policy=carbon_treshold", ["agents.policy", "carbon_threshold"]),
        ("supervisor.every_steps=0", ["supervisor.every_steps is 0", "at least 1"]),
        ("site.battery_kwh=.nan", ["site.battery_kwh is nan", "a number"]),
        ("site.charge_efficiency=95", ["site.charge_efficiency is 95", "at most 1"]),
        ("site.soc_min=0.6", ["site.soc_min 0.6", "site.soc_start 0.5", "rise"]),
        ("market.registered_kw=10", ["market.min_commitment_kw 50", "market.registered_kw 10"]),
        ("market.aggregator_share=20", ["market.aggregator_share is 20", "at most 1"]),
        ("evaluate.variants=[nuetral]", ["'nuetral'", "did you mean neutral"]),
        ("evaluate.variants=[grid_aware+ruels]", ["grid_aware+rules"]),
        ("evaluate.period=[2023-06-01, 2023-01-01]", ["evaluate.period", "swap"]),
        ("tariff.network_bands=[7]", ["tariff.network_bands.0 is 7", "first_half_hour"]),
        ("run.days", ["'run.days'", "key.path=value"]),
        ("run.days=[1", ["run.days=[1", "cannot be read"]),
    ],
)
def test_a_wrong_override_is_one_line_with_place_value_and_fix(override: str, words: list[str]) -> None:
    line = problem(override)
    assert "\n" not in line
    assert "override" in line
    for word in words:
        assert word in line


def test_items_of_a_list_are_checked_key_by_key() -> None:
    band = "first_half_hour: 32, last_half_hour: 38, gbp_per_mwh: 50, working_days_only: true"
    (good,) = load_config(overrides=[f"tariff.network_bands=[{{{band}}}]"]).tariff.network_bands
    assert (good.first_half_hour, good.gbp_per_mwh) == (32, 50)
    assert "tariff.network_bands.0.from" in problem(f"tariff.network_bands=[{{{band}, from: 3}}]")
    late = problem(f"tariff.network_bands=[{{{band.replace('32', '52')}}}]")
    assert "tariff.network_bands.0.first_half_hour is 52; expected a whole number, at least 0, at most 47" in late
    short = problem(f"tariff.network_bands=[{{{band.replace('gbp_per_mwh: 50, ', '')}}}]")
    assert "tariff.network_bands.0.gbp_per_mwh is missing" in short


def test_each_mistake_has_a_line() -> None:
    assert len(problem("run.dayz=7", "signals.sorce=file").splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run:\n  dayz: 7\n", ["line 2", "run.dayz", "run.days"]),
        ("run:\n  days: seven\n", ["line 2", "run.days", "'seven'"]),
        ("run:\n  days: 7\n  days: 8\n", ["line 3", "run.days", "line 2"]),
        ("run: [1\n", ["not valid YAML", "line"]),
        ("- run\n", ["expected keys"]),
        ("run:\n  days: 7\n\tseed: 1\n", ["not valid YAML"]),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, words: list[str]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    line = str(caught.value)
    assert "\n" not in line
    for word in [str(file), *words]:
        assert word in line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        load_config(tmp_path / "nope.yaml")
    assert str(tmp_path / "nope.yaml") in str(caught.value)


@pytest.mark.parametrize("file", sorted(DEFAULTS.parent.glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_configuration_loads(file: Path) -> None:
    assert load_config(file).run.days >= 1
