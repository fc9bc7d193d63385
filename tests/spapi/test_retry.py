"""The retry decision, as a table."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.spapi import OPERATIONS, Policy
from dispatch.spapi.retry import GiveUp, OutcomeUnknown, Retry, backoff, decide, jittered
from dispatch.spapi.transport import FaultKind

# A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

READ = OPERATIONS["getServiceJobs"]
REPLACE = OPERATIONS["assignAppointmentResources"]
ADD = OPERATIONS["addAppointmentForServiceJobByServiceJobId"]
CANCEL_RESERVATION = OPERATIONS["cancelReservation"]
DOCUMENT = OPERATIONS["createServiceDocumentUploadDestination"]
LOST, NOT_SENT = FaultKind.LOST, FaultKind.NOT_SENT
R, G, U = Retry, GiveUp, OutcomeUnknown


@pytest.mark.parametrize(
    ("ending", "read", "replace", "add"),
    [
        ({"status": 400}, G, G, G),
        ({"status": 401}, G, G, G),
        ({"status": 403}, G, G, G),
        ({"status": 404}, G, G, G),
        ({"status": 409}, G, G, G),
        ({"status": 413}, G, G, G),
        ({"status": 415}, G, G, G),
        ({"status": 422}, G, G, G),
        ({"status": 302}, G, G, G),
        ({"status": 429}, R, R, R),
        ({"status": 500}, R, R, U),
        ({"status": 501}, G, U, U),
        ({"status": 502}, R, R, U),
        ({"status": 503}, R, R, U),
        ({"status": 504}, R, R, U),
        ({"status": 200}, G, G, G),
        ({"status": 200, "fault": FaultKind.UNREADABLE}, G, U, U),
        ({"fault": FaultKind.NOT_SENT}, R, R, R),
        ({"fault": FaultKind.BAD_CERTIFICATE}, G, G, G),
        ({"fault": FaultKind.LOST}, R, R, U),
        ({"fault": FaultKind.TOO_LARGE}, G, U, U),
    ],
)
def test_first_attempt(ending, read, replace, add):
    kinds = [
        type(decide(operation, attempt=1, elapsed=0, **ending))
        for operation in (READ, REPLACE, ADD)
    ]
    assert kinds == [read, replace, add]
    assert type(decide(DOCUMENT, attempt=1, elapsed=0, **ending)) is read
    assert type(decide(CANCEL_RESERVATION, attempt=1, elapsed=0, **ending)) is add


@pytest.mark.parametrize(
    ("ending", "read", "replace", "add"),
    [
        ({"status": 429}, G, G, G),
        ({"status": 503}, G, U, U),
        ({"fault": LOST}, G, U, U),
        ({"fault": NOT_SENT}, G, G, G),
        ({"status": 422, "doubt": "HTTP 500"}, G, U, U),
        ({"status": 429, "doubt": "HTTP 500"}, G, U, U),
        ({"fault": NOT_SENT, "doubt": "HTTP 500"}, G, U, U),
    ],
)
@pytest.mark.parametrize("limits", [{"attempt": 5, "elapsed": 1}, {"attempt": 2, "elapsed": 20}])
def test_last_attempt(limits, ending, read, replace, add):
    assert type(decide(REPLACE, **limits, **ending)) is replace
    assert type(decide(ADD, **limits, **ending)) is add
    if "doubt" not in ending:
        assert type(decide(READ, **limits, **ending)) is read


def test_the_cause_is_the_newest_doubt():
    decision = decide(ADD, attempt=1, elapsed=0, status=504, doubt="HTTP 500")
    assert decision == OutcomeUnknown("HTTP 504")
    assert decide(REPLACE, attempt=2, elapsed=0, status=422, doubt="HTTP 500") == OutcomeUnknown(
        "HTTP 500"
    )


def test_delays_double_up_to_the_cap():
    policy = Policy(base=0.5, cap=3)
    assert [backoff(attempt, policy).high for attempt in (1, 2, 3, 4, 5)] == [0.5, 1, 2, 3, 3]
    assert [backoff(attempt, policy).low for attempt in (1, 2, 3)] == [0, 0, 0]


def test_a_429_waits_for_one_token_of_the_plan():
    decision = decide(REPLACE, attempt=1, elapsed=0, status=429)
    assert isinstance(decision, Retry)
    assert decision.low == 1.0
    other = decide(REPLACE, attempt=1, elapsed=0, status=503)
    assert isinstance(other, Retry)
    assert other.low < 1.0


def test_a_longer_wish_than_the_deadline_is_not_waited_for():
    assert decide(READ, attempt=1, elapsed=0, status=503, retry_after=21) == GiveUp()


def test_no_draw_begins_an_attempt_after_the_deadline():
    late = decide(READ, attempt=2, elapsed=12.5, status=503, retry_after=7)
    assert late == Retry(7, 7.5)


@patient
@given(
    operation=st.sampled_from(list(OPERATIONS.values())),
    attempt=st.integers(1, 50),
    elapsed=st.floats(0, 60),
    status=st.sampled_from([0, 200, 302, 400, 403, 422, 429, 500, 503, 504]),
    fault=st.sampled_from([None, *FaultKind]),
    doubt=st.sampled_from(["", "HTTP 503"]),
)
def test_nothing_is_ever_doubled(operation, attempt, elapsed, status, fault, doubt):
    decision = decide(
        operation, attempt=attempt, elapsed=elapsed, status=status, fault=fault, doubt=doubt
    )
    if isinstance(decision, Retry):
        refused = status == 429 or fault is NOT_SENT
        assert operation.repeatable or refused
        assert attempt < Policy().attempts
        assert elapsed + decision.high <= Policy().deadline
        assert 0 <= decision.low <= jittered(decision) <= decision.high
    if isinstance(decision, OutcomeUnknown):
        assert operation.writes or doubt
        assert decision.cause
