"""What a local model costs a decision: batched against one by one, and with a prompt's beginning read once.

Processor seconds are those of the engine's own process; wall times on a shared machine say little. Every prompt is of
another situation, so that no answer is helped by one before it beyond what they share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any

from llm_layer.engine import Answer
from llm_layer.engine_vllm import VllmEngine
from llm_layer.model_folder import ModelFolder
from llm_layer.prompt import Form, build_prompt
from llm_layer.schema import UnusableAnswer, parse
from llm_layer.situation import Situation
from llm_layer.tokens import shared_tokens

BATCH = 16
TIMEOUT_S = 600.0
Progress = Callable[[int, int], None]


def situations_needed(rounds: int) -> int:
    """How many different situations a bench of so many rounds takes."""
    return BATCH * (3 * rounds + 1)


@dataclass
class _Measured:
    """Decisions made together: seconds of wall and processor a decision, tokens in, and how many were valid."""

    wall_s: float
    cpu_s: float
    tokens_in: list[int]
    valid: int


def bench(
    model: ModelFolder, situations: Sequence[Situation], rounds: int, on_progress: Progress | None = None
) -> dict[str, Any]:
    """Medians over interleaved rounds. ``situations``: at least ``situations_needed(rounds)``, all different.

    Raises:
        EngineError: the model does not start.
    """
    parts = iter([list(situations[k : k + BATCH]) for k in range(0, len(situations), BATCH)])
    total, done = 4 * rounds + 4, 0

    def at_work() -> None:
        nonlocal done
        if on_progress is not None:
            on_progress(done, total)
        done += 1

    at_work()
    warm, batched, single, cached, uncached = next(parts), [], [], [], []
    long_parts = []
    with closing(VllmEngine(model, timeout_s=TIMEOUT_S)) as engine:
        for form in ("short", "long"):
            _measure(engine, warm, form)  # compiles its schemas, and reads what prompts share
        for _ in range(rounds):
            at_work()
            batched.append(_measure(engine, next(parts), "short"))
            at_work()
            single += [_measure(engine, [one], "short") for one in next(parts)]
            at_work()
            long_parts.append(next(parts))
            cached.append(_measure(engine, long_parts[-1], "long"))
    at_work()
    with closing(VllmEngine(model, timeout_s=TIMEOUT_S, prefix_caching=False)) as engine:
        _measure(engine, warm, "long")
        for part in long_parts:
            at_work()
            uncached.append(_measure(engine, part, "long"))
    every = [*batched, *single, *cached, *uncached]
    one_by_one = [sum(m.cpu_s for m in single[k : k + BATCH]) / BATCH for k in range(0, len(single), BATCH)]
    short, long_ = ([t for m in measured for t in m.tokens_in] for measured in ([*batched, *single], cached))
    return {
        "model": model.name,
        "batched_over_sequential_cpu": median(one_by_one) / _cpu_s(batched),
        "prefix_cache_cpu_ratio": _cpu_s(cached) / _cpu_s(uncached),
        "valid_directives": sum(m.valid for m in every) / sum(len(m.tokens_in) for m in every),
        "decisions": sum(len(m.tokens_in) for m in every),
        "decisions_per_s": 1.0 / median(m.wall_s for m in batched),
        "prompt_tokens": max(short),
        "long_prompt_tokens": max(long_),
        "long_shared_tokens": shared_tokens([build_prompt(s, form="long") for s in long_parts[0]], model.path),
        "cpu_s_per_decision": {
            "one_by_one": median(one_by_one),
            "batch_of_16": _cpu_s(batched),
            "long_batch_of_16": _cpu_s(cached),
            "long_batch_of_16_no_prefix_cache": _cpu_s(uncached),
        },
        "rounds": rounds,
    }


def _cpu_s(measured: Sequence[_Measured]) -> float:
    return median(m.cpu_s for m in measured)


def _measure(engine: VllmEngine, situations: Sequence[Situation], form: str) -> _Measured:
    chosen: Form = "long" if form == "long" else "short"
    prompts = [build_prompt(situation, form=chosen) for situation in situations]
    wall, cpu = time.monotonic(), engine.cpu_s
    answers = engine.generate(prompts)
    wall_s, cpu_s = time.monotonic() - wall, engine.cpu_s - cpu
    pairs = list(zip(answers, situations, strict=True))
    return _Measured(
        wall_s / len(prompts),
        cpu_s / len(prompts),
        [answer.tokens_in if isinstance(answer, Answer) else 0 for answer in answers],
        sum(isinstance(answer, Answer) and _is_valid(answer.text, situation) for answer, situation in pairs),
    )


def _is_valid(text: str, situation: Situation) -> bool:
    try:
        parse(text, situation)
    except UnusableAnswer:
        return False
    return True
