"""Times in words to UTC."""

import pandas as pd
import pytest

from llm_layer.notices.phrases import Words
from llm_layer.reader.clock_words import UnclearTime, resolve
from llm_layer.reader.slots import words_of

WINTER = pd.Timestamp("2023-11-14T14:00Z")  # a Tuesday
SUMMER = pd.Timestamp("2023-07-03T21:30Z")  # 22:30 in London, a Monday


@pytest.mark.parametrize(
    ("published", "day", "start", "until", "from_utc", "until_utc"),
    [
        (WINTER, "", "", "18:00", None, "2023-11-14T18:00Z"),
        (WINTER, "", "", "09:00", None, "2023-11-15T09:00Z"),  # the next one
        (WINTER, "tomorrow", "", "noon", None, "2023-11-15T12:00Z"),
        (WINTER, "", "now", "midnight", None, "2023-11-15T00:00Z"),
        (WINTER, "tonight", "", "midnight", None, "2023-11-15T00:00Z"),
        (WINTER, "tonight", "", "2am", None, "2023-11-15T02:00Z"),
        (WINTER, "tonight", "8 p.m.", "10 p.m.", "2023-11-14T20:00Z", "2023-11-14T22:00Z"),
        (WINTER, "", "22:00", "02:00", "2023-11-14T22:00Z", "2023-11-15T02:00Z"),
        (WINTER, "", "13.00", "15.00", "2023-11-15T13:00Z", "2023-11-15T15:00Z"),  # 13:00 is over today
        (WINTER, "Thursday", "0700 hrs", "0930 hrs", "2023-11-16T07:00Z", "2023-11-16T09:30Z"),
        (WINTER, "16/11", "6:30pm", "two hours", "2023-11-16T18:30Z", "2023-11-16T20:30Z"),
        (WINTER, "2 January", "10:00", "11:00", "2024-01-02T10:00Z", "2024-01-02T11:00Z"),
        (WINTER, "", "5", "7pm", "2023-11-14T17:00Z", "2023-11-14T19:00Z"),
        (WINTER, "", "1700", "1900", "2023-11-14T17:00Z", "2023-11-14T19:00Z"),
        (WINTER, "2023-11-16", "2023-11-16T17:00", "19:00", "2023-11-16T17:00Z", "2023-11-16T19:00Z"),
        (WINTER, "", "", "the end of the day", None, "2023-11-15T00:00Z"),
        (WINTER, "", "", "half an hour", None, "2023-11-14T14:30Z"),
        (WINTER, "", "", "further notice", None, None),
        (SUMMER, "", "", "06:00", None, "2023-07-04T05:00Z"),  # London clock
        (SUMMER, "tomorrow", "12am", "1.30 a.m.", "2023-07-03T23:00Z", "2023-07-04T00:30Z"),
    ],
)
def test_words_become_windows(published, day, start, until, from_utc, until_utc):
    window = resolve(Words("", day, start, until), published)
    assert window.start == (None if from_utc is None else pd.Timestamp(from_utc))
    assert window.until == (None if until_utc is None else pd.Timestamp(until_utc))


@pytest.mark.parametrize("until", ["", "soon", "13:00 today"])
def test_an_end_that_is_missing_vague_or_over_is_no_window(until):
    with pytest.raises(UnclearTime):
        resolve(Words("", "today" if "today" in until else "", "", until), WINTER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No deferral from 20:00 to 22:00 tomorrow.", Words("", "tomorrow", "20:00", "22:00")),
        ("No deferral until 9am on Thursday.", Words("", "Thursday", "", "9am")),
        ("Issued at 14:02. No deferral for the next 3 hours.", Words("", "", "", "3 hours")),
        ("From 17.30 for 2 hours no deferral, ring 0207.", Words("", "", "17.30", "2 hours")),
        ("No deferral 5-7pm today.", Words("", "today", "5", "7pm")),
        ("No deferral between 5 and 7pm please.", Words("", "", "5", "7pm")),
        ("No deferral 1700-1900.", Words("", "", "1700", "1900")),
        ("No deferral 1700 to 1900 tomorrow.", Words("", "tomorrow", "1700", "1900")),
        ("No deferral for the rest of the day.", Words("", "", "", "rest of the day")),
        ("No deferral 2023-11-15 07:00 to 09:00.", Words("", "2023-11-15", "07:00", "09:00")),
        ("Row 5 and 7 batch jobs: no deferral until 7pm please.", Words("", "", "", "7pm")),
        ("No deferral until further notice.", Words("", "", "", "further notice")),
    ],
)
def test_rules_find_the_words_in_a_text(text, expected):
    assert words_of("service_priority", text) == expected
