"""A trail that goes on where a stopped run left it: the run is repeated from its start, silently, up to that line.

The site is deterministic, so a run needs no saved state: what it met from outside stands in its own trail. While lines
are left to repeat, each record written is held against the next one there; the first that differs ends the run.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm_layer.audit import AuditError, AuditWriter, audit_file, read_lines

# Records of things that come from outside the run: they are not repeated, and may stand anywhere between the others.
EXTERNAL = frozenset({"message", "head", "cut"})


class ResumedTrail:
    """Appends to ``writer`` once all that is in its file already has been repeated.

    external    bodies of the records from outside that are in the file, in order
    """

    def __init__(self, writer: AuditWriter) -> None:
        self._writer = writer
        bodies = [line["body"] for line in read_lines(audit_file(writer.path))] if writer.lines else []
        self.external = [body for body in bodies if body["kind"] in EXTERNAL]
        self._left = deque(body for body in bodies if body["kind"] not in EXTERNAL)

    @property
    def path(self) -> Path:
        return self._writer.path

    @property
    def head(self) -> str:
        return self._writer.head

    @property
    def lines(self) -> int:
        return self._writer.lines

    @property
    def repeating(self) -> bool:
        """Whether lines of the stopped run are left to repeat."""
        return bool(self._left)

    def coming(self, kind: str, step: int) -> dict[str, Any] | None:
        """The next record to repeat if it is of this kind and step; None otherwise."""
        body = self._left[0] if self._left else None
        return body if body is not None and body["kind"] == kind and body.get("step") == step else None

    def write(self, body: Mapping[str, Any], runtime: Mapping[str, Any]) -> str:
        """Append one record, or hold it against the one that is there; -> the trail's head.

        Raises:
            AuditError: the run does not repeat itself: its configuration, data or code have changed.
        """
        if not self._left or body["kind"] in EXTERNAL:
            return self._writer.write(body, runtime)
        there = self._left.popleft()
        if json.loads(json.dumps(body)) != there:
            raise AuditError(
                f"{self.path}: the stopped run said {_brief(there)}, this one says {_brief(body)}: its configuration, "
                "data or code were others; finish it with those, or take another run.name"
            )
        return self.head


def _brief(body: Mapping[str, Any]) -> str:
    return f"{body['kind']} at {body.get('time_utc', 'the start')}"
