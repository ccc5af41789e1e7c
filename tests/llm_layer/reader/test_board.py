"""When notices are read, what stays in force when they are not, and what the trail says of it."""

import dataclasses

import numpy as np
import pandas as pd

from envs.batch import SiteBatch
from llm_layer.notices.notice import Authored, Notice, constraint_of
from llm_layer.orchestrator import Orchestrator
from llm_layer.reader.board import NoticeBoard
from llm_layer.reader.reading import Reading, TruthReader
from llm_layer.rules import RulesPolicy

STEP = pd.Timedelta(minutes=15)
SERVICE = constraint_of("service_priority", until=pd.Timestamp("2022-03-08T00:00Z"))


class Answers:
    """Gives one reading after another, the last one again and again, and notes when it was asked."""

    engine = "answers"

    def __init__(self, *readings):
        self.readings, self.asked = list(readings), []

    def read(self, notices, now):
        self.asked += [(notice.id, notice.published_at <= now) for notice in notices]
        kind = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return [dataclasses.replace(kind, notice_id=notice.id) for notice in notices]

    def close(self):
        pass


SURE = Reading("", SERVICE, "answers", 1.0)
DOWN = Reading("", None, "answers", failed=True, error="engine is down")
UNSURE = Reading("", None, "answers", 0.2, error="unsure")


def _run(week, reader, published=(4,), steps=20):
    """-> reading bodies, constraints shown step by step, the board."""
    start = week.rows.start_utc
    notices = tuple(
        Authored(Notice(f"n{k}", start + at * STEP, "operator", "text"), SERVICE, "test/0")
        for k, at in enumerate(published)
    )
    batch = SiteBatch([dataclasses.replace(week, notices=notices)])
    bodies, shown = [], []
    board = NoticeBoard(reader, lambda body, runtime: bodies.append(body))
    board.reset(batch)
    for _ in range(steps):
        board.before(batch)
        shown.append(len(batch.view().notices[0]))
        batch.step(np.zeros((1, 3), dtype=np.float32))
    return bodies, shown, board


def test_each_notice_is_read_once_when_it_is_published_and_not_before(week):
    reader = Answers(SURE)
    bodies, shown, board = _run(week, reader, (4, 9))
    assert reader.asked == [("n0", True), ("n1", True)]
    assert shown == [0] * 4 + [1] * 5 + [2] * 11
    assert [body["step"] for body in bodies] == [4, 9]
    assert board.reads.tolist() == [2]
    assert bodies[0]["constraint"]["bound"] == "no_defer"
    assert next(iter(bodies[0])) == "kind"
    assert not bodies[0]["tell_operator"]


def test_what_was_not_read_is_read_again_and_nothing_in_force_ends_by_it(week):
    reader = Answers(SURE, DOWN, DOWN, SURE)
    bodies, shown, board = _run(week, reader, (2, 6))
    assert [body["step"] for body in bodies] == [2, 6, 7, 8]
    assert [body["tell_operator"] for body in bodies] == [False, True, True, False]
    assert shown[2:8] == [1] * 6
    assert shown[8:] == [2] * 12
    assert board.reads.tolist() == [4]


def test_an_unsure_reading_is_put_before_the_operator_and_tried_ever_less_often_for_a_day(week):
    bodies, shown, _ = _run(week, Answers(UNSURE), (0,), steps=130)
    assert [body["step"] for body in bodies] == [0, 4, 12, 28, 60]
    assert all(body["tell_operator"] for body in bodies)
    assert not any(shown)


def test_a_notice_wakes_the_supervisor(week):
    notice = Notice("n", week.rows.start_utc + 6 * STEP, "operator", "text")
    case = dataclasses.replace(week, notices=(Authored(notice, SERVICE, "test/0"),))
    batch = SiteBatch([case])
    board = NoticeBoard(TruthReader(case.notices))
    orchestrator = Orchestrator(RulesPolicy(), every_steps=96, notices=board)
    board.reset(batch)
    orchestrator.reset(batch)
    woken = {}
    for step in range(8):
        board.before(batch)
        control = orchestrator.control(batch.view(), batch, batch.feasible(), np.zeros((1, 3), dtype=np.float32))
        woken |= {key: [one.wake for one in control.situations] for key in ([step] if control.situations else [])}
        batch.step(np.zeros((1, 3), dtype=np.float32), control.bounds)
        assert control.noticed[0, 0, 0] == (0.0 if step >= 6 else -1.0)
    assert woken[6] == ["notice read"]
