"""Inside the fence: the compiled site model and its faces. Names are loaded when they are first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from envs.numba_cache import drop_stale

drop_stale()

_HOMES = {
    "Case": "envs.case",
    "DataCentreEnv": "envs.facade",
    "GridAwareEnv": "envs.grid_aware",
    "SiteBatch": "envs.batch",
    "SiteView": "envs.view",
    "parallel_env": "envs.parallel",
    "site_params": "envs.params",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'envs' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)
