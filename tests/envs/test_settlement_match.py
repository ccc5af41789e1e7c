"""Kernel money equals the market's own settlement."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.batch import SiteBatch
from envs.case import Case
from envs.neutral import run_neutral
from envs.params import site_params
from grid.market.settle import flex_gbp, sold_price_gbp_per_mwh
from grid.rows import BASELINE, DAY_AHEAD, EVENT_KW, EVENT_PRICE, REFERENCE_PRICE, SYSTEM


@given(
    seed=st.integers(0, 2**31),
    share=st.floats(0, 1),
    vtp_pays=st.sampled_from([0.0, 1.0]),
    half_spread=st.floats(0, 20),
)
@settings(max_examples=20, deadline=None)
def test_kernel_flex_is_the_markets_to_1e_9(toy_rows_week, seed, share, vtp_pays, half_spread):
    rows = toy_rows_week
    params = site_params(aggregator_share=share, vtp_pays=vtp_pays, half_spread_gbp_per_mwh=half_spread)
    before = run_neutral(params, rows.values[:96])
    batch = SiteBatch([Case(rows, params, before.state, before.queue_kwh, np.zeros((60, 48)), np.zeros(0), 1.0)])
    rng = np.random.default_rng(seed)
    sold_kw = np.where(rng.random(rows.periods) < 0.3, rng.uniform(50, 500, rows.periods), 0.0)
    own = rng.random(rows.periods) < 0.5
    for period in np.flatnonzero(sold_kw):
        batch.set_commitment(0, [period], sold_kw[period], own=bool(own[period]))
    results = [batch.step(rng.uniform(-1, 1, (1, 3))) for _ in range(batch.steps)]
    flex = np.array([r["flex_gbp"][0] for r in results])
    metered = np.array([r["import_kwh"][0] for r in results]).reshape(-1, 2).sum(axis=1)
    market = rows.values[: rows.steps : 2].T
    price = sold_price_gbp_per_mwh(market[DAY_AHEAD], market[EVENT_KW], market[EVENT_PRICE], half_spread, own=own)
    expected = flex_gbp(
        sold_kw / 2,
        market[BASELINE] / 2,
        metered,
        price,
        market[SYSTEM],
        market[REFERENCE_PRICE],
        share=share,
        vtp_pays=bool(vtp_pays),
    )
    assert (flex[::2] == 0.0).all()
    np.testing.assert_allclose(flex[1::2], expected, rtol=1e-9, atol=1e-12)
