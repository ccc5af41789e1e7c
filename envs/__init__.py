"""Inside the fence: the compiled site model and its faces. Names are loaded when they are first asked for.

``import envs`` registers the ids of ``envs.registry`` with Gymnasium.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from envs.numba_cache import drop_stale
from envs.registry import register_gymnasium

drop_stale()
register_gymnasium()

_HOMES = {
    "Case": "envs.case",
    "DataCentreEnv": "envs.facade",
    "GridAwareEnv": "envs.grid_aware",
    "SiteBatch": "envs.batch",
    "SiteEnv": "envs.single",
    "SiteVectorEnv": "envs.vector",
    "SiteView": "envs.view",
    "parallel_env": "envs.parallel",
    "randomise": "envs.randomise",
    "site_params": "envs.params",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'envs' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
