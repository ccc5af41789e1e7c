"""What a directive may say, what each word means, and what it becomes where it cannot be followed."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from envs.batch import SiteBatch
from llm_layer.compile import compile_directive
from llm_layer.directive import AtLeast, AtMost, Directive, SetLevel
from llm_layer.verbs import VERBS, order_of, verb_of

FEASIBLE = np.array([[[-1.0, 0.5], [-0.4, 0.8], [-0.6, 0.2]]], dtype=np.float32)


@pytest.fixture(scope="module")
def view(week):
    return SiteBatch([week]).view()


def compiled(view, **asked):
    bounds, clamped = compile_directive(Directive(**asked), view, FEASIBLE)
    assert bounds.dtype == np.float32
    return bounds[0], clamped[0]


def test_follow_is_the_feasible_range(view):
    bounds, clamped = compiled(view)
    np.testing.assert_array_equal(bounds, FEASIBLE[0])
    assert not clamped.any()


@pytest.mark.parametrize(
    ("level", "executed", "clamped"),
    [(0.3, 0.3, False), (0.8, 0.8, False), (1.0, 0.8, True), (-1.0, -0.4, True)],
)
def test_set_is_one_point_and_outside_becomes_the_nearest_feasible_one(view, level, executed, clamped):
    bounds, flags = compiled(view, battery=SetLevel(mode="set", level=level))
    np.testing.assert_allclose(bounds[1], executed)
    assert flags.tolist() == [False, clamped, False]


@pytest.mark.parametrize(
    ("asked", "expected", "clamped"),
    [
        (AtMost(mode="limit", at_most=0.0), (-0.4, 0.0), False),
        (AtMost(mode="limit", at_most=1.0), (-0.4, 0.8), False),
        (AtMost(mode="limit", at_most=-0.9), (-0.4, -0.4), True),  # empty: nearest feasible, never "follow"
        (AtLeast(mode="limit", at_least=0.5), (0.5, 0.8), False),
        (AtLeast(mode="limit", at_least=0.9), (0.8, 0.8), True),
    ],
)
def test_limit_is_an_intersection(view, asked, expected, clamped):
    bounds, flags = compiled(view, battery=asked)
    np.testing.assert_allclose(bounds[1], expected)
    assert flags[1] == clamped


def test_every_verb_of_every_agent_moves_its_actuator_its_own_way(view):
    action = {agent: {} for agent in VERBS}
    for agent, words in VERBS.items():
        for word in words:
            bounds, _ = compile_directive(
                Directive(**{agent: word}), view, np.tile([-1.0, 1.0], (1, 3, 1)).astype("f4")
            )
            action[agent][word] = bounds[0, list(VERBS).index(agent)].tolist()
    assert action["load_shift"] == {"follow": [-1, 1], "defer": [-1, -1], "pass": [0, 0], "run": [1, 1]}
    assert action["battery"] == {"follow": [-1, 1], "charge": [1, 1], "hold": [0, 0], "discharge": [-1, -1]}
    held = action["cooling"]["hold"][0]
    assert action["cooling"]["hold"] == [held, held]
    assert action["cooling"]["lower"][1] == pytest.approx(held - 0.4)  # 2 K of a span of 10
    assert action["cooling"]["raise"][0] == pytest.approx(held + 0.4)


def test_words_and_actions_agree_both_ways():
    for agent, words in VERBS.items():
        for word in set(words) - {"follow"}:
            order = order_of(agent, word, supply_level=0.2, level_per_k=0.2)
            point = order.lo if order.lo > -1.0 or order.hi == -1.0 else order.hi
            assert verb_of(agent, point, supply_level=0.2) == word
    with pytest.raises(ValueError, match="defer, pass, run"):
        order_of("load_shift", "charge", 0.0, 0.2)


@pytest.mark.parametrize(
    "asked",
    [
        {"batery": "charge"},
        {"battery": "defer"},
        {"battery": {"mode": "set", "level": 1.5}},
        {"battery": {"mode": "set", "level": float("nan")}},
        {"battery": {"mode": "limit"}},
        {"battery": {"mode": "limit", "at_most": 0.0, "at_least": 0.0}},
        {"text": "x" * 121},
        {"text": "\ud800"},
        {"reason_code": "because"},
        {"accept": [{"event_id": "r", "kw": -1.0}]},
        {"horizon_steps": 0},
    ],
)
def test_anything_else_is_refused(asked):
    with pytest.raises(ValidationError):
        Directive(**asked)


def test_a_batch_takes_one_directive_or_one_each(week):
    view = SiteBatch([week], [0, 0]).view()
    feasible = np.tile(FEASIBLE, (2, 1, 1))
    bounds, _ = compile_directive([Directive(battery="charge"), Directive(battery="hold")], view, feasible)
    np.testing.assert_allclose(bounds[:, 1, 0], [0.8, 0.0])
    with pytest.raises(ValueError, match="1 directives for 2 sites"):
        compile_directive([Directive()], view, feasible)
