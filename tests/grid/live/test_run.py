"""A run that is happening, on live services: what its site sees before, in and after an outage; a repetition."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from evaluate import happening
from evaluate.cases import services_of
from evaluate.run import run_site
from grid.http import Terms
from grid.rows import FORECAST_SIGNALS, STEPS_PER_PERIOD
from grid.series import STEP
from llm_layer.audit import read_lines

START = pd.Timestamp("2023-05-21 23:00", tz="UTC")  # London midnight
DOWN, GONE, UP, STOP, LATER_STOP = 4, 12, 16, 18, 20  # control steps; an answer stands in for two hours
CARBON = FORECAST_SIGNALS.index("carbon_gco2_per_kwh")
DRY_BULB = FORECAST_SIGNALS.index("dry_bulb_degc")


@pytest.fixture
def live(services, tmp_path, monkeypatch):
    """-> (config, folder); the services' clock is the run's, and it is half past ten in the evening before."""
    services.now = START - pd.Timedelta("30min")
    terms = Terms(silence_s=5.0, tries=2, backoff_s=0.02, distance_s=0.0, rest_s=0.0, stale_s=7200.0)
    at_hand = {"terms": terms, "clock": lambda: services.now.timestamp()}
    monkeypatch.setattr(happening, "services_of", lambda config: replace(services_of(config), **at_hand))
    overrides = [f"signals.base_urls.{name}={url}" for name, url in services.base_urls.items()]
    overrides += [f"signals.cache_dir={tmp_path / 'cache'}", f"beckn.folder={tmp_path / 'beckn'}", "beckn.speed=null"]
    folder = tmp_path / "run"
    for path in (folder, tmp_path / "beckn"):
        path.mkdir()
    config = load_config("configs/live.yaml", ["signals.source=live", "run.start=2023-05-22", *overrides])
    return config, folder


def _run(services, live, stop: int) -> None:
    """To the step ``stop``, where Ctrl-C ends it; the market's clock moves with the steps."""

    def on_progress(step: int, _total: int) -> None:
        services.now = max(services.now, START + (step - 1) * STEP)
        if step == DOWN:
            services.stop()
        if step == UP:
            services.start()
        if step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_site(*live, on_progress)


def _carbon(time: pd.Timestamp) -> float:
    return 100 + 4 * time.hour + time.day + 7  # what the services forecast


def test_through_an_outage_forecasts_go_stale_then_leave_a_gap_then_recover_and_a_repetition_sees_the_same(
    services, live, monkeypatch
):
    seen: dict[int, np.ndarray] = {}
    usual = happening.Happening.renew

    def renew(self, batch, trail):
        usual(self, batch, trail)
        step = batch.now
        assert np.array_equal(seen.setdefault(step, batch.view().forecast[0]), batch.view().forecast[0])

    monkeypatch.setattr(happening.Happening, "renew", renew)
    _run(services, live, STOP)

    said = [line["body"] for line in read_lines(live[1]) if line["body"]["kind"] == "signals"]
    assert [(one["step"], one["carbon_gco2_per_kwh"]["state"], one["weather"]["state"]) for one in said] == [
        (0, "fresh", "fresh"), (DOWN, "stale", "stale"), (GONE, "gap", "gap"), (UP, "fresh", "fresh")
    ]  # fmt: skip
    assert [one["carbon_gco2_per_kwh"]["age_s"] for one in said] == [0.0, 1800.0, None, 0.0]
    assert "Connection refused" in said[1]["weather"]["problem"]

    for step, reach in ((0, 95), (2, 95), (DOWN, 92), (UP, 95)):  # the services' own numbers, as far as they reach
        times = pd.date_range(START + (step + 2) * STEP, periods=96, freq="30min")
        assert seen[step][CARBON, :reach].tolist() == [_carbon(time) for time in times[:reach]]
        hours = times.minute == 0
        assert np.allclose(seen[step][DRY_BULB, hours][:40], 5.0 + 0.5 * times[hours][:40].hour)
    gap = START + GONE * STEP + 2 * STEP
    assert seen[GONE][CARBON, 0] == _carbon(gap) - 7 - 1  # nobody forecasts it: what was measured a day before
    assert np.isfinite(list(seen.values())).all()

    asked = len(services.asked)
    monkeypatch.setattr(services, "stop", lambda: None)
    monkeypatch.setattr(services, "start", lambda: None)
    _run(services, live, LATER_STOP)
    assert sorted(seen) == list(range(0, LATER_STOP, STEPS_PER_PERIOD))
    assert 0 < len(services.asked) - asked < 15  # one settlement period is new, nothing is asked for the others
    assert (live[1] / "audit.jsonl").read_text().count('"kind":"signals"') == len(said)
    assert json.loads((live[1] / "audit.jsonl").read_text().splitlines()[0])["body"]["kind"] == "run"


def test_what_does_not_go_with_signals_of_the_present_is_refused(services, live):
    config, folder = live
    fast = config.model_copy(update={"beckn": config.beckn.model_copy(update={"speed": 900.0})})
    with pytest.raises(ValueError, match=r"beckn\.speed is 900.*set beckn\.speed=null"):
        run_site(fast, folder)
