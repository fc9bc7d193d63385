"""Every operation under every fault, through the client, against the sandbox over HTTP.

Each operation is of one of three sorts, which decide what a fault comes to: a `READ` changes
nothing, a write that `REPLACES` may be sent twice, a write is otherwise sent `ONCE`. A cell says
what the caller gets, how many requests reach Amazon, and whether what was asked for is done there
in the end: once, or not at all, never twice.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dispatch.spapi import (
    OPERATIONS,
    ApiResponse,
    AuthorizationError,
    LocalTokenCache,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    SellingApiTemporarilyUnavailableException,
    SellingApiUnreadableException,
    Services,
)
from dispatch.spapi.calls import CallRecord
from dispatch.spapi.exceptions import ServerOutcomeUnknown, UnavailableOutcomeUnknown
from dispatch.spapi.pages import STALE
from tests.conftest import Amazon, MakeJob
from tests.fire.world import TRIES, Naps, build, calls_once_quiet
from tests.limits import HASTY, PATIENCE

READ, REPLACES, ONCE = range(3)

SORTS = {
    "getServiceJobByServiceJobId": READ,
    "getServiceJobs": READ,
    "getAppointmmentSlotsByJobId": READ,
    "getAppointmentSlots": READ,
    "getRangeSlotCapacity": READ,
    "getFixedSlotCapacity": READ,
    "createServiceDocumentUploadDestination": READ,  # One that is not used expires by itself.
    "assignAppointmentResources": REPLACES,
    "setAppointmentFulfillmentData": REPLACES,
    "updateSchedule": REPLACES,
    "completeServiceJobByServiceJobId": REPLACES,
    "cancelServiceJobByServiceJobId": REPLACES,
    "addAppointmentForServiceJobByServiceJobId": ONCE,
    "rescheduleAppointmentForServiceJobByServiceJobId": ONCE,
    "createReservation": ONCE,
    "updateReservation": ONCE,
    "cancelReservation": ONCE,
}


@dataclass(frozen=True)
class Cell:
    """What comes of one operation under one fault.

    ``outcome``: the exact class of what is raised, or `ApiResponse`.
    """

    outcome: type[ApiResponse] | type[Exception]
    requests: int
    done: bool


def fine(requests: int) -> Cell:
    return Cell(ApiResponse, requests, done=True)


def refused(why: type[Exception], requests: int) -> Cell:
    """Known not to have happened."""
    return Cell(why, requests, done=False)


def unknown(requests: int, *, done: bool, why: type[Exception] = SellingApiOutcomeUnknown) -> Cell:
    return Cell(why, requests, done)


Throttled = SellingApiRequestThrottledException
Unavailable = SellingApiTemporarilyUnavailableException
Unreadable = SellingApiUnreadableException
Unconnected = SellingApiConnectionException
not_done = unknown(1, done=False)
done_unseen = unknown(1, done=True)

# fmt: off
TABLE: dict[str, tuple[Cell, Cell, Cell]] = {
    # fault              a read                    a write that replaces      a write sent once
    "429 once":         (fine(2),                  fine(2),                   fine(2)),
    "429 always":       (refused(Throttled, 5),) * 3,
    "500 once":         (fine(2),                  fine(2),
                         unknown(1, done=False, why=ServerOutcomeUnknown)),
    "503 always":       (refused(Unavailable, 5),
                         unknown(5, done=False, why=UnavailableOutcomeUnknown),
                         unknown(1, done=False, why=UnavailableOutcomeUnknown)),
    "401 once":         (fine(2),                  fine(2),                   fine(2)),
    "403 expired":      (fine(2),                  fine(2),                   fine(2)),
    "revoked":          (refused(AuthorizationError, 1),) * 3,
    "nobody listens":   (refused(Unconnected, 0),) * 3,
    "answers too late": (fine(2),                  fine(2),                   done_unseen),
    "cut before":       (fine(2),                  fine(2),                   not_done),
    "cut after":        (fine(2),                  fine(2),                   done_unseen),
    "html":             (refused(Unreadable, 1),   not_done,                  not_done),
    "empty":            (refused(Unreadable, 1),   not_done,                  not_done),
    "cut json":         (refused(Unreadable, 1),   not_done,                  not_done),
    "huge":             (refused(Unreadable, 1),   not_done,                  not_done),
    "bare array":       (refused(SellingApiException, 1),) * 3,
    "errors in a 200":  (refused(SellingApiException, 1),) * 3,
    "wrong types":      (Cell(ApiResponse, 1, done=False),) * 3,
}
# fmt: on

EXCEPTIONS = {
    # The repeat is refused because the first one worked: nobody can tell that from a 422.
    ("completeServiceJobByServiceJobId", "cut after"): unknown(2, done=True),
    ("cancelServiceJobByServiceJobId", "cut after"): unknown(2, done=True),
}

FAULTS: dict[str, dict[str, Any]] = {
    "429 once": {"kind": "status", "status": 429},
    "429 always": {"kind": "status", "status": 429, "times": None},
    "500 once": {"kind": "status", "status": 500},
    "503 always": {"kind": "status", "status": 503, "times": None},
    "401 once": {"kind": "status", "status": 401},
    "answers too late": {"kind": "latency", "seconds": PATIENCE},
    "cut before": {"kind": "drop"},
    "cut after": {"kind": "drop_after_commit"},
    "html": {"kind": "html", "status": 200},
    "empty": {"kind": "empty", "status": 200},
    "cut json": {"kind": "garbage_json", "status": 200},
    "huge": {"kind": "huge"},
    "bare array": {"kind": "array", "status": 200},
    "errors in a 200": {"kind": "errors_200"},
    "wrong types": {"kind": "wrong_types"},
}
CONTROLS = {"403 expired": {"expireAccessTokens": True}, "revoked": {"state": "revoked"}}


@dataclass
class Stage:
    """The client under test, what it slept, and what it said of its calls."""

    client: Services
    naps: Naps
    calls: list[CallRecord]

    def send(self, operation: str) -> ApiResponse | Exception:
        try:
            return TRIES[operation].send(self.client)
        except (SellingApiException, AuthorizationError) as error:
            return error


Connect = Callable[..., Stage]


@pytest.fixture
def connect() -> Connect:
    def make(**options: Any) -> Stage:
        naps, calls = Naps(), list[CallRecord]()
        given: dict[str, Any] = {
            "credentials": {
                "refresh_token": "Atzr|sandbox",
                "lwa_app_id": "amzn1.application-oa2-client.sandbox",
                "lwa_client_secret": "sandbox-secret",
            },
            "token_cache": LocalTokenCache(),
            "throttle": None,
            "clock": naps.clock,
            "sleep": naps.sleep,
            "observer": calls.append,
            **options,
        }
        return Stage(Services(**given), naps, calls)

    return make


@pytest.fixture
def closed_port() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{placeholder.getsockname()[1]}"


@pytest.fixture
def set_fire(
    amazon: Amazon, connect: Connect, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Stage]:
    """A client that has a token, with a fault waiting for its next call of the operation."""

    def light(operation: str, fault: str) -> Stage:
        if fault == "nobody listens":
            monkeypatch.setenv("SP_API_ENDPOINT", closed_port)
        hasty = fault == "answers too late"
        stage = connect(timeout=(PATIENCE, HASTY if hasty else PATIENCE))
        stage.client._line.tokens.get_auth()  # type: ignore[union-attr]
        if fault in FAULTS:
            amazon.faults({"operation": operation, **FAULTS[fault]})
        if fault in CONTROLS:
            amazon.control("tokens", CONTROLS[fault])
        return stage

    return light


@pytest.mark.parametrize("operation", SORTS)
@pytest.mark.parametrize("fault", TABLE)
def test_operation_under_fault(
    operation: str,
    fault: str,
    amazon: Amazon,
    make_job: MakeJob,
    set_fire: Callable[[str, str], Stage],
) -> None:
    build(amazon, make_job)
    expected = EXCEPTIONS.get((operation, fault)) or TABLE[fault][SORTS[operation]]
    stage = set_fire(operation, fault)

    outcome = stage.send(operation)

    assert type(outcome) is expected.outcome, outcome
    arrived = calls_once_quiet(amazon, operation, expected.requests)
    assert len(arrived) == expected.requests
    state = amazon.state()
    shown = TRIES[operation].after if expected.done else TRIES[operation].before
    assert shown(state), "Amazon holds something else"

    # What the client says of itself is true, and nothing below it tried by itself.
    [record] = stage.calls
    assert record.operation == operation
    if expected.requests:
        assert record.attempts == expected.requests
    assert record.error == ("" if isinstance(outcome, ApiResponse) else type(outcome).__name__)
    assert sum(stage.naps) <= 20


def test_the_table_knows_every_operation() -> None:
    assert set(SORTS) == set(TRIES) == set(OPERATIONS)


@pytest.mark.parametrize("operation", SORTS)
def test_without_a_fault_it_is_done(
    operation: str, amazon: Amazon, make_job: MakeJob, connect: Connect
) -> None:
    """The table's ground: each try does something, and Amazon's side shows it."""
    build(amazon, make_job)
    state = amazon.state()
    assert TRIES[operation].before(state)
    stage = connect()
    assert isinstance(stage.send(operation), ApiResponse)
    assert TRIES[operation].after(amazon.state())
    if SORTS[operation] != READ:
        assert not TRIES[operation].before(amazon.state())
    assert stage.naps == []


@pytest.mark.parametrize("operation", SORTS)
def test_a_revoked_grant_is_told_before_anything_is_sent(
    operation: str, amazon: Amazon, make_job: MakeJob, connect: Connect
) -> None:
    build(amazon, make_job)
    amazon.control("tokens", {"state": "revoked"})
    outcome = connect().send(operation)
    assert isinstance(outcome, AuthorizationError)
    assert outcome.error == "invalid_grant"
    assert not outcome.transient
    assert amazon.calls(operation) == []
    assert len(amazon.calls("token")) == 1


@pytest.mark.parametrize("fault", ["401 once", "403 expired"])
def test_a_token_that_is_not_taken_is_renewed_once(
    fault: str, amazon: Amazon, make_job: MakeJob, set_fire: Callable[[str, str], Stage]
) -> None:
    build(amazon, make_job)
    operation = "addAppointmentForServiceJobByServiceJobId"
    stage = set_fire(operation, fault)
    before = len(amazon.calls("token"))
    assert isinstance(stage.send(operation), ApiResponse)
    assert len(amazon.calls("token")) - before == 1
    assert stage.naps == []


def test_a_token_that_is_never_taken_is_renewed_only_once(
    amazon: Amazon, make_job: MakeJob, set_fire: Callable[[str, str], Stage]
) -> None:
    build(amazon, make_job)
    stage = set_fire("getServiceJobs", "")
    amazon.faults({"operation": "getServiceJobs", "kind": "status", "status": 401, "times": None})
    before = len(amazon.calls("token"))
    outcome = stage.send("getServiceJobs")
    assert isinstance(outcome, SellingApiException)
    assert outcome.code == 401
    assert len(amazon.calls("getServiceJobs")) == 2
    assert len(amazon.calls("token")) - before == 1


@pytest.mark.parametrize("fault", ["429 always", "503 always"])
def test_the_pauses_grow_and_differ(
    fault: str, amazon: Amazon, make_job: MakeJob, set_fire: Callable[[str, str], Stage]
) -> None:
    """Exponential and drawn by lot, so that many clients do not come back together."""
    build(amazon, make_job)
    naps = []
    for _ in range(8):
        stage = set_fire("getServiceJobs", fault)
        stage.send("getServiceJobs")
        naps.append(list(stage.naps))
    assert all(len(one) == 4 for one in naps)
    for column, longest in zip(zip(*naps, strict=True), (0.25, 0.5, 1, 2), strict=True):
        assert len(set(column)) == len(naps)
        assert 0 < min(column) < max(column) <= longest


# --- Pages that never end -----------------------------------------------------------------------


def test_jobs_on_pages_without_an_end_come_to_one(
    amazon: Amazon, make_job: MakeJob, connect: Connect
) -> None:
    build(amazon, make_job)
    amazon.faults({"operation": "getServiceJobs", "kind": "endless_pages", "times": 50})
    listed = connect().client.iterate_service_jobs(createdAfter="2020-01-01T00:00:00Z")
    assert {job["serviceJobId"] for job in listed} == {"JOB-NEW", "JOB-SET"}
    assert len(amazon.calls("getServiceJobs")) == 1 + STALE


def test_no_jobs_on_pages_without_an_end_are_none(amazon: Amazon, connect: Connect) -> None:
    amazon.faults({"operation": "getServiceJobs", "kind": "endless_pages", "times": 50})
    assert list(connect().client.iterate_service_jobs(createdAfter="2020-01-01T00:00:00Z")) == []
    assert len(amazon.calls("getServiceJobs")) == STALE


def test_jobs_of_the_wrong_type_are_none(amazon: Amazon, connect: Connect) -> None:
    amazon.faults({"operation": "getServiceJobs", "kind": "wrong_types"})
    assert list(connect().client.iterate_service_jobs(createdAfter="2020-01-01T00:00:00Z")) == []
