"""A probe file of the project's own wordings: notices of one split with what they mean."""

from __future__ import annotations

from typing import Any

from llm_layer.notices.wordings import Split
from llm_layer.reader.training import examples


def own_notices(count: int, seed: int, split: Split, worn: bool = False) -> list[dict[str, Any]]:
    """Items of a probe file (``llm_layer.probe.notices``); the same seed gives the same ones."""
    items = []
    for number, one in enumerate(examples(count, seed, split, worn)):
        published = one.notice.published_at.strftime("%Y-%m-%dT%H:%MZ")
        item = {"id": number, "now": published, "published_at": published, "source": one.notice.source}
        meaning = {"expected": one.meaning.as_record(), "injection": one.injection, "wording": one.wording}
        items.append({**item, "text": one.text, **meaning})
    return items
