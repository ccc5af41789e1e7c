"""Jobs run in one batch: each controller and each supervisor sees its own sites and no others.

A step costs most of its time once a batch, not once a site. Seeds of a variant, and weeks whose controllers each plan
for one case, are therefore advanced together; every block comes out as if it had been run alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from agents.policy import Offer, Policy
from envs.view import SiteView
from llm_layer.policy import Decision, HighLevelPolicy
from llm_layer.situation import Situation


class Policies:
    """Controllers of one variant, one for each run of sites.

    Args:
        policies: at least one; all with the same layout and the same word on requests. sizes: sites of each.
    """

    def __init__(self, policies: Sequence[Policy], sizes: Sequence[int]) -> None:
        first = policies[0]
        self.name, self.layout, self.accepts_events = first.name, first.layout, first.accepts_events
        self._parts = list(zip(policies, slices_of(sizes), strict=True))
        self._views: list[SiteView] = []
        self._of: SiteView | None = None

    def reset(self, batch_size: int, seeds: np.ndarray) -> None:
        self._of = None
        for policy, sites in self._parts:
            policy.reset(sites.stop - sites.start, seeds[sites])

    def act(self, obs: dict[str, np.ndarray], bounds: np.ndarray, view: SiteView) -> np.ndarray:
        raw = np.empty(bounds.shape[:2], dtype=np.float32)
        for (policy, sites), part in zip(self._parts, self._parted(view), strict=True):
            raw[sites] = policy.act({agent: seen[sites] for agent, seen in obs.items()}, bounds[sites], part)
        return raw

    def offers(self, view: SiteView) -> list[Offer]:
        return [
            replace(offer, site=sites.start + offer.site)
            for (policy, sites), part in zip(self._parts, self._parted(view), strict=True)
            for offer in policy.offers(part)
        ]

    def _parted(self, view: SiteView) -> list[SiteView]:
        """The view of each controller, cut once a step."""
        if self._of is not view:
            self._of, self._views = view, [_part(view, sites) for _, sites in self._parts]
        return self._views


class Supervisors:
    """Supervisors of one kind, one for each run of sites; each counts its sites from 0."""

    def __init__(self, supervisors: Sequence[HighLevelPolicy], sizes: Sequence[int]) -> None:
        self.policy_id = supervisors[0].policy_id
        self.reads_findings: bool = getattr(supervisors[0], "reads_findings", True)
        self._supervisors = list(supervisors)
        self._starts = [sites.start for sites in slices_of(sizes)]
        self._whose = np.repeat(np.arange(len(sizes)), sizes)

    def decide(self, situations: Sequence[Situation], now: pd.Timestamp) -> list[Decision]:
        asked: dict[int, list[Situation]] = {}
        for situation in situations:  # by rising site: the answers of one after the other are in the order asked
            mine = int(self._whose[situation.site])
            asked.setdefault(mine, []).append(replace(situation, site=situation.site - self._starts[mine]))
        return [decision for mine, some in asked.items() for decision in self._supervisors[mine].decide(some, now)]


def side_by_side(policies: Sequence[Policy], sizes: Sequence[int], alike: Sequence[str]) -> Policy:
    """One controller of all sites.

    alike: what tells controllers apart. Neighbours that are the same rule of the view act as one; networks never do,
    because the width of a batch rounds their last digit.
    """
    kept: list[tuple[Policy, int, str]] = []
    for policy, size, name in zip(policies, sizes, alike, strict=True):
        if kept and name == kept[-1][2] and policy.layout is None:
            kept[-1] = (kept[-1][0], kept[-1][1] + size, name)
        else:
            kept.append((policy, size, name))
    if len(kept) == 1:
        return kept[0][0]
    return Policies([policy for policy, _, _ in kept], [size for _, size, _ in kept])


def slices_of(sizes: Sequence[int]) -> list[slice]:
    """The sites of each part of a batch, one after the other."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _part(view: SiteView, sites: slice) -> SiteView:
    """What the sites of one part see. Cuts are views of the arrays, not copies."""
    return SiteView(
        step=view.step,
        now_utc=view.now_utc[sites],
        row=view.row[sites],
        forecast=view.forecast[sites],
        published_steps=view.published_steps[sites],
        baseline_kw=view.baseline_kw[sites],
        state=view.state[sites],
        queue_kwh=view.queue_kwh[sites],
        params=view.params[sites],
        commitments_kw=view.commitments_kw[sites],
        events=view.events[sites],
        notices=view.notices[sites],
    )
