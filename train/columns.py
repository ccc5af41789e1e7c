"""The packed matrix: one float32 row for each site and choice, everything a learner needs of it.

    [ action, 3 | log-probability, 3 | advantage, 3 | value target, 3 | allowed codes as bits, 3 | seen ]

The last two parts are what modules are given as their observation; how wide ``seen`` is, and what it holds, is
``train.sight``'s. Threes are in the order of ``AGENTS``; actions are codes, or levels in [-1, 1] where actions are
continuous (then the bits are unused).
"""

from __future__ import annotations

from envs.state import AGENTS

_THREE = len(AGENTS)
ACTION = slice(0, _THREE)
LOGP = slice(ACTION.stop, ACTION.stop + _THREE)
ADVANTAGE = slice(LOGP.stop, LOGP.stop + _THREE)
TARGET = slice(ADVANTAGE.stop, ADVANTAGE.stop + _THREE)
BITS = slice(TARGET.stop, TARGET.stop + _THREE)
SEEN = slice(BITS.stop, None)
INPUT = slice(BITS.start, None)
# The same two parts within ``INPUT``.
INPUT_BITS = slice(0, _THREE)
INPUT_SEEN = slice(_THREE, None)
