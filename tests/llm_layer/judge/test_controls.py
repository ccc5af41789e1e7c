"""Controls of the judge: fitted to labels, kept as plain numbers, supervisors like any other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from configs.load import load_config
from deg import judge_data
from deg.judge_data import Stretch, labelled, training
from envs.state import AGENTS
from llm_layer.backends import open_supervisor
from llm_layer.judge.classes import FOLLOWED, answer_text, classes_of, directive_of, level_class
from llm_layer.judge.controls import fit_controls, open_control
from llm_layer.judge.labelled import HELD_OUT, Labelled, causes_of, pairs, part_of, shuffled, thinned, trainable
from llm_layer.judge.scores import constant_of, decided, score
from llm_layer.prompt import build_prompt
from llm_layer.sample import SAMPLE
from llm_layer.schema import parse

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install -e .[dev]")


@pytest.fixture(scope="module")
def data():
    config = load_config()
    return labelled(training(config, 6), "rules")


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("controls")
    fit_controls(trainable(data), "rules", place)
    return place


def test_no_training_situation_holds_a_combination_kept_for_the_test(data):
    assert {one.part for one in data} == {"single", "seen", "held_out"}
    for one in trainable(data):
        assert not any(pair <= one.causes for pair in HELD_OUT)


def test_labels_are_the_rules_own_answers(data):
    assert len(data) > 600
    acted = sum(any(number != FOLLOWED for number in one.classes) for one in data)
    assert 0.5 < acted / len(data) < 1.0
    found = {cause.split()[0] for one in data for cause in one.causes}
    assert {"battery", "load_shift", "cooling"} <= found


def test_shuffled_labels_are_the_same_ones_on_other_situations(data):
    mixed = shuffled(data)
    assert [one.situation for one in mixed] == [one.situation for one in data]
    assert sorted(one.classes for one in mixed) == sorted(one.classes for one in data)
    answers = decided(open_control("copy", None), data)
    assert score(mixed, answers) == score(shuffled(data), answers)
    assert sum(a.classes != b.classes for a, b in zip(mixed, data, strict=True)) > 0.4 * len(data)


def test_years_that_are_reported_are_refused():
    config = load_config(None, ["run.start=2023-03-06"])
    with pytest.raises(ValueError, match="weeks up to 2022"):
        labelled([Stretch(config, (config.run.start,))], "rules")
    assert all(week.year == 2022 for stretch in judge_data.testing(config, 20) for week in stretch.weeks)


def test_the_answer_to_learn_is_one_that_the_schema_takes(data):
    for one in data[::7]:
        directive = parse(answer_text(one.classes, one.situation), one.situation)
        assert classes_of(directive, one.situation) == one.classes
        assert classes_of(directive_of(one.classes, one.situation), one.situation) == one.classes
        assert len(directive.text) <= 120


def test_pairs_are_prompts_as_the_judge_is_asked(data):
    prompt, answer = next(pairs(data[:1]))
    assert prompt == build_prompt(data[0].situation)
    assert answer == answer_text(data[0].classes, data[0].situation)


def test_controls_learn_what_they_were_shown(data, folder):
    train = trainable(data)
    scores = {
        name: score(train, decided(open_control(name, str(folder)), train))["overall"]
        for name in ("tree", "mlp", "constant", "copy")
    }
    assert scores["tree"]["all"] > 0.95
    assert scores["mlp"]["all"] > scores["constant"]["all"] + 0.1
    best = constant_of(train)
    for agent in AGENTS:
        assert scores["constant"][agent] == pytest.approx(best[agent])
    assert scores["copy"]["follows_right"] == 1.0  # setting what is proposed is following
    assert scores["copy"]["overrides_right"] == 0.0


def test_trees_walk_as_scikit_learn_does(data):
    from sklearn.ensemble import HistGradientBoostingClassifier

    from llm_layer.judge import trees
    from llm_layer.judge.features import features

    x, y = features([one.situation for one in data]), np.array([one.classes for one in data])
    ours = trees.fit_trees(x, y, 3).predict(x)
    for agent in range(3):
        theirs = HistGradientBoostingClassifier(
            max_iter=trees.ROUNDS, max_leaf_nodes=trees.LEAVES, learning_rate=trees.RATE, l2_regularization=trees.L2,
            early_stopping=False, random_state=3,
        ).fit(x, y[:, agent])  # fmt: skip
        np.testing.assert_array_equal(ours[:, agent], theirs.predict(x))


def test_a_control_is_a_supervisor_and_says_what_it_is(folder):
    asked = load_config(None, ["supervisor.backend=tree", f"supervisor.controls={folder}"]).supervisor
    with open_supervisor(asked) as policy:
        (decision,) = policy.decide([SAMPLE], None)
    assert decision.policy_id.startswith("tree@")
    assert decision.policy_id.endswith("/labels=rules")
    assert decision.source == "rules"
    assert decision.energy_kwh == 0.0
    assert [a.event_id for a in decision.directive.accept] == ["sample"]


@pytest.mark.parametrize("name", ["tree", "mlp", "constant"])
def test_a_folder_without_controls_is_one_line(tmp_path, name):
    with pytest.raises(ValueError, match="run `deg llm fit-controls`") as raised:
        open_control(name, str(tmp_path))
    assert "\n" not in str(raised.value)


def test_parts_and_thinning(data):
    few = thinned(data, 30)
    assert len(few) <= 30
    assert {one.part for one in few} == {"single", "seen", "held_out"}
    assert part_of(frozenset()) == "single"
    assert part_of(next(iter(HELD_OUT))) == "held_out"
    assert "request" in causes_of(SAMPLE)
    assert "late work" in causes_of(replace(SAMPLE, facts={**SAMPLE.facts, "overdue_kwh": 3.0}))
    assert Labelled(SAMPLE, (0, level_class(1.0), 0)).classes[1] == 9


@pytest.mark.parametrize("name", ["tree", "mlp", "constant", "copy"])
def test_those_of_the_package_are_there(name):
    (decision,) = open_control(name, None).decide([SAMPLE], None)
    assert decision.policy_id.startswith(name)
