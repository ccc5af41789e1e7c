"""Contract 8: the names of what a run earned, used and cost, the same in steps, summaries and result rows."""

from __future__ import annotations

COST_PARTS = ("energy_gbp", "network_gbp", "wear_gbp", "terminal_gbp", "llm_gbp")

ADDITIVE = (
    *COST_PARTS,
    "cost_gbp",  # the sum of the five
    "terminal_kg",
    "flex_gbp",
    "flex_real_gbp",
    "flex_phantom_gbp",
    "flex_other_rule_gbp",
    "net_gbp",  # cost - flex
    "penalty_gbp",
    "carbon_cost_gbp",
    "objective_gbp",  # net + carbon cost + penalty
    "carbon_kg",  # of metered import, the supervisor and the terminal terms
    "llm_carbon_kg",
    "import_kwh",
    "llm_kwh",
    "late_kwh",
    "overheat_minutes",
)

COUNTERS = (
    "decisions",
    "overrides",
    "fallbacks",
    "events_accepted",
    "clipped",
    "bound_steps",
    "tracker_steps",
    "reads",
    "notice_breach_steps",
)
