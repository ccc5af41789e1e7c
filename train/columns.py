"""The packed matrix: one float32 row for each site and step, everything a learner needs of it.

    [ observation | what only critics see | allowed codes as bits, 3 | action, 3 | log-probability, 3 |
      advantage, 3 | value target, 3 ]

The first three parts are what modules are given as their observation. Threes are in the order of ``AGENTS``; actions
are codes, or levels in [-1, 1] where actions are continuous (then the bits are unused).
"""

from __future__ import annotations

from envs.state import AGENTS
from train.sites import EXTRAS, OBSERVED

_THREE = len(AGENTS)
SEEN = slice(0, OBSERVED + EXTRAS)
BITS = slice(SEEN.stop, SEEN.stop + _THREE)
INPUT = slice(0, BITS.stop)
ACTION = slice(BITS.stop, BITS.stop + _THREE)
LOGP = slice(ACTION.stop, ACTION.stop + _THREE)
ADVANTAGE = slice(LOGP.stop, LOGP.stop + _THREE)
TARGET = slice(ADVANTAGE.stop, ADVANTAGE.stop + _THREE)
WIDTH = TARGET.stop
