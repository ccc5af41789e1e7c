"""``deg run`` under a served model, then again from its folder with the server gone."""

from __future__ import annotations

import json

import pytest

from deg.cli import exit_code
from llm_layer.audit import read_lines, verify_file

from .loopback import refuses, well


def test_a_run_is_replayed_without_its_engine(server, tmp_path, capsys):
    asked = [0]

    def sometimes(handler, body):
        asked[0] += 1
        (refuses(400) if asked[0] % 7 == 0 else well)(handler, body)

    server.behaviour = sometimes
    common = [
        *("run", "--json", "run.days=1", f"run.dir={tmp_path}", "supervisor.backend=openai", "supervisor.model=tiny"),
        f"supervisor.base_url={server.root}/v1",
    ]
    assert exit_code([*common, "run.name=first"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["fallbacks"] > 0
    assert first["llm_kwh"] > 0.0
    server.stop()
    assert exit_code([*common, "run.name=again", f"supervisor.replay={tmp_path}/first"]) == 0
    again = json.loads(capsys.readouterr().out)
    steps = [(tmp_path / name / "steps.parquet").read_bytes() for name in ("first", "again")]
    assert steps[0] == steps[1]
    bodies = [[line["body"] for line in read_lines(tmp_path / name)] for name in ("first", "again")]
    assert bodies[0] == bodies[1]
    assert verify_file(tmp_path / "again").ok
    assert first["llm_kwh"] == again["llm_kwh"]


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["supervisor.backend=vllm", "supervisor.replay=nowhere"], "supervisor.replay nowhere: no ledger.jsonl"),
        (["supervisor.replay=runs/default"], "supervisor.backend is rules; set the backend and model of that run"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(tmp_path, capsys, overrides, words):
    assert exit_code(["run", f"run.dir={tmp_path}", "run.days=1", *overrides]) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "\n" not in said
