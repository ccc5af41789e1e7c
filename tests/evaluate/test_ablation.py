"""From rows to answers: right arithmetic, pairs kept, phantom money out, losses said, and a page that is inert."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from configs.axes import settings
from configs.load import load_config
from evaluate.ablation import CLAIM, NEUTRAL, Ablation, Answer, ablation, questions, tables_of
from evaluate.ablation_hold import held_of
from evaluate.ablation_report import make
from evaluate.ablation_versus import versus_of
from evaluate.ablation_words import claim, negatives, one_for_many, phantom
from evaluate.matrix import COLUMNS
from evaluate.matrix_run import MatrixReport, MatrixRun
from evaluate.names import ADDITIVE
from evaluate.tex import booktabs

WEEKS = tuple(f"2023-{month:02d}-02" for month in range(1, 9))
SEEDS = 3


def rows_of(effects: Mapping[str, float], *, noise: float = 10.0, weeks: tuple[str, ...] = WEEKS) -> pd.DataFrame:
    """Made-up rows: every variant's week costs the same level plus its effect and a little noise, in GBP."""
    records = []
    for number, (variant, effect) in enumerate(effects.items()):
        rng = np.random.default_rng(number)
        for seed in range(SEEDS):
            for place, week in enumerate(weeks):
                level = 8000.0 + 1500.0 * place
                cost = level + effect + (noise * rng.standard_normal() if effect else 0.0)
                row = dict.fromkeys(COLUMNS, 0) | dict.fromkeys(ADDITIVE, 0.0)
                row |= {"variant": variant, "seed": seed, "week_start": week, "workload": "w", "site": "s"}
                row |= {"code_commit": "abc", "data_hash": f"d{place}", "cost_gbp": cost, "carbon_kg": 1.4 * cost}
                row |= {"net_gbp": cost, "objective_gbp": cost}
                records.append(row)
    return pd.DataFrame(records, columns=list(COLUMNS))


EFFECTS = {"neutral": 0.0, "threshold": -400.0, "threshold+rules": -401.0, "threshold+random": -300.0, "site": 150.0}


@pytest.fixture(scope="module")
def result() -> Ablation:
    return ablation(rows_of(EFFECTS))


@pytest.fixture(scope="module")
def report() -> MatrixReport:
    config = load_config(None, ["run.name=made_up", "signals.source=file"])
    return make(MatrixRun(config, rows_of(EFFECTS), {"utilisation": "real", "system_gbp_per_mwh": "modelled"}))


def answer(result: Ablation, a: str, b: str) -> Answer:
    return next(answer for answer in result.answers if (answer.a, answer.b) == (a, b))


def test_saving_is_a_ratio_of_sums_with_weeks_paired(result: Ablation) -> None:
    rows = rows_of(EFFECTS)
    sums = rows.groupby("variant")["objective_gbp"].sum()
    saving = result.summary("threshold").saving[CLAIM]
    assert saving.estimate == pytest.approx(1.0 - sums["threshold"] / sums["neutral"], rel=1e-12)
    assert 0.0 < saving.low < saving.estimate < saving.high
    assert (saving.seeds, saving.weeks) == (SEEDS, len(WEEKS))


def test_verdicts_follow_the_truth_the_rows_were_made_from(result: Ablation) -> None:
    assert answer(result, "threshold", NEUTRAL).verdict == "better"
    assert answer(result, "site", NEUTRAL).verdict == "worse"
    assert answer(result, "threshold+rules", "threshold").verdict == "open"
    assert answer(result, "threshold+rules", "threshold+random").verdict == "better"
    assert (
        answer(result, "threshold+rules", "threshold").p_holm >= answer(result, "threshold+rules", "threshold").p_value
    )


def test_rows_in_another_order_give_the_same_numbers(result: Ablation) -> None:
    rows = rows_of(EFFECTS).iloc[::-1].sort_values("variant", key=lambda names: names.map(list(EFFECTS).index))
    again = ablation(rows)
    assert [s.saving for s in again.summaries] == [s.saving for s in result.summaries]
    assert again.answers == result.answers


def test_money_for_a_wrong_baseline_earns_no_saving() -> None:
    rows = rows_of({"neutral": 0.0, "neutral+trades": 0.0})
    idle = rows["variant"] == "neutral+trades"
    rows.loc[idle, ["flex_gbp", "flex_phantom_gbp"]] = 300.0
    rows.loc[idle, ["net_gbp", "objective_gbp"]] -= 300.0
    result = ablation(rows)
    assert result.summary("neutral+trades").saving[CLAIM].estimate == pytest.approx(0.0, abs=1e-12)
    assert result.summary("neutral+trades").saving["objective_gbp"].estimate > 0.0
    assert result.answers == ()
    assert "was paid £300 a week for doing nothing" in phantom(result)


