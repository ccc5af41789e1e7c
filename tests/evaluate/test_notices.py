"""Notices in the whole loop: broken by those who do not read, kept by those who do, and in the books either way."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from configs.load import ConfigError, load_config
from deg.audit_prose import sentence
from envs.batch import SiteBatch
from evaluate.accounting import keep_books
from evaluate.block import Job, reader_asked, run_block
from evaluate.cases import make_case, market_rules
from evaluate.injected import injected
from evaluate.rollout import neutral_rollout
from evaluate.run import run_site
from evaluate.variants import Variant
from llm_layer.audit import read_lines
from llm_layer.reader.bag_of_words import BagOfWordsReader

ASKED = ["notices.source=generated", "supervisor.reader=truth"]


@pytest.fixture(scope="module")
def config():
    return load_config(None, ["run.days=7", *ASKED])


@pytest.fixture(scope="module")
def case(config):
    return make_case(config)


@pytest.fixture(scope="module")
def rows(config, case):
    names = ("carbon_threshold", "carbon_threshold+rules", "carbon_threshold+reader+rules", "threshold+reader")
    return {name: run_block(Job(config, Variant.parse(name), (case,), 0)).rows.iloc[0] for name in names}


def test_a_reader_keeps_what_rules_alone_break(rows):
    alone, reads = rows["carbon_threshold+rules"], rows["carbon_threshold+reader+rules"]
    assert alone["notice_breach_steps"] >= 10
    assert reads["notice_breach_steps"] <= 0.05 * alone["notice_breach_steps"]
    assert alone["reads"] == 0
    assert reads["reads"] >= 10
    assert reads["bound_steps"] > 0


def test_every_broken_step_is_charged_for_and_read_or_not_the_notices_are_the_same(rows, config, case):
    for row in rows.values():
        assert row["penalty_gbp"] >= config.site.notice_gbp_per_step * row["notice_breach_steps"]
        assert row["data_hash"] == case.keys["data_hash"]
    idle = neutral_rollout(SiteBatch([case]))
    charged = keep_books(idle).totals(0)["penalty_gbp"]
    assert charged == pytest.approx(20.0 * idle.counters["notice_breach_steps"][0])
    assert make_case(load_config(None, ["run.days=7"])).keys["data_hash"] != case.keys["data_hash"]


def test_a_notice_that_moves_an_action_is_named_as_the_cause(config, case):
    block = run_block(Job(config, Variant.parse("neutral+reader"), (case,), 0)).rows.iloc[0]
    assert block["bound_steps"] > 0
    assert block["overrides"] == 0


def test_planners_are_given_the_true_constraints_and_a_reader_has_to_be_named(config, case):
    assert reader_asked(Job(config, Variant("mpc", ""), (case,), 0)).reader == "truth"
    assert reader_asked(Job(config, Variant("grid_aware", "rules"), (case,), 0)).reader == "none"
    unread = config.model_copy(update={"supervisor": config.supervisor.model_copy(update={"reader": "none"})})
    with pytest.raises(ValueError, match=r"supervisor\.reader is none"):
        reader_asked(Job(unread, Variant.parse("mpc+reader"), (case,), 0))


@pytest.mark.parametrize("name", ["grid_aware+reader+rules", "mpc+reader", "neutral+trades+reader", "site+random"])
def test_names_of_variants_with_a_reader(name):
    assert load_config(None, [f"evaluate.variants=[neutral,{name}]"]).evaluate.variants[1] == name
    assert Variant.parse(name).name == name


def test_a_reader_that_is_misspelt_is_refused():
    with pytest.raises(ConfigError, match="unknown variant"):
        load_config(None, ["evaluate.variants=[neutral,grid_aware+readers+rules]"])


def test_orders_in_a_notice_hardly_move_anything_and_never_past_the_guard(config):
    day = make_case(config, days=1)
    found = injected(day, BagOfWordsReader(), "carbon_threshold", market_rules(config), 12, "test")
    assert found.moved <= 2
    assert found.past_bounds == 0


def test_a_run_records_its_readings(tmp_path: Path):
    config = load_config(None, ["run.days=2", *ASKED, "supervisor.reader=bag_of_words"])
    summary = run_site(config, tmp_path)
    bodies = [line["body"] for line in read_lines(tmp_path / "audit.jsonl")]
    readings = [body for body in bodies if body["kind"] == "reading"]
    assert len(readings) == summary["reads"] > 0
    assert summary["variant"].endswith("+reader+rules")
    for body in readings:
        assert body["engine"] == "bag_of_words"
        assert body["tell_operator"] == (body["constraint"] is None)
        assert {"notice", "confidence", "cut", "source", "text"} <= set(body)
    told = [sentence(body) for body in readings]
    assert all(body["text"] in line for body, line in zip(readings, told, strict=True))


def test_the_reserve_that_was_read_is_not_sold(config, case):
    from agents.acceptance import acceptable_kw
    from llm_layer.notices.notice import constraint_of

    batch = SiteBatch([dataclasses.replace(case, notices=())])
    event = case.rows.events[0]
    while batch.view().timestamp(0) < event.published_at.ceil("15min"):
        batch.step(np.zeros((1, 3), dtype=np.float32))
    free = acceptable_kw(batch.view(), batch, 0, event)
    batch.notices = ((constraint_of("battery_reserve", value=0.9, until=event.end),),)
    kept = acceptable_kw(batch.view(), batch, 0, event)
    assert kept < free
