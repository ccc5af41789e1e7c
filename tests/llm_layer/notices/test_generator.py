"""Notices follow from (source, week) and the rows, and what they say comes true."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from grid.rows import CARBON, SYSTEM
from llm_layer.notices.generator import BINDING_KINDS, CARBON_SHARE, IMPORT_SHARE, generate_notices

STEP = pd.Timedelta(minutes=15)


@pytest.fixture(scope="module")
def notices(week):
    return generate_notices(week.rows, week.neutral_kwh, "test", "test")


def _steps(week, one):
    start = one.meaning.starts_at(one.notice.published_at)
    return slice(*((moment - week.rows.start_utc) // STEP for moment in (start, one.meaning.until)))


def test_a_week_is_written_the_same_every_time_and_in_other_words_in_another_split(week, notices):
    assert notices == generate_notices(week.rows, week.neutral_kwh, "test", "test")
    train = generate_notices(week.rows, week.neutral_kwh, "test", "train")
    assert [one.meaning for one in train] == [one.meaning for one in notices]
    assert not {one.wording for one in train} & {one.wording for one in notices}
    assert notices != generate_notices(week.rows, week.neutral_kwh, "other", "test")
    published = [one.notice.published_at for one in notices]
    assert published == sorted(published)
    assert len({one.notice.id for one in notices}) == len(notices)


def test_a_week_has_something_of_everything(notices):
    kinds = Counter(one.meaning.kind for one in notices)
    assert sum(kinds[kind] for kind in BINDING_KINDS) >= 6
    assert kinds["price_warning"] >= 1
    assert kinds["noise"] >= 3
    assert sum(one.injection for one in notices) == 1


def test_what_is_announced_happens_and_what_is_asked_binds(week, notices):
    values = week.rows.values
    for one in (one for one in notices if one.meaning.bound not in ("none", "cancel")):
        steps, value = _steps(week, one), one.meaning.value
        assert 0 <= steps.start < steps.stop <= week.rows.steps
        if one.meaning.kind == "price_warning":
            assert values[steps, SYSTEM].min() >= value
        elif one.meaning.kind == "margin_notice":
            start, until = one.meaning.start, one.meaning.until
            assert any(start <= event.start and event.end <= until for event in week.rows.events)
        elif one.meaning.kind == "carbon_cap":
            neutral_kg = float((week.neutral_kwh[steps] * values[steps, CARBON]).sum()) / 1000.0
            assert CARBON_SHARE[0] * neutral_kg - 10.0 <= value <= CARBON_SHARE[1] * neutral_kg
        elif one.meaning.kind == "maintenance_window":
            share = value / (4.0 * float(np.max(week.neutral_kwh[steps])))
            assert IMPORT_SHARE[0] - 0.03 <= share <= IMPORT_SHARE[1]


def test_a_cancellation_comes_while_what_it_ends_is_in_force(notices):
    for at, one in enumerate(notices):
        if one.meaning.bound == "cancel":
            before = [
                other
                for other in notices[:at]
                if other.meaning.kind == one.meaning.kind and other.meaning.bound != "cancel"
            ]
            assert any(other.meaning.until > one.notice.published_at for other in before)