def test_both_rules_are_told_apart() -> None:
    rows = rows_of({"neutral": 0.0, "threshold": -50.0})
    rows.loc[rows["variant"] == "threshold", ["flex_gbp", "flex_other_rule_gbp"]] = [80.0, 20.0]
    mine, other = ablation(rows).summary("threshold").by_rule or ()
    assert (mine.flex_gbp, other.flex_gbp) == (80.0, 20.0)
    assert other.net_gbp - mine.net_gbp == pytest.approx(60.0)
    assert other.objective_gbp - mine.objective_gbp == pytest.approx(60.0)


def test_share_of_the_bound_is_a_ratio_of_sums() -> None:
    rows = rows_of({"neutral": 0.0, "threshold": -400.0, "oracle_bound": -800.0}, noise=0.0)
    bound = rows["variant"] == "oracle_bound"
    nothing = [name for name in ADDITIVE if name not in ("objective_gbp", "flex_phantom_gbp")]
    rows[nothing] = rows[nothing].astype(float)
    rows.loc[bound, nothing] = np.nan  # a bound has an objective and no bill
    result = ablation(rows)
    share = result.summary("threshold").share_of_bound
    assert share is not None
    assert share.estimate == pytest.approx(0.5)
    assert result.summary("oracle_bound").by_rule is None
    assert all("oracle_bound" not in (answer.a, answer.b) for answer in result.answers)


def test_a_language_model_is_asked_to_beat_rules_tree_and_chance_in_every_setting() -> None:
    names = (
        "neutral",
        "threshold",
        "site",
        "site+rules",
        "site+random",
        "site+reader+rules",
        "site+vllm",
        "site+reader+vllm",
    )
    asked = {(a, b) for a, b, _ in questions(names)}
    assert {("site+vllm", other) for other in ("site", "site+rules", "site+random")} <= asked
    rows = rows_of({name: 100.0 * number for number, name in enumerate(names)}, noise=0.0)
    both = pd.concat([rows.assign(setting=""), rows.assign(setting="every_steps=8")])
    found = versus_of(both)
    assert [(one.setting, one.variant) for one in found] == [
        (setting, name)
        for setting in ("", "every_steps=8")
        for name in ("site+rules", "site+reader+rules", "site+vllm", "site+reader+vllm")
    ]
    assert "site+reader+rules" in found[3].against  # a judge behind a reader, against rules behind the same
    model = found[2]
    assert set(model.against) == {"site", "site+rules", "site+random", "threshold"}
    assert model.against["site+rules"].estimate == pytest.approx(-300.0 / rows["objective_gbp"][:24].mean())
    assert model.against["site+rules"].high < 0.0


def test_savings_are_shown_by_how_long_a_decision_is_held_beside_what_decides_at_every_step() -> None:
    axes = "[{supervisor.every_steps: [16]}, {market.requests: [false]}, {notices.source: [generated]}]"
    names = ["neutral", "threshold", "site", "site+rules"]
    found = settings(load_config(None, [f"evaluate.variants=[{', '.join(names)}]", f"evaluate.axes={axes}"]))
    rows = rows_of({name: -100.0 * number for number, name in enumerate(names)}, noise=0.0)
    versus = versus_of(pd.concat([rows.assign(setting=setting.name) for setting in found]))
    (panel,) = held_of(versus, found)  # the others hold their decisions for one time alone
    assert panel.circumstances == ""
    assert list(panel.lines) == ["site+rules"]
    assert set(panel.lines["site+rules"]) == {1.0, 4.0}
    neutral_gbp = rows.loc[rows["variant"] == "neutral", "objective_gbp"].mean()
    assert panel.level == {"site": pytest.approx(200.0 / neutral_gbp), "threshold": pytest.approx(100.0 / neutral_gbp)}
    assert held_of(versus, found[:1]) == []


def test_questions_asked_depend_on_what_is_there() -> None:
    asked = {(a, b) for a, b, _ in questions(["neutral", "grid_aware", "grid_aware+rules", "carbon_aware", "mpc"])}
    assert ("grid_aware+rules", "grid_aware") in asked
    assert ("grid_aware", "carbon_aware") in asked
    assert ("grid_aware", "mpc") in asked
    assert ("grid_aware", "threshold") not in asked


