"""Deferrable work: a ring indexed by deadline. Work is in IT kWh above idle, at reference conditions.

Slot ``t % 96`` holds the work that has to run in step t; once emptied in step t it takes work with deadline t + 96.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.state import QUEUE_STEPS, Record
from grid.rows import STEP_HOURS


@njit(cache=True, forceinline=True)
def full_work_kwh(p: Record) -> float:
    """Work done in one step at full utilisation."""
    return p.it_capacity_kw * (1.0 - p.idle_share) * STEP_HOURS


@njit(cache=True, forceinline=True)
def shift_load(
    p: Record, s: Record, queue: np.ndarray, utilisation: float, action: float, servers_up: float
) -> tuple[float, float, float]:
    """Run, defer or drain one step's work, earliest deadline first. -> (arrived, executed, late) in IT kWh.

    Order when capacity binds: work that may not wait, overdue work, work due now, arriving work that is not deferred,
    then what the action drains. Nothing is lost: what does not fit waits, and counts as late once past its deadline.
    """
    full = full_work_kwh(p)
    arrived = utilisation * full
    may_wait = arrived * p.deferrable_share
    urgent = arrived - may_wait
    room = full * servers_up

    ran_urgent = min(urgent, room)
    room -= ran_urgent
    ran_late = min(s.overdue_kwh, room)
    room -= ran_late
    slot = s.step % QUEUE_STEPS
    due = queue[slot]
    queue[slot] = 0.0
    ran_due = min(due, room)
    room -= ran_due
    overdue = s.overdue_kwh - ran_late + (due - ran_due) + (urgent - ran_urgent)

    passed = min(may_wait * (1.0 - max(0.0, -action)), room)
    room -= passed
    deferred = may_wait - passed
    waiting = max(0.0, s.queued_kwh - s.overdue_kwh - due)

    drained = 0.0
    if action > 0.0 and waiting > 0.0:
        target = action * min(waiting, room)
        for ahead in range(1, QUEUE_STEPS):
            if drained >= target:
                break
            at = slot + ahead
            if at >= QUEUE_STEPS:
                at -= QUEUE_STEPS
            taken = min(queue[at], target - drained)
            queue[at] -= taken
            drained += taken

    if deferred > 0.0:
        queue[(slot + int(p.deadline_steps)) % QUEUE_STEPS] += deferred
    s.overdue_kwh = overdue
    s.queued_kwh = max(0.0, waiting - drained) + deferred + overdue
    return arrived, ran_urgent + ran_late + ran_due + passed + drained, ran_late
