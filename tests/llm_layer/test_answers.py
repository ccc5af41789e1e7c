"""The store of answers: whoever opens it first, and however many at once, each finds one that works."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from llm_layer.answers import AnswerCache, Stored

AT_ONCE, TIMES = 8, 25


def test_a_store_may_be_opened_and_closed_by_many_at_once(tmp_path):
    path, together = tmp_path / "answers.sqlite", Barrier(AT_ONCE)

    def keep(number):
        together.wait()
        for again in range(TIMES):
            cache = AnswerCache(path)
            cache.put({f"key {number} {again}": Stored("{}", 1, 1, 0.5)})
            cache.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(keep, range(AT_ONCE)))
    kept = AnswerCache(path).get(f"key {number} {again}" for number in range(AT_ONCE) for again in range(TIMES))
    assert len(kept) == AT_ONCE * TIMES


def test_the_first_answer_stands(tmp_path):
    one, other = AnswerCache(tmp_path / "a.sqlite"), AnswerCache(tmp_path / "a.sqlite")
    first = Stored("first", 1, 2, 0.1)
    one.put({"key": first})
    assert other.put({"key": Stored("second", 3, 4, 0.2)}) == {"key": first}


def test_a_file_of_another_kind_is_refused_by_name(tmp_path):
    path = tmp_path / "notes.sqlite"
    path.write_text("not a database, but long enough to look like one " * 40)
    with pytest.raises(ValueError, match=r"notes\.sqlite: no store of answers .*remove the file"):
        AnswerCache(path)
    with pytest.raises(ValueError, match=r"notes\.sqlite: no store of answers .*take a whole folder"):
        AnswerCache(path, read_only=True)
