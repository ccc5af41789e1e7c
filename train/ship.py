"""Put finished training runs into the package: ``python -m train.ship RUNS [SHIPPED]``.

RUNS holds run folders of ``deg train``, each with ``policy/``. They become ``SHIPPED/<name>-<seed>`` (``grid_aware``,
``grid_aware_ippo``), ranked within their name by the saving on validation weeks: rank 0 is what ``make(name, case)``
gives. What is shipped of a name is what RUNS holds of it, and nothing older.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from agents.exported import CARD, SHIPPED, load_policy, shipped_folders
from train.loop import POLICY

MOST_BYTES = 8 * 10**6  # of all shipped policies together


def ship(runs: Path, shipped: Path = SHIPPED) -> list[str]:
    """Copy every finished run's policy, ranked. -> one line for each.

    Raises:
        ValueError: none is finished, one does not fit the observation layout, two are of one name and seed, or they
            are too large together.
    """
    found: dict[str, list[tuple[float, Path, dict[str, Any]]]] = defaultdict(list)
    for folder in sorted(path / POLICY for path in runs.iterdir() if (path / POLICY / CARD).is_file()):
        card = load_policy(folder).card
        for _, other, same in found[card["name"]]:
            if same["seed"] == card["seed"]:
                raise ValueError(f"{folder}: {card['name']} of seed {card['seed']}, as {other} is; remove one of them")
        found[card["name"]].append((_saving(card), folder, card))
    if not found:
        raise ValueError(f"{runs}: holds no finished run of `deg train`; train first")
    size = sum(f.stat().st_size for members in found.values() for _, p, _ in members for f in p.iterdir())
    if size > MOST_BYTES:
        raise ValueError(f"{runs}: {size / 1e6:.1f} MB of policies, more than {MOST_BYTES / 1e6:g}; ship fewer seeds")
    lines = []
    for name, members in sorted(found.items()):
        places = []
        for rank, (saving, folder, card) in enumerate(sorted(members, key=lambda m: -m[0])):
            places.append(shipped / f"{name}-{card['seed']}")
            _place(folder, places[-1], {**card, "rank": rank})
            lines.append(f"{places[-1].name}: rank {rank}, {100.0 * saving:.2f} % saved on validation weeks")
        for old in set(shipped_folders(name, shipped)) - set(places):
            shutil.rmtree(old)
            lines.append(f"{old.name}: removed, no run in {runs}")
    return lines


def _saving(card: dict[str, Any]) -> float:
    metrics = card["metrics"]
    return float(metrics["validation"].get("saving_share", metrics["training"]["saving_share"]))


def _place(source: Path, place: Path, card: dict[str, Any]) -> None:
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(source, part)
    (part / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    os.replace(part, place)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m train.ship RUNS [SHIPPED]")
    print("\n".join(ship(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else SHIPPED)))
