"""Ctrl-C stops a job between two steps, so that what has been done can be written."""

from __future__ import annotations

import os
import signal

import pytest

from deg.progress import Reporter


def job(number: signal.Signals, times: int, done: list[int]) -> None:
    """Three steps, each reported when it is finished; the signal comes ``times`` times during the first."""
    with Reporter("week") as report:
        for step in range(3):
            for _ in range(times if step == 0 else 0):
                os.kill(os.getpid(), number)
            done.append(step)
            report(step + 1, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_after_the_present_step_the_second_at_once(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        job(number, 1, done)
    assert done == [0]
    assert "once more" in capsys.readouterr().err

    done.clear()
    with pytest.raises(KeyboardInterrupt):
        job(number, 2, done)
    assert done == []
    assert signal.getsignal(number) == before


def test_a_long_job_says_how_far_it_is_and_keeps_standard_output_free(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deg.progress.LINE_EVERY_S", 0.0)
    with Reporter("week") as report:
        report(96, 672)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "week: 96 of 672 steps" in shown.err
