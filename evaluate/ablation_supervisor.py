"""The supervisors of a matrix: what they decided, what that cost, and which overrides helped or hurt most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaluate.matrix_effects import REPLAYED
from evaluate.variants import Variant

MOST = 5  # overrides shown at either end
COUNTED = (
    "decisions", "overrides", "fallbacks", "events_accepted", "bound_steps", "tracker_steps", "clipped", "reads",
    "notice_breach_steps", "llm_kwh", "llm_gbp", "llm_carbon_kg",
)  # fmt: skip


@dataclass(frozen=True)
class Supervision:
    """One supervised variant; means a week. counted: ``COUNTED``; override_share: of decisions."""

    variant: str
    counted: dict[str, float]
    override_share: float


@dataclass(frozen=True)
class Overrides:
    """Overrides of one variant, each taken back in turn.

    count, helped   overrides, and the share of them without which the week would have cost more
    mean_gbp        of the effects. by_reason: reason code -> (count, share that helped, mean effect in GBP)
    best, worst     rows of ``evaluate.counterfactual``, largest effect first
    replayed_gbp    largest distance of a replay with every order in place from the recorded week
    """

    variant: str
    weeks: int
    count: int
    helped: float
    mean_gbp: float
    by_reason: dict[str, tuple[int, float, float]]
    best: list[dict[str, Any]]
    worst: list[dict[str, Any]]
    replayed_gbp: float


def supervisions(rows: pd.DataFrame) -> list[Supervision]:
    """What each supervised variant did, in the order of ``rows``."""
    found = []
    for name, part in rows.groupby("variant", sort=False):
        if not Variant.parse(str(name)).supervisor:
            continue
        counted = {column: float(part[column].mean()) for column in COUNTED if column in part}
        share = counted["overrides"] / counted["decisions"] if counted["decisions"] else 0.0
        found.append(Supervision(str(name), counted, share))
    return found


def overrides_of(effects: pd.DataFrame) -> list[Overrides]:
    """Each variant's overrides by their effect. effects: see ``evaluate.matrix_effects.override_effects``."""
    found = []
    for name, part in effects.groupby("variant", sort=False):
        gbp = part["effect_gbp"]
        reasons = {
            str(code): (len(group), float((group > 0.0).mean()), float(group.mean()))
            for code, group in gbp.groupby(part["reason_code"])
        }
        ordered = part.sort_values("effect_gbp", ascending=False, kind="stable")
        found.append(
            Overrides(
                variant=str(name),
                weeks=int(part["week_start"].nunique()),
                count=len(part),
                helped=float((gbp > 0.0).mean()),
                mean_gbp=float(gbp.mean()),
                by_reason=dict(sorted(reasons.items(), key=lambda item: -item[1][0])),
                best=_records(ordered.head(MOST)),
                worst=_records(ordered.tail(MOST).iloc[::-1]),
                replayed_gbp=float(part[REPLAYED].abs().max()),
            )
        )
    return found


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def measured(paths: Sequence[str]) -> dict[str, dict[str, float]]:
    """File name -> every number in it: what ``deg llm probe --json`` and its kin printed.

    Raises:
        ValueError: a file that is missing or holds no JSON object.
    """
    found = {}
    for path in map(Path, paths):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(
                f"evaluate.probes: {path}: cannot be read ({error}); give the JSON of deg llm probe"
            ) from None
        if not isinstance(content, Mapping):
            raise ValueError(f"evaluate.probes: {path}: no JSON object; give what deg llm probe --json printed")
        found[path.stem] = dict(_numbers(content, ""))
    return found


def _numbers(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Numbers at any depth by their path; lists are answers, not results."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
