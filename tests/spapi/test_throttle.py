"""The limiter: its arithmetic, its manners, and many threads at once."""

from __future__ import annotations

import threading
import time as real_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.spapi import (
    LocalThrottle,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    ThrottledLocally,
)
from dispatch.spapi import (
    throttle as module,
)
from dispatch.spapi.throttle import taken, usable_burst, wait_for

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def throttle(time):
    return LocalThrottle(clock=time.clock, sleep=time.sleep, slack=0)


class TestArithmetic:
    def test_an_untouched_bucket_is_full(self):
        assert wait_for(float("-inf"), 100.0, 5, 20) == 0

    def test_the_burst_is_free_and_the_next_one_waits_a_period(self):
        full_at = float("-inf")
        for _ in range(20):
            assert wait_for(full_at, 100.0, 5, 20) == 0
            full_at = taken(full_at, 100.0, 5)
        assert wait_for(full_at, 100.0, 5, 20) == pytest.approx(0.2, abs=1e-4)

    def test_background_leaves_half(self):
        assert usable_burst(20, interactive=False) == 10
        assert usable_burst(2, interactive=False) == 1
        assert usable_burst(1, interactive=False) == 1
        assert usable_burst(20, interactive=True) == 20

    @patient
    @given(
        rate=st.floats(0.01, 100),
        burst=st.integers(1, 40),
        gaps=st.lists(st.floats(0, 2), max_size=120),
        start=st.sampled_from([0.0, 1.8e9]),
    )
    def test_no_window_ever_grants_more_than_burst_plus_rate(self, rate, burst, gaps, start):
        now, full_at, grants = start, float("-inf"), []
        for gap in gaps:
            now += gap
            if wait_for(full_at, now, rate, burst) == 0:
                full_at = taken(full_at, now, rate)
                grants.append(now)
        for i, first in enumerate(grants):
            for j in range(i, len(grants)):
                allowed = burst + (grants[j] - first) * rate
                assert j - i + 1 <= allowed + 1e-3

    @patient
    @given(rate=st.sampled_from([0.75, 1.0, 5.0, 10.0, 20.0]))
    def test_a_patient_caller_gets_the_full_rate(self, rate):
        """45 a minute are 45, not 30: whole seconds must not be floored."""
        now, full_at, granted = 1.8e9, float("-inf"), 0
        end = now + 60
        while True:
            now += wait_for(full_at, now, rate, 1)
            if now >= end:
                break
            full_at = taken(full_at, now, rate)
            granted += 1
        assert abs(granted - 60 * rate) <= 1


