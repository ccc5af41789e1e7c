"""Variants under a language model: one batch over weeks and seeds, and again from the answers without it."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd

from configs.load import load_config
from evaluate.matrix import run_blocks
from evaluate.matrix_check import check
from evaluate.matrix_files import evaluate_matrix

from ..llm_layer.loopback import NOISE, schema_of, well


def matrix(server, *variants, **changes):
    given = {"weeks": 2, "seeds": 2, **changes}
    return load_config(
        None,
        [
            f"evaluate.variants=[{','.join(variants)}]",
            *(f"{name if '.' in name else 'evaluate.' + name}={value}" for name, value in given.items()),
            "supervisor.every_steps=96",
            "supervisor.model=tiny",
            f"supervisor.base_url={server.root}/v1",
        ],
    )


def test_weeks_and_seeds_are_asked_in_one_batch_and_replayed_from_the_answers(server, tmp_path):
    def slow(handler, body):
        deadline = time.monotonic() + 5.0  # a busy machine may be slow to start the third
        while len(server.seen) > 1 and server.most_at_once < 3 and time.monotonic() < deadline:  # the first is a trial
            time.sleep(0.01)
        well(handler, body)

    server.behaviour = slow
    config = matrix(server, "neutral", "carbon_threshold+openai")
    rows = run_blocks(config, tmp_path / "one").rows()
    judged = rows[rows["variant"] == "carbon_threshold+openai"]
    assert len(judged) == 4
    assert (judged["decisions"] >= 7).all()
    assert (judged["fallbacks"] == 0).all()
    assert (judged["llm_kwh"] > 0.0).all()
    assert (judged["llm_gbp"] > 0.0).all()
    assert server.most_at_once > 2  # sites of both weeks and both seeds

    server.stop()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "answers.sqlite").rename(tmp_path / "two" / "answers.sqlite")
    again = run_blocks(config, tmp_path / "two").rows()
    pd.testing.assert_frame_equal(rows, again)


def test_notices_of_all_blocks_are_read_by_one_engine_each_once_and_again_by_none(server, tmp_path):
    asked = []

    def reads(handler, body):
        if "kind" in schema_of(body)["properties"]:
            asked.append(body["messages"][-1]["content"])
            handler.answer(json.dumps(NOISE))
        else:
            well(handler, body)

    server.behaviour = reads
    changes = {"notices.source": "generated", "supervisor.reader": "openai", "supervisor.reader_model": "tiny"}
    names = ("neutral", "carbon_threshold+reader", "carbon_threshold+reader+rules", "carbon_threshold+reader+openai")
    config = matrix(server, *names, **changes)
    rows = run_blocks(config, tmp_path / "one").rows()
    reading = rows[rows["variant"] != "neutral"]
    assert (reading["reads"] > 0).all()
    assert (reading["fallbacks"] == 0).all()
    assert len(asked) == len(set(asked))

    server.stop()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "answers.sqlite").rename(tmp_path / "two" / "answers.sqlite")
    pd.testing.assert_frame_equal(rows, run_blocks(config, tmp_path / "two").rows())


def test_a_report_under_a_model_is_checked_from_its_answers(server, tmp_path):
    config = matrix(server, "neutral", "carbon_threshold+openai", seeds=1)
    (tmp_path / "report").mkdir()
    evaluate_matrix(config, tmp_path / "report", tmp_path / ".cache")
    server.stop()
    found = check(tmp_path / "report" / "report.json", 9, np.random.default_rng(0), cache=tmp_path / ".cache")
    assert found.rows == 4
    assert found.problems == []


def test_a_model_that_does_not_start_is_one_line_and_the_others_are_there(server, tmp_path):
    server.stop()
    found = run_blocks(matrix(server, "neutral", "neutral+openai"), tmp_path)
    assert {failure.variant for failure in found.failures} == {"neutral+openai"}
    assert "supervisor.model tiny at" in found.failures[0].error
    assert "cannot be reached" in found.failures[0].error
    assert set(found.rows()["variant"]) == {"neutral"}
