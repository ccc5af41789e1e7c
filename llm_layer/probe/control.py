"""A reader against the control without a language model, on the same items, with an interval.

Items of one wording are right or wrong together, so wordings are drawn, not items: a paired cluster bootstrap (Efron
and Tibshirani 1993, chapter 8), percentile interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llm_layer.probe.notices import probe_notices, right_of
from llm_layer.reader.bag_of_words import BagOfWordsReader
from llm_layer.reader.reading import Reader

DRAWS, SEED, LEVEL = 2000, 0, 0.95


def probe_beside_control(items: Sequence[Mapping[str, Any]], reader: Reader) -> dict[str, Any]:
    """What ``probe_notices`` says of a reader, with ``control``: how it stands against word counts."""
    found = probe_notices(items, reader)
    return {**found, "control": against_control(items, found, probe_notices(items, BagOfWordsReader()))}


def against_control(
    items: Sequence[Mapping[str, Any]], found: Mapping[str, Any], control: Mapping[str, Any]
) -> dict[str, Any] | None:
    """How much more of the items is all right than under the control, with its interval; None without ``expected``.

    Args:
        found, control: what ``probe_notices`` says of the reader and of the control.
    """
    pairs = [
        (str(item.get("wording", number)), right_of(item, ours) - right_of(item, theirs))
        for number, (item, ours, theirs) in enumerate(zip(items, found["answers"], control["answers"], strict=True))
        if item.get("expected")
    ]
    if not pairs:
        return None
    groups: dict[str, list[int]] = {}
    for wording, difference in pairs:
        groups.setdefault(wording, []).append(difference)
    sums, sizes = (np.array([measure(one) for one in groups.values()], dtype=float) for measure in (sum, len))
    drawn = np.random.default_rng(SEED).integers(len(groups), size=(DRAWS, len(groups)))
    differences = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(differences, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return {
        "engine": control["answers"][0]["engine"],
        **control["overall"],
        "all_right_more": round(float(sums.sum() / sizes.sum()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "wordings": len(groups),
    }
