"""A run folder is there as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from deg.run_folder import READABLE_MARK, RUN_MARK, run_folder


def write_run(target: Path, days: int, *, readable: bool = True, ends_in: type[BaseException] | None = None) -> None:
    with run_folder(target) as folder:
        (folder / RUN_MARK).write_text(f"run: {{days: {days}}}")
        if readable:
            (folder / READABLE_MARK).write_text("{}")
        if ends_in is not None:
            raise ends_in


def left_in(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.iterdir())


def test_nothing_shows_until_the_run_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "week"
    with run_folder(target) as folder:
        (folder / RUN_MARK).write_text("run: {}")
        assert not target.exists()
    assert left_in(target.parent) == ["week"]
    assert left_in(target) == [RUN_MARK]


def test_a_run_of_the_same_name_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_run(tmp_path / "week", days=7)
    (tmp_path / "week" / "report.html").write_text("old")
    write_run(tmp_path / "week", days=14)
    assert left_in(tmp_path) == ["week"]
    assert left_in(tmp_path / "week") == [RUN_MARK, READABLE_MARK]
    assert "14" in (tmp_path / "week" / RUN_MARK).read_text()


def test_a_run_that_fails_leaves_the_earlier_one_untouched(tmp_path: Path) -> None:
    write_run(tmp_path / "week", days=7)
    with pytest.raises(RuntimeError):
        write_run(tmp_path / "week", days=14, ends_in=RuntimeError)
    assert left_in(tmp_path) == ["week"]
    assert "7" in (tmp_path / "week" / RUN_MARK).read_text()


def test_a_stopped_run_is_kept_when_it_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="week"):
        write_run(tmp_path / "week", days=7, ends_in=KeyboardInterrupt)
    assert left_in(tmp_path) == ["week"]


def test_a_run_stopped_before_there_is_anything_to_read_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="nothing was kept"):
        write_run(tmp_path / "week", days=7, readable=False, ends_in=KeyboardInterrupt)
    assert left_in(tmp_path) == []


def test_two_runs_of_one_name_do_not_write_over_each_other(tmp_path: Path) -> None:
    with run_folder(tmp_path / "week") as folder:
        (folder / RUN_MARK).write_text("run: {}")
        with pytest.raises(ValueError, match=r"another run is writing it; choose another run\.name"):
            write_run(tmp_path / "week", days=7)
    assert left_in(tmp_path / "week") == [RUN_MARK]


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".week.partial" / "deep").mkdir(parents=True)
    (tmp_path / ".week.partial" / "steps.parquet").write_text("half")
    write_run(tmp_path / "week", days=7)
    assert left_in(tmp_path) == ["week"]
    assert left_in(tmp_path / "week") == [RUN_MARK, READABLE_MARK]


def test_only_runs_and_empty_folders_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "week").mkdir()
    write_run(tmp_path / "week", days=7)
    (tmp_path / "other").write_text("a file")
    with pytest.raises(ValueError, match="holds no run"):
        write_run(tmp_path / "other", days=7)
    assert (tmp_path / "other").read_text() == "a file"
