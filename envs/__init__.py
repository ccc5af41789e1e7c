"""Inside the fence: the compiled site model and its faces."""

from envs.numba_cache import drop_stale

drop_stale()