def test_a_missing_run_or_reference_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="neutral is missing"):
        ablation(rows_of({"threshold": -1.0}))
    rows = rows_of(EFFECTS)
    with pytest.raises(ValueError, match="site: a seed or week of it is missing"):
        tables_of(rows.drop(index=rows.index[-1]))
    with pytest.raises(ValueError, match="at least 2"):
        ablation(rows_of(EFFECTS, weeks=WEEKS[:1]))


def test_few_weeks_give_no_verdict_however_well_they_agree() -> None:
    result = ablation(rows_of({"neutral": 0.0, "threshold": -400.0}, weeks=WEEKS[:4]))
    (only,) = result.answers
    assert only.saving[CLAIM].low > 0.0
    assert only.verdict == "open"
    assert "4 weeks are too few for a verdict" in claim(only, 1)
    assert "12\u00a0% of cases" in negatives(result)[0]


def test_p_is_never_below_student_on_weekly_means(result: Ablation) -> None:
    rows = rows_of(EFFECTS)
    wide = rows.groupby(["variant", "week_start"])["objective_gbp"].mean().unstack(0)
    student = scipy.stats.ttest_rel(wide["threshold+rules"], wide["threshold"]).pvalue
    assert answer(result, "threshold+rules", "threshold").p_value >= student * (1.0 - 1e-9)
    assert 0.0 < answer(result, "threshold", NEUTRAL).p_value < 1e-6


def test_one_trained_policy_for_many_seeds_is_said() -> None:
    rows = rows_of({"neutral": 0.0, "grid_aware": -300.0, "grid_aware+rules": -320.0})
    assert one_for_many(rows).startswith(
        "Trained policies stand for several of the 3 seeds: there are 1 of grid_aware."
    )
    trained = rows["variant"] != "neutral"
    rows["policy_hash"] = rows["policy_hash"].astype(str).where(~trained, rows["seed"].astype(str))
    assert one_for_many(rows) == ""


def test_losses_and_doubts_are_said_plainly(result: Ablation) -> None:
    told = negatives(result)
    assert told[0].startswith("site costs 1.")
    assert "more than neutral: worse" in told[0]
    assert "not distinguishable from zero" in " ".join(told[1:])
    gain = claim(answer(result, "threshold", NEUTRAL), len(result.answers))
    assert re.match(r"threshold saves \d\.\d\d\u00a0% \[\d\.\d\d, \d\.\d\d\] of the neutral", gain)


def test_every_number_is_in_the_json_and_on_the_page(report: MatrixReport, result: Ablation) -> None:
    numbers = json.loads(json.dumps(report.numbers, allow_nan=False))
    assert [variant["name"] for variant in numbers["variants"]] == list(EFFECTS)
    saving = result.summary("threshold").saving[CLAIM]
    assert numbers["variants"][1]["saving"][CLAIM]["low"] == saving.low
    assert len(numbers["answers"]) == len(result.answers)
    shown = f'{100 * saving.estimate:.1f}&nbsp;% <span class="i">[{100 * saving.low:.1f}, {100 * saving.high:.1f}]'
    assert shown in report.page
    for sentence in negatives(result):
        assert sentence.split(":")[0] in report.page


def test_the_page_says_what_is_modelled_and_reaches_nowhere(report: MatrixReport) -> None:
    assert "2026 rules meet 2023 prices" in report.page
    assert "requests and system prices are modelled" in report.page
    assert not re.search(r"https?:|//\w|@import|@font-face|<script|<img", report.page)
    assert "default-src 'none'" in report.page
    assert len(report.page.encode()) < 1_000_000


def test_the_same_rows_give_the_same_page(report: MatrixReport) -> None:
    config = load_config(None, ["run.name=made_up", "signals.source=file"])
    again = make(MatrixRun(config, rows_of(EFFECTS), {"utilisation": "real", "system_gbp_per_mwh": "modelled"}))
    assert again.page == report.page
    assert again.tables == report.tables


def test_latex_escapes_and_has_a_line_a_row(report: MatrixReport) -> None:
    table = booktabs("50 % & more", "tab:x", ["a_b", "£"], [["x#1", "−2 %"]])
    assert r"\caption{50 \% \& more}" in table
    assert r"a\_b & \pounds{} \\" in table
    assert r"x\#1 & $-$2 \% \\" in table
    body = report.tables["savings.tex"].split(r"\midrule")[1]
    assert body.count(r"\\") == len(EFFECTS)
