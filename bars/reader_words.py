"""How right the shipped reader is on notices in wordings it was trained on and in new ones, clean and worn, against the
word counts that are its control. One JSON on stdout.

    deg llm pull smollm2-135m-reader; another model: supervisor.reader_model=... after it
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from configs.load import load_config
from llm_layer.notices.wordings import Split
from llm_layer.probe.control import probe_beside_control
from llm_layer.probe.own import own_notices
from llm_layer.reader.open import reader_of
from llm_layer.reader.reading import Reader

LEAST: dict[Split, float] = {"train": 0.97, "test": 0.92}  # all right, wordings seen and new
SEED = 31


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="notices of a split; of worn ones 160")
    parser.add_argument("--reader", default="vllm")
    parser.add_argument("overrides", nargs="*")
    args = parser.parse_args()
    start = time.monotonic()
    config = load_config(
        None,
        [
            f"supervisor.reader={args.reader}", "supervisor.reader_model=smollm2-135m-reader",
            "supervisor.timeout_s=300", *args.overrides,
        ],
    )  # fmt: skip
    with reader_of(config.supervisor) as reader:
        clean = {split: _scored(reader, own_notices(args.count, SEED, split)) for split in LEAST}
        worn = {split: _scored(reader, own_notices(160, SEED + 1, split, worn=True)) for split in LEAST}
    holds = all(clean[split]["overall"]["all_right"] >= least for split, least in LEAST.items())
    claim = "the reader has all right in 97% of notices in wordings seen and in 92% in new ones"
    told = {"claim": claim, "holds": holds, "reader": reader.engine, "clean": clean, "worn": worn}
    print(json.dumps({**told, "wall_s": round(time.monotonic() - start)}, indent=2))
    return 0 if holds else 1


def _scored(reader: Reader, items: list[dict[str, Any]]) -> dict[str, Any]:
    found = probe_beside_control(items, reader)
    return {name: found[name] for name in ("overall", "control")}


if __name__ == "__main__":
    sys.exit(main())
