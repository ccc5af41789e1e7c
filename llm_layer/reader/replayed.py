"""Readings given again from an audit trail: to repeat a run without an engine, or go on with one that was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from llm_layer.audit import FILE_NAME, read_lines
from llm_layer.notices.notice import Constraint, Notice
from llm_layer.reader.reading import Reader, Reading
from llm_layer.replay import given_or_asked
from llm_layer.situation import utc_text


class ReplayReader:
    """Gives each notice the reading that the trail in ``folder`` has of it at the same time, one that failed included.

    Args:
        otherwise: reads what the trail does not have (a run that goes on); None: that is an error.

    Raises:
        ValueError: the folder has no trail, or one that cannot be read.
    """

    def __init__(self, folder: Path, otherwise: Reader | None = None) -> None:
        path = folder / FILE_NAME
        if not path.is_file():
            raise ValueError(f"supervisor.replay {folder}: no {FILE_NAME}; give the folder of a run")
        try:
            bodies = [line["body"] for line in read_lines(path)]
            self._readings = {(body["notice"], body["time_utc"]): body for body in bodies if body["kind"] == "reading"}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: no whole trail ({error}); `deg audit verify {path}` names the line") from None
        self._folder, self._otherwise = folder, otherwise
        of_trail = next((body["engine"] for body in self._readings.values()), "replay")
        self.engine = of_trail if otherwise is None else otherwise.engine

    def read(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        """See ``Reader``. Raises ValueError where this run is not the one that was recorded."""
        bodies = [self._readings.get((notice.id, utc_text(now.value))) for notice in notices]
        return given_or_asked(notices, bodies, _again, lambda left: self._ask(left, now))

    def close(self) -> None:
        if self._otherwise is not None:
            self._otherwise.close()

    def _ask(self, notices: Sequence[Notice], now: pd.Timestamp) -> list[Reading]:
        if self._otherwise is None:
            raise ValueError(
                f"replay of {self._folder}: notice {notices[0].id} was not read at {utc_text(now.value)} there: "
                "configuration, data or code are not those of that run; take its config.yaml"
            )
        return self._otherwise.read(notices, now)


def _again(body: Mapping[str, Any], notice: Notice) -> Reading:
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
