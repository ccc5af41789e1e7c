"""Grids of a matrix: what they make of the configuration, and what is refused with its fix."""

from __future__ import annotations

import pytest

from configs.axes import settings
from configs.errors import ConfigError
from configs.load import dump, load_config


def names(axes: str) -> list[str]:
    return [setting.name for setting in settings(load_config(None, [f"evaluate.axes={axes}"]))]


def test_the_configuration_comes_first_and_a_grid_is_a_product() -> None:
    found = names("[{supervisor.every_steps: [1, 8], market.requests: [true, false]}, {site.deadline_steps: [16]}]")
    assert found == [
        "",
        "supervisor.every_steps=1, market.requests=true",
        "supervisor.every_steps=1, market.requests=false",
        "supervisor.every_steps=8, market.requests=true",
        "supervisor.every_steps=8, market.requests=false",
        "site.deadline_steps=16",
    ]


def test_one_grid_may_stand_alone_and_another_size_scales_the_site() -> None:
    config = load_config(None, ["evaluate.axes={site.it_capacity_mw: [1.0, 4.0]}"])
    _, same, larger = settings(config)
    assert same.config == config
    assert (larger.config.site.battery_kwh, larger.config.site.import_limit_kw) == (4000.0, 6400.0)


def test_a_file_brings_what_weeks_depend_on_and_nothing_else() -> None:
    config = load_config(None, ["evaluate.axes={file: [configs/scenarios/battery_outage.yaml]}"])
    _, outage = settings(config)
    assert outage.name == "file=battery_outage"
    assert [one.kind for one in outage.config.site.scenario] == ["battery_outage"]
    assert outage.config.run == config.run


def test_a_grid_may_be_run_with_some_of_the_variants() -> None:
    axes = "evaluate.axes={site.deadline_steps: [16], variants: [neutral, threshold]}"
    assert settings(load_config(None, [axes]))[1].variants == ("neutral", "threshold")


def test_it_is_written_and_read_back(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = load_config(
        None, ["evaluate.axes={site.scenario: [[{kind: battery_outage, start_hour: 1, hours: 2, severity: 1}]]}"]
    )
    path = tmp_path / "config.yaml"
    path.write_text(dump(config))
    assert load_config(path) == config


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ("{supervisor.every_step: [1]}", ["unknown key supervisor.every_step", "did you mean supervisor.every_steps?"]),
        ("{supervisr.every_steps: [1]}", ["supervisr.every_steps", "did you mean supervisor?"]),
        ("{supervisor.every_steps: 3}", ["give a list of values"]),
        ("{supervisor.every_steps: [0]}", ["is 0", "at least 1"]),
        ("{variants: [neutral]}", ["changes no key"]),
        ("{train.lr: [0.1]}", ["train.lr", "no key that a week depends on"]),
        ("{file: [nope.yaml]}", ["nope.yaml", "no such file"]),
        ("{site.deadline_steps: [16], variants: [neutral, treshold]}", ["treshold", "did you mean threshold?"]),
        ("{site.deadline_steps: [16], variants: [threshold]}", ["neutral", "add it"]),
    ],
)
def test_a_mistake_says_where_and_what_instead(axes: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [f"evaluate.axes={axes}"])
    assert len(caught.value.problems) == 1
    for word in words:
        assert word in str(caught.value)


def test_axes_belong_to_the_ablation() -> None:
    with pytest.raises(ConfigError, match="headroom"):
        load_config(None, ["evaluate.report=headroom", "evaluate.axes={site.deadline_steps: [16]}"])
