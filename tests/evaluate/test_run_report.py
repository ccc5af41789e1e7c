"""The report of one run: right numbers, inert text, nothing fetched, and a page whatever the run held."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluate.names import ADDITIVE, COUNTERS
from evaluate.page import gbp, quantity, signed_gbp
from evaluate.run_data import RunData
from evaluate.run_report import render, write_report
from evaluate.run_settlement import event_rows
from evaluate.run_tables import by_calendar, decision_rows, headline, waterfall

MakeRun = Callable[..., RunData]
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Rows and cells of the page, every element's name and attributes, and whether tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.rows: list[list[str]] = []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.rows = self.tables.setdefault(dict(attrs).get("id") or "", [])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.rows and self.rows[-1] and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def values(self, table: str) -> list[float]:
        """The machine-readable values (``<data value>``) of a table, in order."""
        inside, found = "", []
        for tag, attrs in self.elements:
            inside = (attrs.get("id") or "") if tag == "table" else inside
            if tag == "data" and inside == table:
                found.append(float(attrs["value"] or "nan"))
        return found


@pytest.fixture(scope="module")
def week(make_run: MakeRun) -> RunData:
    return make_run(7)


@pytest.fixture(scope="module")
def text(week: RunData) -> str:
    return render(week)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(scope="module")
def year(make_run: MakeRun) -> str:
    """The page of a long run, over another year's end."""
    return render(make_run(180))


NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)> & $x_1$"


@pytest.fixture(scope="module")
def odd(make_run: MakeRun) -> str:
    """The page of a week with hostile text, a summary that contradicts the settlement, and rules older than it."""
    run = make_run(7, text=NASTY)
    run.settlement["event_id"] = run.settlement["event_id"].replace(run.events[0].id, "<script>own</script>")
    summary = {**run.summary, "flex_gbp": run.summary["flex_gbp"] + 1.0}
    market = {**run.config["market"], "rulebook": "p415-2023-01"}
    return render(replace(run, summary=summary, config={**run.config, "market": market}))


def test_every_quantity_is_shown_with_its_value(week: RunData, page: Page) -> None:
    rows = {row[0]: row for row in page.tables["quantities"][1:]}
    assert list(rows) == list(ADDITIVE)
    values = page.values("quantities")
    for place, name in enumerate(ADDITIVE):
        mine, neutral = week.summary[name], week.neutral[name]
        assert values[3 * place : 3 * place + 3] == [mine, neutral, mine - neutral]
        assert rows[name][2].strip() == quantity(mine, name)
        assert rows[name][3].strip() == quantity(neutral, name)


def test_every_counter_is_shown(week: RunData, page: Page) -> None:
    shown = {row[1].split()[0]: row[0] for row in page.tables["counters"]}
    assert {name: shown[name] for name in COUNTERS} == {name: f"{week.summary[name]:,}" for name in COUNTERS}


def test_settlement_table_sums_to_the_frame(week: RunData, page: Page) -> None:
    *events, total = page.values("events")
    by_event = week.settlement.groupby("event_id", sort=False)["amount_gbp"].sum()
    assert events == pytest.approx(list(by_event), abs=1e-9)
    assert total == pytest.approx(week.settlement["amount_gbp"].sum(), abs=1e-9)
    assert total == pytest.approx(week.summary["flex_gbp"], abs=1e-9)
    terms = week.settlement.groupby("term")["amount_gbp"].sum()
    footer = page.tables["events"][-1]
    assert [gbp(terms[t]) for t in ("sale", "imbalance", "compensation", "aggregator_share")] == footer[5:9]
    assert len(page.tables["periods"]) - 1 == len(week.settlement) / 4


def test_settlement_of_a_request_splits_into_real_and_phantom(week: RunData) -> None:
    sold = [event for event in event_rows(week) if event.sold]
    assert sold
    for event in sold:
        assert event.real_gbp + event.phantom_gbp == pytest.approx(event.total_gbp, abs=1e-9)
        assert event.delivered_mwh == pytest.approx(sum(p.baseline_kwh - p.metered_kwh for p in event.periods) / 1000.0)


def test_a_request_nobody_served_is_listed_too(week: RunData, page: Page) -> None:
    assert len(page.tables["events"]) == len(week.events) + 2
    assert sum("nothing sold" in row for row in page.tables["events"]) == 1


def test_a_mismatch_between_settlement_and_summary_is_said(text: str, odd: str) -> None:
    assert "These two should be equal" in odd
    assert "These two should be equal" not in text


def test_waterfall_steps_lead_from_neutral_to_objective(week: RunData) -> None:
    first, *steps, last = waterfall(week)
    assert first.amount_gbp + sum(step.amount_gbp for step in steps) == pytest.approx(last.amount_gbp, abs=1e-6)
    assert all(bar.left >= 0.0 and bar.left + bar.width <= 100.0 + 1e-9 for bar in (first, *steps, last))


def test_saving_leaves_phantom_money_out(week: RunData) -> None:
    richer = {**week.summary}
    for name in ("flex_gbp", "flex_phantom_gbp"):
        richer[name] += 500.0
    for name in ("net_gbp", "objective_gbp"):
        richer[name] -= 500.0
    assert headline(replace(week, summary=richer)).saving_gbp == pytest.approx(headline(week).saving_gbp)


