"""The shared rate plans: exact across threads on every store."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from django.db import connection

from dispatch.services.amazon.throttle import DatabaseThrottle, RedisThrottle
from dispatch.spapi import ThrottledLocally
from dispatch.spapi.throttle import WaitingThrottle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


class Naps(list[float]):
    """Sleeps that are only written down."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


def is_rest_of(period: float, began: float, wait: float) -> bool:
    """Whether it is the period, without what the calls since the beginning took themselves."""
    return period - (time.monotonic() - began) - 0.01 <= wait <= period + 0.01


@pytest.fixture(params=["database", "redis"])
def throttle(request: pytest.FixtureRequest, naps: Naps) -> WaitingThrottle:
    if request.param == "database":
        return DatabaseThrottle(sleep=naps, slack=0)
    return RedisThrottle(request.getfixturevalue("redis_url"), sleep=naps, slack=0)


@pytest.fixture
def key() -> str:
    return f"test:{uuid.uuid4()}"


def test_a_person_may_use_the_burst_and_then_waits_a_period(
    throttle: WaitingThrottle, key: str
) -> None:
    began = time.monotonic()
    waits = [throttle.acquire(key, 0.5, 3) for _ in range(4)]
    assert waits[:3] == [0, 0, 0]
    assert is_rest_of(2, began, waits[3])


def test_a_person_who_would_wait_longer_than_two_seconds_is_told(
    throttle: WaitingThrottle, key: str
) -> None:
    began = time.monotonic()
    throttle.acquire(key, 0.1, 1)
    with pytest.raises(ThrottledLocally) as told:
        throttle.acquire(key, 0.1, 1)
    assert is_rest_of(10, began, told.value.retry_after)
    with pytest.raises(ThrottledLocally) as again:
        throttle.acquire(key, 0.1, 1)
    assert again.value.retry_after <= told.value.retry_after, "a refusal took a token"


def test_background_leaves_half_of_the_burst_to_people(throttle: WaitingThrottle, key: str) -> None:
    for _ in range(2):
        throttle.acquire(key, 0.1, 4, interactive=False)
    with pytest.raises(ThrottledLocally):
        throttle.acquire(key, 0.1, 4, interactive=False)
    assert throttle.acquire(key, 0.1, 4) == 0


def test_amazons_own_rate_counts(throttle: WaitingThrottle, key: str) -> None:
    throttle.adjust(key, 0.1)
    throttle.adjust(key, float("nan"))
    began = time.monotonic()
    throttle.acquire(key, 100, 1)
    with pytest.raises(ThrottledLocally) as told:
        throttle.acquire(key, 100, 1)
    assert is_rest_of(10, began, told.value.retry_after)


def test_slack_comes_before_every_token_until_the_bucket_is_full(key: str, naps: Naps) -> None:
    throttle = DatabaseThrottle(sleep=naps, slack=0.1)
    throttle.acquire(key, 0.01, 2)
    wait, mine = throttle.take(key, 0.01, 2, 1.0, reserve=True)
    assert mine
    assert 0 < wait <= 0.1


def test_a_rate_in_whole_numbers_is_kept_to(throttle: WaitingThrottle, key: str) -> None:
    began = time.monotonic()
    waits = [throttle.acquire(key, 5, 3) for _ in range(4)]
    assert is_rest_of(0.2, began, waits[3])


def test_two_keys_do_not_slow_each_other(throttle: WaitingThrottle, key: str) -> None:
    throttle.acquire(key, 0.1, 1)
    assert throttle.acquire(f"{key}:other", 0.1, 1) == 0


def test_threads_get_exactly_what_there_is(throttle: WaitingThrottle, key: str) -> None:
    granted: list[float] = []

    def grab() -> None:
        for _ in range(10):
            try:
                granted.append(throttle.acquire(key, 0.001, 20, max_wait=0))
            except ThrottledLocally:
                continue
        connection.close()

    threads = [threading.Thread(target=grab) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 20


def test_tokens_come_back_with_time(throttle: WaitingThrottle, key: str) -> None:
    throttle.acquire(key, 20, 1)
    time.sleep(0.06)
    assert throttle.acquire(key, 20, 1, max_wait=0) == 0
