from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection

from dispatch.models import FailedLogIn
from dispatch.selectors.lockouts import locked_among
from dispatch.services.access import lockout

NAME = "bob@dispatch.example"
START = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def fail(times: int, name: str = NAME) -> list[bool]:
    return [lockout.take_attempt(name) for _ in range(times)]


def test_ten_attempts_are_looked_at_and_the_eleventh_is_not() -> None:
    assert fail(11) == [True] * 10 + [False]
    assert lockout.is_locked(NAME)


def test_nine_failures_lock_nobody() -> None:
    fail(9)
    assert not lockout.is_locked(NAME)
    assert locked_among([NAME, "alice@dispatch.example"]) == set()


def test_a_name_is_the_same_in_any_case_and_another_is_not_touched() -> None:
    fail(10, " BOB@Dispatch.example ")
    assert lockout.is_locked(NAME)
    assert lockout.take_attempt("alice@dispatch.example")


def test_a_success_takes_back_its_own_attempt_only() -> None:
    fail(9)
    lockout.take_attempt(NAME)
    lockout.give_attempt_back(NAME)
    assert fail(2) == [True, False]


def test_the_lock_opens_after_half_an_hour_and_the_count_begins_anew() -> None:
    with time_machine.travel(START) as clock:
        fail(10)
        clock.shift(dt.timedelta(minutes=29))
        assert lockout.is_locked(NAME)
        assert not lockout.take_attempt(NAME)
        clock.shift(dt.timedelta(minutes=2))
        assert not lockout.is_locked(NAME)
        assert fail(11) == [True] * 10 + [False]


def test_trying_on_a_locked_name_does_not_keep_it_locked() -> None:
    with time_machine.travel(START) as clock:
        fail(10)
        clock.shift(dt.timedelta(minutes=20))
        fail(5)
        clock.shift(dt.timedelta(minutes=11))
        assert not lockout.is_locked(NAME)


def test_failures_of_yesterday_no_longer_count() -> None:
    with time_machine.travel(START) as clock:
        fail(9)
        clock.shift(dt.timedelta(days=1, minutes=1))
        assert fail(10) == [True] * 10


def test_lifting_forgets_the_failures_and_old_names() -> None:
    with time_machine.travel(START) as clock:
        fail(3, "long-gone@example.com")
        clock.shift(dt.timedelta(days=2))
        fail(10)
        lockout.lift(NAME)
        assert lockout.take_attempt(NAME)
        assert FailedLogIn.objects.count() == 1


def test_no_name_is_kept() -> None:
    fail(1)
    assert "bob" not in FailedLogIn.objects.get().name_hash


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_time_get_ten_attempts_together() -> None:
    def attempt(_: int) -> bool:
        try:
            return lockout.take_attempt(NAME)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(attempt, range(40)))
    assert sum(allowed) == 10
