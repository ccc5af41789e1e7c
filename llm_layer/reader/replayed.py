"""Readings of an earlier run, given again from its audit trail: no engine is needed to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from llm_layer.audit import FILE_NAME, read_lines
from llm_layer.notices.notice import Constraint, Notice
from llm_layer.reader.reading import Reading
from llm_layer.situation import utc_text


class ReplayReader:
    """Gives each notice the reading that the trail in ``folder`` has of it at the same time.

    Raises:
        ValueError: the folder has no trail.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE_NAME
        if not path.is_file():
            raise ValueError(f"supervisor.replay {folder}: no {FILE_NAME}; give the folder of a run")
        bodies = [line["body"] for line in read_lines(path)]
        self._folder = folder
        self._readings = {(body["notice"], body["time_utc"]): body for body in bodies if body["kind"] == "reading"}
        self.engine = next((body["engine"] for body in self._readings.values()), "replay")

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        """See ``Reader``. Raises ValueError where this run is not the one that was recorded."""
        return [self._read(notice, utc_text(now.value)) for notice in notices]

    def close(self) -> None:
        """Nothing runs."""

    def _read(self, notice: Notice, time_utc: str) -> Reading:
        body = self._readings.get((notice.id, time_utc))
        if body is None:
            raise ValueError(
                f"replay of {self._folder}: notice {notice.id} was not read at {time_utc} there: configuration, data "
                "or code are not those of that run; take its config.yaml"
            )
        given = body["constraint"]
        constraint = None if given is None else constraint_from(given, float(body["confidence"]))
        return Reading(
            notice.id,
            constraint,
            str(body["engine"]),
            float(body["confidence"]),
            bool(body["cut"]),
            bool(body["failed"]),
            energy_kwh=float(body["energy_kwh"]),
        )


def constraint_from(record: Mapping[str, Any], confidence: float = 1.0) -> Constraint:
    """A constraint from the form of files and audit lines."""
    start, until = (None if record[name] is None else pd.Timestamp(record[name]) for name in ("from", "until"))
    value = None if record["value"] is None else float(record["value"])
    return Constraint(record["kind"], record["agent"], record["bound"], value, record["unit"], start, until, confidence)
