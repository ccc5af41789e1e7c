"""A judge's answer as three classes, one an agent: follow, or one of the levels of the answer's schema.

Everything that learns or is scored speaks these: labels, tree, MLP, constant, copy, and a language model's directive.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from envs.state import AGENTS, COOLING
from llm_layer.directive import TEXT_LENGTH, Directive, ReasonCode, SetLevel
from llm_layer.policy import Decision, Source
from llm_layer.rules import answer_requests
from llm_layer.schema import LEVELS, shown_requests
from llm_layer.situation import Situation
from llm_layer.verbs import FOLLOW, verb_of, word_for

FOLLOWED = 0  # class; class k + 1 sets LEVELS[k]
COUNT = 1 + len(LEVELS)
NEAR = 0.125  # half a notch: a level this close to the proposal is "follow"

Classes = tuple[int, int, int]


def level_class(level: float) -> int:
    """The class that sets the level nearest to this one."""
    return 1 + int(np.argmin(np.abs(np.array(LEVELS) - level)))


def classes_of_actions(actions: np.ndarray, proposals: tuple[float, float, float]) -> Classes:
    """What another controller's actions float (3,) amount to beside these proposals."""
    a, b, c = (_beside(float(action), proposal) for action, proposal in zip(actions, proposals, strict=True))
    return a, b, c


def classes_of(directive: Directive, situation: Situation, supply_level: float = 0.0, per_k: float = 0.2) -> Classes:
    """The classes of a directive; a limit counts as the level it would move the proposal to.

    Args:
        supply_level, per_k: see ``Directive.orders``; needed for cooling's relative words alone.
    """
    found = []
    for order, proposal in zip(directive.orders(supply_level, per_k), situation.proposals, strict=True):
        moved = min(max(proposal, order.lo), order.hi)
        followed = order.mode == FOLLOW or (order.lo < order.hi and moved == proposal)
        found.append(FOLLOWED if followed else _beside(moved, proposal))
    return found[0], found[1], found[2]


def _beside(level: float, proposal: float) -> int:
    """The class of a level; one that is as good as the proposal follows it."""
    number = level_class(level)
    return FOLLOWED if abs(LEVELS[number - 1] - proposal) <= NEAR else number


def order_of_class(agent: str, number: int) -> str | SetLevel:
    """What a class asks of an agent, in the words that there are for it."""
    if number == FOLLOWED:
        return "follow"
    level = LEVELS[number - 1]
    return word_for(agent, level) or SetLevel(mode="set", level=level)


def directive_of(classes: Classes, situation: Situation, text: str = "") -> Directive:
    """The directive that classes stand for; requests are answered by the shared selling rule, as the rules do."""
    accept, decline = answer_requests(situation.requests)
    return Directive(
        **{agent: order_of_class(agent, number) for agent, number in zip(AGENTS, classes, strict=True)},  # type: ignore[arg-type]
        accept=accept,
        decline=decline,
        horizon_steps=situation.hold_steps,
        reason_code=reason_of(classes, situation),
        text=text[:TEXT_LENGTH],
    )


def decision_of(classes: Classes, situation: Situation, source: Source, policy_id: str) -> Decision:
    return Decision(directive_of(classes, situation), source, policy_id)


def reason_of(classes: Classes, situation: Situation) -> ReasonCode:
    """A request that is sold first, then the reason of the largest finding that is acted on."""
    if any(request.kw > 0.0 for request in situation.requests):
        return "request"
    acted = [finding.reason for finding in situation.findings if classes[AGENTS.index(finding.agent)] != FOLLOWED]
    return acted[0] if acted else "follow"  # type: ignore[return-value]


def answer_text(classes: Classes, situation: Situation) -> str:
    """The JSON that a language model should give: of the answer's schema, reason code first, few words last."""
    orders: dict[str, Any] = {}
    said = []
    for agent, number in zip(AGENTS, classes, strict=True):
        order = order_of_class(agent, number)
        orders[agent] = order if isinstance(order, str) else order.model_dump()
        if number != FOLLOWED:
            start = situation.proposals[COOLING] if agent == AGENTS[COOLING] else 0.0
            said.append(f"{agent} {verb_of(agent, LEVELS[number - 1], start)}")
    answer: dict[str, Any] = {"reason_code": reason_of(classes, situation), **orders}
    shown = shown_requests(situation)
    if shown:
        answer["accept"] = list(range(1, len(shown) + 1))
    answer["text"] = ", ".join(said) or "nothing to gain"
    return json.dumps(answer, separators=(",", ":"))
