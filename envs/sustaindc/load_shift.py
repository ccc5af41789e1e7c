"""Load shifting in whole tasks (s. 2): a first-in first-out queue, at most ``queue_max`` tasks.

All tasks of one step carry the same time stamp and leave from the front, so the queue is fully described by how many
tasks had been queued up to each step (``queued_by``) and how many have left: a task of step s is waiting if
``queued_by[s] > dequeued``. Every count below follows from that, without a list of tasks.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.sustaindc.constants import (
    AGE_EDGES_STEPS,
    DEFER,
    DEFERRED,
    DROPPED,
    MEAN_AGE,
    NONSHIFTABLE,
    OLDEST_AGE,
    OVER_24H,
    OVERDUE_FOUND,
    OVERDUE_PROCESSED,
    PROCESS,
    PROCESSED,
    QUEUE_AFTER,
    QUEUE_BEFORE,
    SHIFTABLE,
    STEPS_PER_DAY,
    UNDER_6H,
    UTILISATION,
    Record,
)


@njit(cache=True, forceinline=True)
def waiting_since(s: Record, queued_by: np.ndarray, step: int) -> int:
    """Queued tasks that arrived at or before ``step``."""
    if step < 0:
        return 0
    return max(0, queued_by[step] - s.dequeued)


@njit(cache=True, forceinline=True)
def dequeue(s: Record, queued_by: np.ndarray, tasks: int) -> None:
    """Take ``tasks`` from the front of the queue."""
    left = tasks
    while left > 0:
        of_step = min(queued_by[s.oldest_step] - s.dequeued, left)
        s.dequeued += of_step
        s.queued_steps -= of_step * s.oldest_step
        left -= of_step
        if queued_by[s.oldest_step] == s.dequeued:
            s.oldest_step += 1


@njit(cache=True, forceinline=True)
def shift_load(p: Record, s: Record, queued_by: np.ndarray, workload: float, action: int, out: np.ndarray) -> float:
    """Defer, pass or process. -> utilisation of the data centre (0-1); writes queue facts to ``out``.

    Overdue tasks run first, whatever the action, while arriving work leaves room under the cap; arriving work itself
    is never held back by the cap. Tasks that no longer fit the queue count as dropped and run at once (kept quirk).
    """
    now = s.step
    queued_by[now] = s.enqueued
    non_shiftable = math.ceil((workload * p.non_shiftable) * 100)
    shiftable = math.floor((workload * p.shiftable) * 100)
    before = s.enqueued - s.dequeued
    overdue = waiting_since(s, queued_by, now - p.overdue_steps - 1)
    room = p.capacity_cap - (non_shiftable + shiftable)
    forced = 0
    if room > 0 and overdue > 0:
        forced = min(overdue, room)
        dequeue(s, queued_by, forced)
        room -= forced

    deferred = 0
    dropped = 0
    processed = 0
    if action == DEFER:
        deferred = min(shiftable, p.queue_max - (s.enqueued - s.dequeued))
        dropped = shiftable - deferred
        if s.enqueued == s.dequeued:
            s.oldest_step = now
        s.enqueued += deferred
        s.queued_steps += deferred * now
        queued_by[now] = s.enqueued
    elif action == PROCESS and room >= 1:
        processed = min(shiftable, room, s.enqueued - s.dequeued)
        dequeue(s, queued_by, processed)
    utilisation = (shiftable - deferred + processed + forced) / 100 + non_shiftable / 100

    out[NONSHIFTABLE] = non_shiftable
    out[SHIFTABLE] = shiftable
    out[OVERDUE_FOUND] = overdue
    out[OVERDUE_PROCESSED] = forced
    out[DEFERRED] = deferred
    out[PROCESSED] = processed
    out[DROPPED] = dropped
    out[QUEUE_BEFORE] = before
    out[UTILISATION] = utilisation
    age_facts(s, queued_by, out)
    return utilisation


@njit(cache=True, forceinline=True)
def age_facts(s: Record, queued_by: np.ndarray, out: np.ndarray) -> None:
    """Ages of the queue after acting, in days, and its age histogram; the last bin only says whether it is empty."""
    now = s.step
    length = s.enqueued - s.dequeued
    out[QUEUE_AFTER] = length
    if length == 0:
        out[OLDEST_AGE] = 0.0
        out[MEAN_AGE] = 0.0
        out[UNDER_6H : OVER_24H + 1] = 0.0
        return
    while queued_by[s.oldest_step] == s.dequeued:  # steps at which nothing was queued
        s.oldest_step += 1
    out[OLDEST_AGE] = (now - s.oldest_step) / STEPS_PER_DAY
    out[MEAN_AGE] = (now * length - s.queued_steps) / length / STEPS_PER_DAY
    younger = length
    for k in range(len(AGE_EDGES_STEPS)):
        at_least = waiting_since(s, queued_by, now - AGE_EDGES_STEPS[k])
        out[UNDER_6H + k] = (younger - at_least) / length
        younger = at_least
    out[OVER_24H] = 1.0 if younger > 0 else 0.0
