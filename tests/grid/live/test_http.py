import time
from email.utils import format_datetime
from pathlib import Path

import pytest

from grid.http import Client, RefusedError, SourceError, Terms, _retry_after_s

PATH = "/carbon/intensity/2023-05-01T00:00Z/2023-05-02T00:00Z"


def _rows(tree):
    return len(tree["data"])


def _get(client, services, **options):
    return client.get(services.url + PATH, _rows, **options)


def test_an_answer_carries_its_time_and_is_kept_across_processes(services, client, clock, tmp_path: Path):
    first = _get(client, services)
    assert (first.value, first.stale, first.heard_at) == (49, False, clock())
    clock.forward(minutes=4)
    with Client(tmp_path / "cache", client.terms, clock) as another:
        again = _get(another, services, fresh_s=300)
        assert again == first
    assert len(services.asked) == 1
    clock.forward(minutes=2)
    assert _get(client, services, fresh_s=300).heard_at == clock()
    assert len(services.asked) == 2


def test_an_answer_heard_after_its_stretch_settled_is_never_asked_for_again(services, client, clock):
    first = _get(client, services)
    clock.forward(days=300)
    assert _get(client, services, settled_at=first.heard_at) == first
    assert _get(client, services, settled_at=first.heard_at + 1).heard_at == clock()


@pytest.mark.parametrize("kind", ["500", "truncated", "cut", "error-200", "hang"])
def test_a_passing_fault_is_tried_again(services, client, hasty, kind):
    asking = hasty if kind == "hang" else client
    services.fail(kind)
    assert _get(asking, services).value == 49
    assert asking.sent == 2


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("500", "status 500: the database is away"),
        ("truncated", "RemoteProtocolError"),
        ("cut", "another form than documented"),
        ("error-200", "the database is away"),
        ("hang", "ReadTimeout"),
    ],
)
def test_a_fault_that_stays_ends_in_one_error_with_its_place(services, hasty, kind, words):
    services.fail(kind, times=9)
    with pytest.raises(SourceError, match=words) as error:
        _get(hasty, services)
    assert "127.0.0.1/carbon/intensity" in str(error.value)
    assert "in 3 tries" in str(error.value)
    assert hasty.sent == 3


def test_an_answer_that_drips_is_given_up(services, tmp_path):
    services.fail("drip")
    with (
        Client(tmp_path / "c", Terms(tries=1, whole_s=0.4)) as client,
        pytest.raises(SourceError, match="longer than"),
    ):
        _get(client, services)


def test_a_refusal_is_not_repeated_and_gives_the_servers_own_words(services, client):
    with pytest.raises(RefusedError, match="400: Please enter a date range of at most 14 days"):
        client.get(services.url + "/carbon/intensity/2023-05-01T00:00Z/2023-06-02T00:00Z", _rows)
    assert client.sent == 1


def test_retry_after_holds_the_next_try_back(services, client):
    services.fail("429")
    started = time.monotonic()
    assert _get(client, services).value == 49
    assert time.monotonic() - started >= 1.0


def test_a_wait_that_is_too_long_is_refused_and_no_request_is_sent_meanwhile(services, client):
    services.fail("429-long")
    with pytest.raises(SourceError, match="slow down; it asks to wait 3600 s"):
        _get(client, services)
    with pytest.raises(SourceError, match=r"left alone for 3600 s .*slow down"):
        _get(client, services)
    assert client.sent == 1


def test_retry_after_may_be_a_date_and_nonsense_is_no_wait():
    import datetime

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert 28 < _retry_after_s(format_datetime(later, usegmt=True)) <= 30
    assert [_retry_after_s(text) for text in ("soon", "-5", None, "7")] == [0.0, 0.0, 0.0, 7.0]


def test_requests_to_one_host_keep_their_distance(services, tmp_path):
    with Client(tmp_path / "c", Terms(distance_s=0.1)) as polite:
        started = time.monotonic()
        for day in range(1, 5):
            polite.get(f"{services.url}/carbon/intensity/2023-05-0{day}T00:00Z/2023-05-0{day + 1}T00:00Z", _rows)
        assert time.monotonic() - started >= 0.3


def test_a_host_that_used_up_its_tries_rests_and_the_last_good_answer_serves_meanwhile(services, clock, tmp_path):
    terms = Terms(tries=2, backoff_s=0.02, distance_s=0.0, rest_s=1.0)
    with Client(tmp_path / "c", terms, clock) as client:
        good = _get(client, services)
        services.stop()
        clock.forward(hours=1)
        first, second = _get(client, services), _get(client, services)
        assert client.sent == 3  # the second answer asked nobody
        assert (first.value, first.heard_at, first.stale) == (good.value, good.heard_at, True)
        assert "left alone" in str(second.problem)
        services.start()
        time.sleep(1.0)
        recovered = _get(client, services)
        assert (recovered.stale, recovered.heard_at) == (False, clock())


def test_the_last_good_answer_has_an_age_limit(services, client, clock):
    _get(client, services)
    services.stop()
    clock.forward(hours=5, minutes=59)
    assert _get(client, services).stale
    clock.forward(minutes=2)
    with pytest.raises(SourceError, match="ConnectError"):
        _get(client, services)
    services.start()


def test_a_broken_answer_never_replaces_a_good_one(services, client, clock):
    _get(client, services)
    services.fail("cut", times=3)
    assert _get(client, services).stale
    assert _get(client, services).value == 49