def test_both_compensation_rules_are_shown(week: RunData, text: str) -> None:
    assert gbp(week.summary["flex_other_rule_gbp"]) in text
    shift = week.summary["flex_gbp"] - week.summary["flex_other_rule_gbp"]
    assert gbp(week.summary["net_gbp"] + shift) in text


def test_calendar_rows_sum_to_the_summary_across_a_clock_change(make_run: MakeRun) -> None:
    run = make_run(7, start="2023-10-23")
    days = by_calendar(run, "day")
    assert len(days) == 7
    for name in ("cost_gbp", "net_gbp", "objective_gbp", "carbon_kg", "import_kwh"):
        assert days[name].sum() == pytest.approx(run.summary[name], rel=1e-12)


def test_text_from_outside_is_inert(odd: str) -> None:
    page = Page(odd)
    tags = {tag for tag, _ in page.elements}
    assert "script" not in tags
    assert "img" not in tags
    assert any(NASTY in cell for row in page.tables[""] for cell in row)


@pytest.mark.parametrize("length", ["text", "year"])
def test_nothing_is_fetched_and_the_page_stays_small(length: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(length)
    assert len(text.encode()) < 3_000_000
    assert not re.search(r"https?:|//\w|@import|@font-face", text)
    page = Page(text)
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    for tag, attrs in page.elements:
        assert "src" not in attrs, tag
        assert not any(name.startswith("on") for name in attrs), tag
        target = attrs.get("href") or "data:,"
        assert target == "data:," or target[1:] in ids
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= ids
    assert "default-src 'none'" in text


def test_a_run_without_requests_or_decisions_still_gives_a_page(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(1, quiet=True)
    assert run.settlement.empty
    write_report(tmp_path / "report.html", run)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "nothing was sold" in text
    assert "No supervisor decided" in text
    assert "-0.00" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_run_cut_short_says_so_and_is_drawn(week: RunData) -> None:
    steps = week.steps.iloc[:37]
    cut = replace(week, steps=steps, settlement=week.settlement.iloc[:0], summary={**week.summary, "complete": False})
    text = render(cut)
    assert "stopped early" in text
    assert "37 of 15 minutes" in text


def test_long_runs_list_the_largest_decisions_and_months(year: str) -> None:
    page = Page(year)
    assert "The 200 largest of" in year
    months = ["Nov 2023", "Dec 2023", "Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024", "May 2024"]
    assert [row[0] for row in page.tables["calendar"][1:]] == [*months, "Total"]
    assert "the run’s own metered history" in year
    assert "by chance: no merit" not in year  # its baseline is also the work of its own steering
    assert "2026 rules meet 2023 and 2024 prices" in year


def test_decisions_cover_every_step_once_and_overrides_come_first(week: RunData, page: Page) -> None:
    rows = decision_rows(week)
    assert sum(row.held_steps for row in rows) == len(week.steps)
    changed = (week.steps[[c for c in week.steps if c.startswith("changed_by_")]] == "supervisor").any(axis=1)
    assert sum(row.changed_steps for row in rows) == changed.sum()
    reasons = [row for row in page.tables[""] if len(row) == 4 and "of 4" in row[3]]
    assert "accepts" in reasons[0][1]
    assert "follow all" not in " ".join(row[1] for row in reasons[:20])


def test_a_year_of_requests_leaves_room_for_overrides(year: str) -> None:
    page = Page(year)
    shown = [row for row in page.tables[""] if len(row) == 4 and "of 4" in row[3]][:20]
    assert sum("accepts" in row[1] for row in shown) == 10
    assert all("battery" in row[1] or "load shift" in row[1] for row in shown[10:])


def test_rules_younger_than_the_prices_are_said(text: str, odd: str) -> None:
    assert "2026 rules meet 2023 prices" in text
    assert "rules meet" not in odd


def test_the_same_run_gives_the_same_page(week: RunData, text: str) -> None:
    assert render(week) == text


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda run: {"steps": run.steps.drop(columns="baseline_kw")}, "baseline_kw"),
        (lambda run: {"summary": {k: v for k, v in run.summary.items() if k != "net_gbp"}}, "net_gbp"),
        (lambda run: {"provenance": {"utilisation": "guessed"}}, "guessed"),
        (lambda run: {"steps": run.steps.iloc[:0]}, "no rows"),
    ],
)
def test_incomplete_input_is_refused_by_name(week: RunData, change: Callable[[RunData], dict], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(week, **change(week))


def test_a_page_that_cannot_be_made_leaves_the_old_one(week: RunData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    broken = replace(week, config={"run": week.config["run"]})
    with pytest.raises(KeyError):
        write_report(path, broken)
    assert path.read_text(encoding="utf-8") == "old"


def test_money_is_written_one_way() -> None:
    assert [gbp(1234.5), gbp(-3.0), gbp(-0.001)] == ["£1,234.50", "−£3.00", "£0.00"]
    assert [signed_gbp(3.0), signed_gbp(-3.0), signed_gbp(0.001)] == ["+£3.00", "−£3.00", "£0.00"]
    assert [quantity(1.25, "late_kwh"), quantity(61.0, "overheat_minutes")] == ["1.2 kWh", "61 min"]
