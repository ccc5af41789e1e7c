"""The registered environments: id, what it is, how each face of it is made. ``import envs`` registers them.

    gymnasium.make("deg/UKSite-v0")                    one site, one joint action
    gymnasium.make_vec("deg/UKSite-v0", num_envs=64)   many sites in one kernel
    envs.parallel_env("deg/UKSite-v0")                 one site, three agents

Every face takes ``cases=`` (British ids) or ``series=`` (SustainDC); left out, episodes of a week are drawn from the
year of the registered case maker.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

EPISODE_STEPS = 672  # a week


@dataclass(frozen=True)
class Registered:
    """One environment id: its faces as ``module:name``, and the arguments that make them this environment."""

    id: str
    title: str
    single: str
    parallel: str
    vector: str
    options: dict[str, Any] = field(default_factory=dict)


_UK = {
    "single": "envs.single:SiteEnv",
    "vector": "envs.vector:SiteVectorEnv",
}
REGISTERED = (
    Registered(
        "deg/UKSite-v0",
        "A British data-centre site that sees carbon but no prices",
        parallel="envs.parallel:SiteParallelEnv",
        options={"information": "carbon_aware", "episode_steps": EPISODE_STEPS},
        **_UK,
    ),
    Registered(
        "deg/UKGridAware-v0",
        "The same site with prices, flexibility requests and what it has sold in view",
        parallel="envs.grid_aware:grid_aware_env",
        options={"information": "grid_aware", "episode_steps": EPISODE_STEPS},
        **_UK,
    ),
    Registered(
        "deg/SustainDC-v0",
        "SustainDC, quirks included, for comparison with what was published on it",
        single="envs.sustaindc.faces:SustainDCEnv",
        parallel="envs.sustaindc.faces:SustainDCParallelEnv",
        vector="envs.sustaindc.vector:SustainDCVectorEnv",
        options={"episode_steps": EPISODE_STEPS},
    ),
)


def registered(env_id: str) -> Registered:
    """One of ``REGISTERED``. Raises ValueError with the nearest id for an unknown one."""
    for entry in REGISTERED:
        if env_id in (entry.id, entry.id.removeprefix("deg/")):
            return entry
    ids = [entry.id for entry in REGISTERED]
    near = difflib.get_close_matches(env_id, ids, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(ids)}"
    raise ValueError(f"environment {env_id!r} is unknown; {hint}")


def make_parallel(env_id: str, **options: Any) -> Any:
    """The PettingZoo face of an id; ``options`` go before the id's own."""
    entry = registered(env_id)
    return _load(entry.parallel)(**{**entry.options, **options})


def register_gymnasium() -> None:
    """Tell Gymnasium about every id, once."""
    from gymnasium.envs.registration import register, registry

    for entry in REGISTERED:
        if entry.id not in registry:
            register(entry.id, entry_point=entry.single, vector_entry_point=entry.vector, kwargs=dict(entry.options))


def _load(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
