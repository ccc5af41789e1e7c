"""Deferrable work: a queue indexed by deadline. Work is measured in IT kWh of the dynamic (above idle) power."""

from __future__ import annotations

from numba import njit

from envs.state import QUEUE_SLOTS
from grid.rows import STEP_HOURS


@njit(cache=True, forceinline=True)
def full_work_kwh(p):
    """Work done in one step at full utilisation."""
    return p.it_capacity_kw * (1.0 - p.idle_share) * STEP_HOURS


@njit(cache=True, forceinline=True)
def availability(p, inlet_degc):
    """Share of the servers' speed left at an inlet temperature: 1, falling to 0 at shutdown."""
    return min(1.0, max(0.0, (p.shutdown_degc - inlet_degc) / (p.shutdown_degc - p.throttle_degc)))


@njit(cache=True, forceinline=True)
def shift_load(p, s, queue, utilisation, action):
    """Run, defer or drain one step's work; earliest deadline first. -> (arrived, executed, late) in IT kWh.

    Order when capacity binds: work that may not wait, overdue work, work due now, arriving work that is not deferred,
    then what the action drains. Nothing is lost: what does not fit waits, and is late once past its deadline. A task
    deferred at step t with 24 h to go may still run in step t + 96, hence a slot is emptied before it is refilled.
    """
    full = full_work_kwh(p)
    arrived = utilisation * full
    flexible = arrived * p.deferrable_share
    fixed = arrived - flexible
    room = full * availability(p, s.inlet_degc)

    ran_fixed = min(fixed, room)
    room -= ran_fixed
    late = min(s.overdue_kwh, room)
    room -= late
    slot = s.step % QUEUE_SLOTS
    due = queue[slot]
    ran_due = min(due, room)
    room -= ran_due
    queue[slot] = 0.0
    overdue = s.overdue_kwh - late + (due - ran_due) + (fixed - ran_fixed)

    passed = min(flexible * (1.0 - max(0.0, -action)), room)
    room -= passed
    deferred = flexible - passed
    queued = max(0.0, s.queued_kwh - s.overdue_kwh - due) + deferred
    queue[(s.step + int(p.deadline_steps)) % QUEUE_SLOTS] += deferred

    drained = 0.0
    if action > 0.0 and queued > 0.0:
        target = action * min(queued, room)
        for ahead in range(1, QUEUE_SLOTS + 1):
            if drained >= target:
                break
            at = (s.step + ahead) % QUEUE_SLOTS
            taken = min(queue[at], target - drained)
            queue[at] -= taken
            drained += taken

    s.overdue_kwh = overdue
    s.queued_kwh = max(0.0, queued - drained) + overdue
    return arrived, ran_fixed + late + ran_due + passed + drained, late