class TestLocalThrottle:
    def test_people_may_use_the_whole_burst(self, throttle, time):
        assert [throttle.acquire("k", 5, 20) for _ in range(20)] == [0.0] * 20
        assert throttle.acquire("k", 5, 20) == pytest.approx(0.2, abs=1e-4)
        assert time.naps == [pytest.approx(0.2, abs=1e-4)]

    def test_slack_makes_every_token_of_a_tired_bucket_late(self, time):
        throttle = LocalThrottle(clock=time.clock, sleep=time.sleep, slack=0.1)
        waits = [throttle.acquire("k", 5, 2) for _ in range(4)]
        assert waits == [0.0, pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.2)]

    def test_people_wait_two_seconds_and_no_more(self, throttle, time):
        throttle.acquire("k", 0.4, 1)
        with pytest.raises(ThrottledLocally) as caught:
            throttle.acquire("k", 0.4, 1)
        assert caught.value.retry_after == pytest.approx(2.5, abs=1e-4)
        assert isinstance(caught.value, SellingApiRequestThrottledException)
        assert time.naps == []

    def test_a_refused_wait_takes_no_token(self, throttle, time):
        throttle.acquire("k", 0.4, 1)
        for _ in range(10):
            with pytest.raises(ThrottledLocally):
                throttle.acquire("k", 0.4, 1)
        time.now += 2.5
        assert throttle.acquire("k", 0.4, 1) == 0

    def test_the_wait_is_a_setting(self, time):
        throttle = LocalThrottle(clock=time.clock, sleep=time.sleep, person_waits=10, slack=0)
        throttle.acquire("k", 0.4, 1)
        assert throttle.acquire("k", 0.4, 1) == pytest.approx(2.5, abs=1e-4)

    def test_a_caller_in_a_hurry_says_so(self, throttle):
        throttle.acquire("k", 1, 1)
        with pytest.raises(ThrottledLocally):
            throttle.acquire("k", 1, 1, max_wait=0.5)

    def test_a_caller_with_time_waits_no_longer_than_a_person_does(self, throttle, time):
        throttle.acquire("k", 0.4, 1)
        with pytest.raises(ThrottledLocally):
            throttle.acquire("k", 0.4, 1, max_wait=20)
        assert time.naps == []

    def test_background_leaves_half_of_the_burst_to_people(self, throttle, time):
        for _ in range(10):
            assert throttle.acquire("k", 5, 20, interactive=False) == 0
        assert throttle.acquire("k", 5, 20, interactive=False) > 0
        assert [throttle.acquire("k", 5, 20) for _ in range(10)] == [0.0] * 10

    def test_background_never_queues_ahead_of_people(self, time):
        """While it waits for its token, a person takes that one: it waits for the next."""
        taken_by_people = []

        def sleep(seconds):
            time.sleep(seconds)
            if not taken_by_people:
                taken_by_people.append(throttle.acquire("k", 1, 2))

        throttle = LocalThrottle(clock=time.clock, sleep=sleep, slack=0)
        throttle.acquire("k", 1, 2, interactive=False)
        waited = throttle.acquire("k", 1, 2, interactive=False)
        assert taken_by_people == [0.0]
        assert waited == pytest.approx(2.0, abs=1e-4)

    def test_keys_do_not_share(self, throttle):
        throttle.acquire("a", 0.1, 1)
        assert throttle.acquire("b", 0.1, 1) == 0

    def test_amazons_own_rate_counts(self, throttle):
        throttle.adjust("k", 1)
        throttle.acquire("k", 5, 1)
        assert throttle.acquire("k", 5, 1) == pytest.approx(1.0, abs=1e-4)

    @pytest.mark.parametrize("nonsense", [0, -1, float("nan"), float("inf")])
    def test_a_nonsense_rate_is_ignored(self, nonsense, throttle):
        throttle.adjust("k", nonsense)
        throttle.acquire("k", 5, 1)
        assert throttle.acquire("k", 5, 1) == pytest.approx(0.2, abs=1e-4)

    def test_it_forgets_who_left(self, throttle, time, monkeypatch):
        monkeypatch.setattr(module, "BUCKETS_KEPT", 10)
        for number in range(10):
            throttle.acquire(f"old-{number}", 5, 20)
        time.now += 4000
        throttle.acquire("new", 5, 20)
        assert list(throttle._buckets) == ["new"]

    def test_it_stays_small_even_when_nobody_left(self, throttle, monkeypatch):
        monkeypatch.setattr(module, "BUCKETS_KEPT", 10)
        for number in range(100):
            throttle.acquire(str(number), 5, 20)
        assert len(throttle._buckets) <= 10

    def test_threads_get_exactly_what_there_is(self):
        def clock():
            """Let the others run between the look and the grab."""
            real_time.sleep(1e-5)
            return real_time.monotonic()

        throttle = LocalThrottle(clock=clock, person_waits=0, slack=0)
        granted, start = [], threading.Barrier(16)

        def grab():
            start.wait()
            for _ in range(50):
                try:
                    throttle.acquire("k", 0.001, 100)
                except ThrottledLocally:
                    return
                granted.append(1)

        threads = [threading.Thread(target=grab) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(granted) == 100

    def test_real_time_passes_too(self):
        throttle = LocalThrottle()
        begun = real_time.monotonic()
        for _ in range(6):
            throttle.acquire("k", 50, 1)
        assert 0.095 <= real_time.monotonic() - begun < 10


class TestInTheClient:
    def test_operations_and_sellers_have_buckets_of_their_own(self, amazon, connect, credentials):
        throttle = Recorder()
        one = connect(throttle=throttle)
        other = connect(throttle=throttle, credentials={**credentials, "refresh_token": "Atzr|2"})
        one.get_service_jobs()
        one.get_service_job_by_service_job_id("J")
        other.get_service_jobs()
        keys = [key for key, *_ in throttle.asked]
        assert len(set(keys)) == 3
        assert not any(secret in key for key in keys for secret in credentials.values())

    def test_the_documented_plan_is_asked_for(self, amazon, connect):
        throttle = Recorder()
        connect(throttle=throttle).assign_appointment_resources("J", "A", resources=[])
        connect(throttle=throttle, interactive=False).get_service_jobs()
        assert [asked[1:] for asked in throttle.asked] == [(1, 2, True), (10, 40, False)]

    def test_every_retry_takes_a_new_token(self, amazon, connect, say):
        throttle = Recorder()
        amazon.say(say(503, b""), say(429, b""))
        connect(throttle=throttle).get_service_jobs()
        assert len(throttle.asked) == 3

    def test_the_header_adjusts_the_bucket(self, amazon, connect, say):
        throttle = Recorder()
        amazon.say(say(200, {}, {"x-amzn-RateLimit-Limit": "7.5"}), say(200, {}))
        services = connect(throttle=throttle)
        services.get_service_jobs()
        services.get_service_jobs()
        assert throttle.adjusted == [(throttle.asked[0][0], 7.5)]

    def test_nothing_is_sent_when_the_limiter_says_no(self, amazon, connect, time):
        throttle = LocalThrottle(clock=time.clock, sleep=time.sleep, slack=0)
        services = connect(throttle=throttle)
        for _ in range(4):
            services.assign_appointment_resources("J", "A", resources=[])
        throttle._buckets[next(iter(throttle._buckets))].full_at += 60
        with pytest.raises(ThrottledLocally) as caught:
            services.assign_appointment_resources("J", "A", resources=[])
        assert len(amazon.heard) == 4
        assert caught.value.operation == "assignAppointmentResources"
        assert caught.value.retry_after > 2

    def test_no_token_for_the_repeat_of_a_lost_write_leaves_it_unknown(self, amazon, connect, say):
        amazon.say(say(cut=0))
        services = connect(throttle=Recorder(refuse_after=1))
        with pytest.raises(SellingApiOutcomeUnknown):
            services.assign_appointment_resources("J", "A", resources=[])


class Recorder:
    def __init__(self, refuse_after: int = 100) -> None:
        self.asked: list[tuple[str, float, int, bool]] = []
        self.adjusted: list[tuple[str, float]] = []
        self.refuse_after = refuse_after

    def acquire(self, key, rate, burst, *, interactive=True, max_wait=None):
        if len(self.asked) >= self.refuse_after:
            raise ThrottledLocally(3.0)
        self.asked.append((key, rate, burst, interactive))
        return 0.0

    def adjust(self, key, rate):
        self.adjusted.append((key, rate))
