"""Files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd


def write_text(path: Path, text: str) -> None:
    """The whole file or none of it."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """The whole file or none of it."""
    unfinished = path.with_name(f".{path.name}.part")
    frame.to_parquet(unfinished, index=False)
    os.replace(unfinished, path)
