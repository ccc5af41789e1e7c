"""A tenth of the bar ``bars/site_properties.py``: random parameter sets in random weeks."""

import importlib.util
from pathlib import Path

BAR = Path(__file__).parents[2] / "bars" / "site_properties.py"


def test_properties_hold_for_random_sites_in_random_weeks(toy_case):
    spec = importlib.util.spec_from_file_location("site_properties", BAR)
    bar = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bar)
    worst = bar.misses(toy_case(4 * bar.WEEK), sets=bar.SETS // 10, seed=1)
    assert len(worst) == 15
    assert {name: miss for name, miss in worst.items() if miss} == {}
