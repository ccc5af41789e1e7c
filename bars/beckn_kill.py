"""kill -9 at random moments of a Beckn trade, restart, and nothing is lost or doubled.

    python bars/beckn_kill.py [--n 50] [--seed 1]

A line per round, exit 1 on a miss; about four seconds a round.
"""

from __future__ import annotations

import sys

from grid.beckn.crash import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
