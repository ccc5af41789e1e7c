"""Deferrable work: one ring indexed by deadline, whatever the class. Work is in IT kWh above idle, at reference
conditions.

Slot ``t % 96`` holds the work that has to run in step t; once emptied in step t it takes work with deadline t + 96.
Three classes of work arrive as shares of the utilisation: interactive work runs at once, two batch classes may wait
until their own deadline. They share the ring, so the earliest deadline goes first across classes (the
order that is feasible whenever any is: Liu and Layland 1973).
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
def may_wait_share(p: Record) -> float:
    """Share of arriving work that may wait, both batch classes."""
    return p.deferrable_share + p.short_share


@njit(cache=True, forceinline=True)
def shift_load(
    p: Record, s: Record, queue: np.ndarray, utilisation: float, action: float, servers_up: float
) -> tuple[float, float, float]:
    """Run, defer or drain one step's work, earliest deadline first. -> (arrived, executed, late) in IT kWh.

    Order when capacity binds: work that may not wait, overdue work, work due now, arriving work that is not deferred,
    then what the action drains. Nothing is lost: what does not fit waits, and counts as late once past its deadline. An
    action defers or passes the same share of both batch classes.
    """
    full = full_work_kwh(p)
    arrived = utilisation * full
    may_wait = arrived * may_wait_share(p)
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
            at = slot + ahead
            if at >= QUEUE_STEPS:
                at -= QUEUE_STEPS
            held = queue[at]
            if held > 0.0:  # the near slots are mostly empty after earlier drains: skip them cheaply
                taken = min(held, target - drained)
                queue[at] = held - taken
                drained += taken
                if drained >= target:
                    break

    if deferred > 0.0:
        patient = deferred
        if p.short_share > 0.0:
            short = deferred * p.short_share / may_wait_share(p)
            queue[(slot + int(p.short_deadline_steps)) % QUEUE_STEPS] += short
            patient -= short
        queue[(slot + int(p.deadline_steps)) % QUEUE_STEPS] += patient
    s.overdue_kwh = overdue
    s.queued_kwh = max(0.0, waiting - drained) + deferred + overdue
    return arrived, ran_urgent + ran_late + ran_due + passed + drained, ran_late
