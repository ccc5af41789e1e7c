"""Files that several write to at once: nothing is left beside them, nothing a killed writer left is overlooked."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from grid.sqlite_file import close_whole, open_shared, open_to_read

TABLE = "CREATE TABLE IF NOT EXISTS words (word TEXT)"
WRITER = f"""
import os, pathlib, signal, sys
from grid.sqlite_file import open_shared
db = open_shared(pathlib.Path(sys.argv[1]), {TABLE!r}, timeout_s=5.0)
db.execute("INSERT INTO words VALUES ('kept')")
db.execute("BEGIN")
db.execute("INSERT INTO words VALUES ('begun')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def words(db):
    return [word for (word,) in db.execute("SELECT word FROM words")]


def test_who_closes_leaves_it_in_the_main_file_though_another_has_it_open(tmp_path):
    path, copy = tmp_path / "a.sqlite", tmp_path / "copy.sqlite"
    one, other = open_shared(path, TABLE, timeout_s=5.0), open_shared(path, timeout_s=5.0)
    one.execute("INSERT INTO words VALUES ('kept')")
    close_whole(one)
    shutil.copyfile(path, copy)  # the main file alone
    with closing(open_to_read(copy)) as there:
        assert words(there) == ["kept"]
    close_whole(other)


def test_what_was_begun_is_taken_back_at_the_close(tmp_path):
    path = tmp_path / "a.sqlite"
    db = open_shared(path, TABLE, timeout_s=5.0)
    db.execute("BEGIN")
    db.execute("INSERT INTO words VALUES ('begun')")
    close_whole(db)
    with closing(open_to_read(path)) as there:
        assert words(there) == []


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path):
    together = Barrier(8)

    def opens(_):
        for again in range(20):
            together.wait()
            close_whole(open_shared(tmp_path / f"{again}.sqlite", TABLE, timeout_s=5.0))
        return again

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(opens, range(8))) == [19] * 8


def test_what_a_killed_writer_committed_is_read_and_the_rest_is_not(tmp_path):
    path = tmp_path / "a.sqlite"
    ended = subprocess.run([sys.executable, "-c", WRITER, str(path)], env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert ended.returncode == -signal.SIGKILL
    with closing(open_to_read(path)) as there:
        assert words(there) == ["kept"]


def test_a_finished_file_is_read_and_nothing_is_written_beside_it(tmp_path):
    folder = tmp_path / "finished run, 100 % #1"
    folder.mkdir()
    db = open_shared(folder / "a.sqlite", TABLE, timeout_s=5.0)
    db.execute("INSERT INTO words VALUES ('kept')")
    close_whole(db)
    before = sorted(folder.iterdir())
    with closing(open_to_read(folder / "a.sqlite")) as there:
        assert words(there) == ["kept"]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            there.execute("INSERT INTO words VALUES ('more')")
    assert sorted(folder.iterdir()) == before
