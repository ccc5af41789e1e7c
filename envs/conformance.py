"""``python -m envs.conformance DIR``: replay recorded SustainDC episodes and compare every quantity.

Prints the largest error per quantity and trace. Exit code 0: all within limits; 1: a physical quantity or reward off
by more than 1e-6 relative, or an observation by more than 1e-4; 2: the folder is not one of traces.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from envs.sustaindc.replay import ABSOLUTE_LIMIT, RELATIVE_LIMIT, is_miss, replay_errors
from envs.sustaindc.trace import read_traces


def conformance_table(errors: dict[str, dict[str, float]]) -> str:
    """Text table. errors: trace name -> quantity -> largest error."""
    quantities = list(next(iter(errors.values())))
    width = max(len(quantity) for quantity in quantities)
    heads = [name.split("_")[0][:9] for name in errors]
    lines = [" ".join([f"{'quantity':<{width}}", *(f"{head:>9}" for head in heads), f"{'all':>9}"])]
    for quantity in quantities:
        cells = [per_trace[quantity] for per_trace in errors.values()]
        worst = max(cells)
        mark = "  MISS" if is_miss(quantity, worst) else ""
        lines.append(" ".join([f"{quantity:<{width}}", *(f"{cell:9.1e}" for cell in (*cells, worst))]) + mark)
    return "\n".join(lines)


def verdict(errors: dict[str, dict[str, float]]) -> tuple[bool, str]:
    """Whether all is within limits, and one line that says so."""
    misses = [f"{name}: {q}" for name, per_trace in errors.items() for q, e in per_trace.items() if is_miss(q, e)]
    limits = f"limits {RELATIVE_LIMIT:g} relative, observations {ABSOLUTE_LIMIT:g}"
    if misses:
        return False, f"{len(misses)} misses ({limits}), first {misses[0]}"
    worst = {
        kind: max(e for t in errors.values() for q, e in t.items() if q.startswith("obs_") == is_obs and judged(q))
        for kind, is_obs in (("physics and rewards", False), ("observations", True))
    }
    return True, "conforms: " + ", ".join(f"{kind} {error:.1e}" for kind, error in worst.items()) + f" ({limits})"


def judged(quantity: str) -> bool:
    """Ill-conditioned observations are shown, not judged."""
    return not quantity.endswith("_excepted")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m envs.conformance", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="holds NAME.json, .csv.gz, .exo.csv.gz, .racks.csv.gz")
    folder = parser.parse_args(arguments).folder
    try:
        errors = {trace.name: replay_errors(trace) for trace in read_traces(folder)}
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    conforms, line = verdict(errors)
    print(conformance_table(errors))
    print(line)
    return 0 if conforms else 1


if __name__ == "__main__":
    sys.exit(main())
