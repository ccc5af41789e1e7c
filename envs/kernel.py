"""The batch loops over the one step: advance sites, feasible ranges, and a look ahead for one site.

Each site is computed alone from its own inputs, so results do not depend on the size of the batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.battery import charge_limit_kw, discharge_limit_kw
from envs.cooling import action_of_supply
from envs.load_shift import may_wait_share
from envs.observe import observe_site
from envs.reward import kernel_reward_gbp
from envs.state import QUEUE_STEPS, Record
from envs.step import IMPORT, IT, expected_load_kw, step
from envs.unowned import unowned
from grid.rows import STEPS_PER_PERIOD

ACTION_TOLERANCE = 1e-6  # float32 rounding of a bound; larger misses are errors


@njit(cache=True, error_model="numpy", nogil=True)
def find_bad_action(raw: np.ndarray, bounds: np.ndarray) -> int:
    """Flat index (site x 3 + agent) of the first action outside [-1, 1] or bound out of order, -1 if there is none."""
    for i in range(len(raw)):
        for k in range(3):
            inside = np.abs(raw[i, k]) <= 1.0 + ACTION_TOLERANCE  # NaN compares false
            if not (inside and bounds[i, k, 0] <= bounds[i, k, 1]):
                return i * 3 + k
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def step_batch(
    raw: np.ndarray,
    bounds: np.ndarray,
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    offset: np.ndarray,
    length: np.ndarray,
    commitments: np.ndarray,
    own_trades: np.ndarray,
    baseline_offset: np.ndarray,
    out: np.ndarray,
    executed: np.ndarray,
    clipped: np.ndarray,
    values: np.ndarray,
    baseline: np.ndarray,
) -> int:
    """Advance every site that has not reached its end; one at its end reports zeros. -> -1, or what is wrong.

    By site: raw float32 (B, 3); bounds float32 (B, 3, 2); params, state records (B,); queue float64 (B, 96); offset
    int64 (B,) its first row; length int64 (B,) its steps; commitments float64 (B, P) kW; own_trades bool (B, P);
    baseline_offset int64 (B,). Written: out float64 (B, OUTPUTS), executed float32 (B, 3), clipped bool (B, 3).
    Shared: values float64 (R, columns), all series end to end; baseline float64 (N,) kW by period.

    A bad action or bound returns what ``find_bad_action`` says of it before anything has changed.
    """
    wrong = find_bad_action(raw, bounds)
    if wrong >= 0:
        return wrong
    params, state, queue, values = unowned(params), unowned(state), unowned(queue), unowned(values)
    raw, bounds, out = unowned(raw), unowned(bounds), unowned(out)
    executed, clipped = unowned(executed), unowned(clipped)
    for i in range(len(params)):
        t = state[i].step
        if t >= length[i]:
            out[i] = 0.0
            executed[i] = 0.0
            clipped[i] = False
            continue
        period = t // STEPS_PER_PERIOD
        _step_site(
            params[i], values[offset[i] + t], state[i], queue[i], raw[i], bounds[i], commitments[i, period],
            own_trades[i, period], baseline[baseline_offset[i] + period], out[i], executed[i], clipped[i],
        )  # fmt: skip
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def advance_batch(
    raw: np.ndarray,
    bounds: np.ndarray,
    params: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    offset: np.ndarray,
    length: np.ndarray,
    commitments: np.ndarray,
    own_trades: np.ndarray,
    baseline_offset: np.ndarray,
    out: np.ndarray,
    executed: np.ndarray,
    clipped: np.ndarray,
    table_offset: np.ndarray,
    reward: np.ndarray,
    observed: np.ndarray,
    feasible: np.ndarray,
    values: np.ndarray,
    baseline: np.ndarray,
    table: np.ndarray,
    limits: np.ndarray,
    sales: bool,
) -> int:
    """``step_batch``, then what an agent wants to know next, in one pass over the sites: a face makes one call a step.

    table, table_offset, limits, sales as in ``envs.observe.observe_batch``. Written besides: reward float64 (B,),
    observed float32 (B, d) and feasible float32 (B, 3, 2), both of the coming step.
    """
    wrong = find_bad_action(raw, bounds)
    if wrong >= 0:
        return wrong
    params, state, queue, values = unowned(params), unowned(state), unowned(queue), unowned(values)
    raw, bounds, out = unowned(raw), unowned(bounds), unowned(out)
    executed, clipped, commitments = unowned(executed), unowned(clipped), unowned(commitments)
    table, limits, observed, feasible = unowned(table), unowned(limits), unowned(observed), unowned(feasible)
    for i in range(len(params)):
        t = state[i].step
        if t >= length[i]:
            out[i] = 0.0
            executed[i] = 0.0
            clipped[i] = False
        else:
            period = t // STEPS_PER_PERIOD
            _step_site(
                params[i], values[offset[i] + t], state[i], queue[i], raw[i], bounds[i], commitments[i, period],
                own_trades[i, period], baseline[baseline_offset[i] + period], out[i], executed[i], clipped[i],
            )  # fmt: skip
        reward[i] = kernel_reward_gbp(out[i])
        t = min(state[i].step, length[i])
        period = t // STEPS_PER_PERIOD
        observe_site(
            params[i], state[i], queue[i], length[i] - t, table[table_offset[i] + t], commitments[i], period,
            baseline[baseline_offset[i] + period], limits, sales, observed[i],
        )  # fmt: skip
        feasible_site(params[i], values[offset[i] + t], state[i], queue[i], feasible[i])
    return -1


@njit(cache=True, forceinline=True)
def _step_site(
    p: Record,
    row: np.ndarray,
    s: Record,
    queue: np.ndarray,
    raw: np.ndarray,
    bounds: np.ndarray,
    committed_kw: float,
    own_trade: bool,
    baseline_kw: float,
    out: np.ndarray,
    executed: np.ndarray,
    clipped: np.ndarray,
) -> None:
    """One site of ``step_batch``."""
    done = step(
        p, row, s, queue, _clip(raw[0], bounds[0]), _clip(raw[1], bounds[1]), _clip(raw[2], bounds[2]), committed_kw,
        own_trade, baseline_kw, out,
    )  # fmt: skip
    for k in range(3):
        executed[k] = done[k]
        clipped[k] = np.abs(executed[k] - raw[k]) > ACTION_TOLERANCE


@njit(cache=True, forceinline=True)
def _clip(action: float, bound: np.ndarray) -> float:
    """Contract 3: executed action = clip(raw, lo, hi), within [-1, 1]; float32 in, float64 out."""
    return min(max(np.float64(action), max(-1.0, np.float64(bound[0]))), min(1.0, np.float64(bound[1])))


@njit(cache=True, error_model="numpy", nogil=True)
def feasible_batch(
    params: np.ndarray,
    values: np.ndarray,
    offset: np.ndarray,
    length: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    bounds: np.ndarray,
) -> None:
    """Fill ``bounds`` float32 (B, 3, 2) for the coming step; shapes as in ``step_batch``."""
    params, state, queue, values = unowned(params), unowned(state), unowned(queue), unowned(values)
    bounds = unowned(bounds)
    for i in range(len(params)):
        t = min(state[i].step, length[i])
        feasible_site(params[i], values[offset[i] + t], state[i], queue[i], bounds[i])


@njit(cache=True, forceinline=True)
def feasible_site(p: Record, row: np.ndarray, s: Record, queue: np.ndarray, bounds: np.ndarray) -> None:
    """Lowest and highest action of each agent that makes a physical difference and is allowed."""
    due = queue[s.step % QUEUE_STEPS] + s.overdue_kwh
    waiting = s.queued_kwh - due
    bounds[0, 0] = -1.0 if may_wait_share(p) > 0.0 else 0.0
    bounds[0, 1] = 1.0 if waiting > 1e-9 else 0.0
    load_kw = expected_load_kw(p, row, s, queue)
    if p.battery_kw > 0.0:
        bounds[1, 0] = -discharge_limit_kw(p, s.soc_kwh, load_kw) / p.battery_kw
        bounds[1, 1] = charge_limit_kw(p, s.soc_kwh, load_kw) / p.battery_kw
    else:
        bounds[1, 0] = 0.0
        bounds[1, 1] = 0.0
    bounds[2, 0] = max(-1.0, action_of_supply(p, s.supply_degc - p.slew_k_per_step))
    bounds[2, 1] = min(1.0, action_of_supply(p, s.supply_degc + p.slew_k_per_step))


@njit(cache=True, error_model="numpy", nogil=True)
def run_rows(
    params: np.ndarray,
    values: np.ndarray,
    state: np.ndarray,
    queue: np.ndarray,
    actions: np.ndarray,
    out: np.ndarray,
    import_kwh: np.ndarray,
) -> float:
    """Run one site through ``values`` float64 (n, columns), nothing sold; changes ``state`` (1,) and ``queue`` (96,).

    actions float32 (n, 3); out float64 (OUTPUTS,) is left with the last step; import_kwh float64 (n,) is filled.
    Returns the IT energy in kWh.
    """
    it_kwh = 0.0
    for t in range(len(values)):
        step(
            params[0],
            values[t],
            state[0],
            queue,
            np.float64(actions[t, 0]),
            np.float64(actions[t, 1]),
            np.float64(actions[t, 2]),
            0.0,
            False,
            0.0,
            out,
        )
        import_kwh[t] = out[IMPORT]
        it_kwh += out[IT]
    return it_kwh
