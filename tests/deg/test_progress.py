"""Ctrl-C stops a job between two steps, so that what has been done can be written."""

from __future__ import annotations

import os
import signal

import pytest

from deg.progress import Reporter


def job(number: signal.Signals, times: int, done: list[int], *, at_step: int = 1) -> None:
    """Prepare, then do three steps and announce each; the signal comes ``times`` times in step ``at_step``."""
    with Reporter("week") as report:
        for step in range(4):  # 0: preparing
            if step > 0:
                report(step - 1, 3)
            for _ in range(times if step == at_step else 0):
                os.kill(os.getpid(), number)
            done.append(step)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_after_the_present_step_the_second_at_once(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        job(number, 1, done)
    assert done == [0, 1]
    assert "once more" in capsys.readouterr().err

    done.clear()
    with pytest.raises(KeyboardInterrupt):
        job(number, 2, done)
    assert done == [0]
    assert signal.getsignal(number) == before


def test_a_job_that_has_not_begun_stops_at_once() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        job(signal.SIGINT, 1, done, at_step=0)
    assert done == []


def test_a_long_job_says_how_far_it_is_and_keeps_standard_output_free(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deg.progress.LINE_EVERY_S", 0.0)
    with Reporter("week") as report:
        report(96, 672)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "week: 96 of 672 steps" in shown.err
