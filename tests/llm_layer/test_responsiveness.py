"""Whether a supervisor responds: rules do, what ignores the situation is reported as flat."""

from __future__ import annotations

import numpy as np
import pytest

from agents.factory import make
from envs.batch import SiteBatch
from llm_layer.directive import Directive
from llm_layer.policy import Decision
from llm_layer.responsiveness import SIGNALS, bases_of, responsiveness
from llm_layer.rules import RulesPolicy


@pytest.fixture(scope="module")
def bases(week):
    return bases_of(lambda: SiteBatch([week]), make("carbon_threshold", week), [28, 68], np.zeros(1, dtype=np.int64))


class Stubborn:
    policy_id = "stubborn"

    def decide(self, situations, now):
        return [Decision(Directive(battery="charge"), "rules", self.policy_id) for _ in situations]


def test_rules_move_with_every_signal_that_pays(bases):
    found = responsiveness(RulesPolicy(), bases)
    assert list(found) == [signal.name for signal in SIGNALS]
    price = found["price"]["curve"]["battery"]
    assert price[0] > price[-1]  # charges when power is cheap, not when it is dear
    assert found["price"]["moves"]["battery"] > 0.3
    assert found["inlet"]["curve"]["cooling"][-1] == -1.0
    assert found["request"]["accepted"][0] == 0.0
    assert found["request"]["accepted"][-1] == 1.0
    assert not found["queue"]["flat"]
    assert found["carbon"]["moves"]["battery"] < found["price"]["moves"]["battery"]


def test_what_ignores_the_situation_is_flat(bases):
    found = responsiveness(Stubborn(), bases)
    assert all(sweep["flat"] and sweep["most"] == 0.0 and sweep["changed"] == 0.0 for sweep in found.values())


def test_a_sweep_leaves_its_base_as_it_was(bases):
    before = [(base.batch.state.copy(), base.batch.queue.copy()) for base in bases]
    first = responsiveness(RulesPolicy(), bases)
    for base, (state, queue) in zip(bases, before, strict=True):
        np.testing.assert_array_equal(base.batch.state, state)
        np.testing.assert_array_equal(base.batch.queue, queue)
    assert responsiveness(RulesPolicy(), bases) == first
