"""A site of another size is the same site scaled."""

from __future__ import annotations

from typing import Any

# These grow with site.it_capacity_mw where they are not given.
GROWS_WITH_CAPACITY = ("import_limit_kw", "battery_kwh", "battery_kw")


def scale_with_capacity(site: dict[str, Any], given: Any) -> None:
    """Scale battery and connection of ``site`` in place to the IT capacity that was given, if it is one at all."""
    capacity_mw = given.get("it_capacity_mw") if isinstance(given, dict) else None
    if isinstance(capacity_mw, (int, float)):
        for key in GROWS_WITH_CAPACITY:
            site[key] *= capacity_mw / site["it_capacity_mw"]
