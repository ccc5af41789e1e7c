"""Names of SustainDC's observations, in their order. Values scaled as SustainDC scales them; two are unbounded."""

from __future__ import annotations

_OUTLOOK = ("mean", "deviation", "(now - mean) / deviation", "first peak", "first valley")
_SHARED = (
    "cosine of the hour",
    "sine of the hour",
    "carbon, by its 30-day range",
    "carbon outlook (2 h): slope, smoothed",
    "carbon of the last 4 h: slope, smoothed",
    *(f"carbon outlook (2 h): {name}" for name in _OUTLOOK),
)
LAYOUTS = {
    "agent_ls": (
        *_SHARED,
        "age of the oldest task, days",
        "mean age of tasks, days",
        "tasks waiting / 1000",
        "workload",
        "dry bulb, by its 30-day range",
        "dry-bulb outlook (4 h): slope",
        *(f"dry-bulb outlook (4 h): {name}" for name in _OUTLOOK),
        *(f"share of tasks aged {span}" for span in ("0-6 h", "6-12 h", "12-18 h", "18-24 h")),
        "1 if any task is older than 24 h",
    ),
    "agent_dc": (
        *_SHARED,
        "workload",
        "workload of the next step",
        "dry bulb, by its 30-day range",
        "dry bulb of the next step",
    ),
    "agent_bat": (*_SHARED, "workload", "dry bulb, by its 30-day range", "state of charge"),
}
