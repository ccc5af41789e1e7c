"""What a configuration key is made of: how it is declared, and the types that read YAML values without guessing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$"

# Frozen names of contract 8; the last line came later. A supervisor is appended with "+": "grid_aware+rules".
VARIANTS = (
    "neutral", "neutral+trades", "threshold", "carbon_threshold", "event_follower", "best_constant",
    "site", "carbon_aware", "grid_aware", "mpc", "oracle", "oracle_bound",
    "time_of_day", "sustaindc_rules", "carbon_mpc",
    "site_ippo", "carbon_aware_ippo", "grid_aware_ippo",  # trained with independent critics, in place of one
    "checkpoint",  # the policy in agents.checkpoint
    "threshold+trades", "mpc+trades", "oracle+trades", "oracle_bound+trades",
)  # fmt: skip
MODELS = ("vllm", "openai", "anthropic")  # language models
CONTROLS = ("tree", "mlp", "constant", "copy")  # what a language model has to beat; none of them is one
SUPERVISORS = ("rules", "random", *MODELS, *CONTROLS)
READER = "reader"  # reads notices; it stands before a supervisor: "grid_aware+reader", "grid_aware+reader+rules"

# Words of a grid of evaluate.axes that are no keys of the configuration.
FILE_AXIS, VARIANTS_AXIS = "file", "variants"

ASSUMPTION = "assumption"
DESIGN = "design default"
CHOICE = "choice of the experiment"


def key(description: str, unit: str = "-", source: str = CHOICE, *, locates: bool = False, **bounds: Any) -> Any:
    """A field without a default.

    source: where the default value comes from, or "assumption".
    locates: says where something lies, not what it is; left out of the config hash.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source, "locates": locates}
    return Field(description=description, json_schema_extra=extra, **bounds)


def _whole(value: Any) -> Any:
    """1e6 is how people write a million steps; 1.5 stays a float and fails."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iso_date(value: Any) -> Any:
    """A quoted date is still a date; anything else is left for the type check to refuse."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def split_variant(name: str) -> tuple[str, bool, str]:
    """A variant's controller, whether notices are read, and its supervisor, "" for nobody."""
    base, supervisor = name, ""
    if name not in VARIANTS and name.rpartition("+")[2] in SUPERVISORS:
        base, _, supervisor = name.rpartition("+")
    reads = base.endswith(f"+{READER}")
    return base.removesuffix(f"+{READER}"), reads, supervisor


def _variant(name: str) -> str:
    if split_variant(name)[0] in VARIANTS:
        return name
    tails = ("", *(f"+{supervisor}" for supervisor in SUPERVISORS))
    known = [f"{variant}{reader}{tail}" for variant in VARIANTS for reader in ("", f"+{READER}") for tail in tails]
    near = difflib.get_close_matches(name, known, n=1)
    raise ValueError(f"unknown variant {name!r}; " + (f"did you mean {near[0]}?" if near else f"known: {VARIANTS}"))


def _grids(value: Any) -> Any:
    """One grid may stand alone."""
    return [value] if isinstance(value, Mapping) else value


def _grid(grid: dict[str, Any]) -> dict[str, Any]:
    keys = [key for key in grid if key != VARIANTS_AXIS]
    if not keys:
        raise ValueError("a grid of evaluate.axes changes no key; give one, such as {supervisor.every_steps: [1, 4]}")
    for key, values in grid.items():
        if not isinstance(values, (list, tuple)) or not values:
            raise ValueError(f"evaluate.axes: {key} is {values!r}; give a list of values, such as [{values}]")
    return grid


def _odd(value: int) -> int:
    if value < 3 or value % 2 == 0 or value > 21:
        raise ValueError(f"{value} levels; give an odd number from 3 to 21, so that one of them is neutral")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Levels = Annotated[int, BeforeValidator(_whole), AfterValidator(_odd)]
Day = Annotated[date, BeforeValidator(_iso_date)]
Variant = Annotated[str, AfterValidator(_variant)]
Grid = Annotated[dict, AfterValidator(_grid)]
Grids = Annotated[tuple[Grid, ...], BeforeValidator(_grids), Field(strict=False)]


class Section(BaseModel):
    """One branch of the tree: frozen, closed to unknown keys, strict about types, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
