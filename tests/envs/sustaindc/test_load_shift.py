"""Whole-task load shifting: nothing is lost, and each rule of the queue holds against a plain list of tasks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from envs.sustaindc import SustainDCBatch
from envs.sustaindc.constants import AGENTS, OUT

DEFER, HOLD, PROCESS = range(3)


def run(batch: SustainDCBatch, codes: list[int]) -> np.ndarray:
    """float64 (steps, outputs) under load-shifting codes, all else idle."""
    return np.concatenate([batch.step(np.array([[code, 1, 2]])).outputs for code in codes])


def plain_queue(workload: np.ndarray, codes: list[int], share: float) -> list[tuple[float, ...]]:
    """The rules on a list of arrival steps. -> (utilisation, overdue, length, oldest h, mean h) per step."""
    queue: list[int] = []
    facts = []
    for t, (w, code) in enumerate(zip(workload, codes, strict=True)):
        fixed, flexible = math.ceil(w * (1 - share) * 100), math.floor(w * share * 100)
        overdue = sum(t - arrival > 96 for arrival in queue)
        room = 90 - fixed - flexible
        forced = min(overdue, room) if room > 0 else 0
        queue, room, extra = queue[forced:], room - forced, forced
        if code == DEFER:
            queued = min(flexible, 1000 - len(queue))
            queue += [t] * queued
            extra -= queued
        elif code == PROCESS and room >= 1:
            processed = min(flexible, room, len(queue))
            queue, extra = queue[processed:], extra + processed
        ages = [(t - arrival) / 4 for arrival in queue] or [0.0]
        facts.append(((fixed + flexible + extra) / 100, overdue, len(queue), max(ages), float(np.mean(ages))))
    return facts


@pytest.mark.parametrize("share", [0.2, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_queue_follows_its_rules(make_batch: Callable[..., SustainDCBatch], share: float, seed: int) -> None:
    batch = make_batch(flexible_share=share, seed=seed)
    rng = np.random.default_rng(seed)
    # Blocks of deferring fill the queue and age it past a day, which single random codes hardly ever do.
    codes = [int(code) for code in np.repeat(rng.choice(3, 50, p=(0.6, 0.2, 0.2)), 6)]
    outputs = run(batch, codes)
    expected = plain_queue(batch._values[batch._first_row[0] :][:300, 0], codes, share)
    names = ("utilisation", "overdue_found", "queue_after", "oldest_age_days", "mean_age_days")
    got = outputs[:, [OUT[name] for name in names]] * (1, 1, 1, 24, 24)
    np.testing.assert_allclose(got, np.array(expected), rtol=0, atol=1e-9)


def test_arrived_work_is_executed_or_queued(make_batch: Callable[..., SustainDCBatch]) -> None:
    outputs = run(make_batch(flexible_share=0.6), [int(c) for c in np.random.default_rng(4).integers(0, 3, 300)])
    arrived = outputs[:, OUT["nonshiftable_tasks"]] + outputs[:, OUT["shiftable_tasks"]]
    executed = np.round(outputs[:, OUT["utilisation"]] * 100)
    change = outputs[:, OUT["queue_after"]] - outputs[:, OUT["queue_before"]]
    np.testing.assert_array_equal(arrived, executed + change)


def test_tasks_that_no_longer_fit_are_called_dropped_but_run(make_batch: Callable[..., SustainDCBatch]) -> None:
    outputs = run(make_batch(flexible_share=0.6, workload=0.9), [DEFER] * 40)
    full = outputs[:, OUT["queue_after"]] == 1000
    assert full.any()
    last = outputs[-1]
    assert last[OUT["dropped"]] == last[OUT["shiftable_tasks"]] == 54
    # 0.9 x (1 - 0.6) x 100 is a rounding above 36, so 37 tasks are not shiftable: 91 arrive where 90 would be right.
    assert last[OUT["utilisation"]] == 0.91


def test_overdue_tasks_run_first_unless_arrivals_reach_the_cap(make_batch: Callable[..., SustainDCBatch]) -> None:
    quiet = run(make_batch(workload=0.5), [DEFER] + [HOLD] * 97)
    assert quiet[96, OUT["overdue_found"]] == 0, "exactly 24 h old is not overdue yet"
    assert quiet[97, OUT["overdue_processed"]] == 10
    assert quiet[97, OUT["utilisation"]] == pytest.approx(0.6)
    busy = run(make_batch(workload=0.9), [DEFER] + [HOLD] * 97)
    assert busy[97, OUT["overdue_found"]] == 18
    assert busy[97, OUT["overdue_processed"]] == 0, "arrivals of 90 tasks leave no room"


def test_age_histogram_moves_right_and_its_last_bin_is_a_flag(make_batch: Callable[..., SustainDCBatch]) -> None:
    batch = make_batch(workload=0.5)
    seen = []
    for t in range(97):
        result = batch.step(np.array([[DEFER if t in (0, 30) else HOLD, 1, 2]]))
        seen.append(result.observations[AGENTS[0]][0, 21:])
    np.testing.assert_array_equal(seen[23], [1, 0, 0, 0, 0])
    np.testing.assert_array_equal(seen[24], [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(seen[30], [0.5, 0.5, 0, 0, 0])
    np.testing.assert_array_equal(seen[96], [0, 0, 0.5, 0, 1])  # ten tasks of 16.5 h, and some of 24 h
