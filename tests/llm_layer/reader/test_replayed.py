"""A run whose notices a served model reads is repeated with the server gone."""

import json

import pytest

from deg.cli import exit_code
from llm_layer.audit import read_lines
from llm_layer.reader.answer import answer_text
from llm_layer.reader.bag_of_words import classifier
from llm_layer.reader.replayed import ReplayReader
from llm_layer.reader.slots import words_of

from ..loopback import refuses


def reads(handler, body):
    """Answers as a model that reads well."""
    text = body["messages"][-1]["content"].partition(": ")[2]
    kind, ends, _ = classifier().classify(text)
    handler.answer(answer_text(kind, ends, words_of(kind, text)))


def test_readings_are_repeated_from_the_trail(server, tmp_path, capsys):
    asked = [0]

    def sometimes(handler, body):
        asked[0] += 1
        (refuses(400) if asked[0] % 3 == 0 else reads)(handler, body)

    server.behaviour = sometimes
    common = [
        *("run", "--json", "run.days=2", f"run.dir={tmp_path}", "notices.source=generated"),
        *("supervisor.reader=openai", "supervisor.reader_model=tiny", f"supervisor.base_url={server.root}/v1"),
    ]
    assert exit_code([*common, "run.name=first"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["reads"] > 0
    assert first["llm_kwh"] > 0.0
    server.stop()
    assert exit_code([*common, "run.name=again", f"supervisor.replay={tmp_path}/first"]) == 0
    bodies = [[line["body"] for line in read_lines(tmp_path / name)] for name in ("first", "again")]
    assert any(body["kind"] == "reading" and body["failed"] for body in bodies[0])
    steps = [(tmp_path / name / "steps.parquet").read_bytes() for name in ("first", "again")]
    assert steps[0] == steps[1]
    assert bodies[0] == bodies[1]


def test_a_trail_that_is_broken_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"replay .*: no audit\.jsonl; give the folder of a run"):
        ReplayReader(tmp_path)
    (tmp_path / "audit.jsonl").write_text('{"body":{"kind":"reading"},"run')
    assert ReplayReader(tmp_path).read([], None) == []  # a line cut by a kill is none
    for broken in ('{"body":{"kind":"reading"},"runtime":{}}\n', "half a li\n"):
        (tmp_path / "audit.jsonl").write_text(broken)
        with pytest.raises(ValueError, match=r"audit\.jsonl: no whole trail .*deg audit verify") as raised:
            ReplayReader(tmp_path)
        assert "\n" not in str(raised.value)
