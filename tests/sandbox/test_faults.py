"""Faults on demand, and the log of calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.limits import PATIENCE, wait_until

ADD = "addAppointmentForServiceJobByServiceJobId"


def fault(api: Any, kind: str, operation: str = "*", **more: Any) -> None:
    api.control("faults", [{"operation": operation, "kind": kind, **more}])


def test_a_status_comes_as_often_as_asked(api: Any) -> None:
    fault(api, "status", status=503, times=2)
    assert [api.jobs().status_code for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalFailure"), (503, "ServiceUnavailable"), (429, "QuotaExceeded")],
)
def test_a_status_has_amazons_shape(api: Any, status: int, code: str) -> None:
    fault(api, "status", status=status)
    answer = api.jobs()
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code
    assert "x-amzn-RateLimit-Limit" not in answer.headers
    assert answer.headers["x-amzn-RequestId"]


def test_a_fault_meets_only_its_operation(api: Any) -> None:
    fault(api, "status", operation="getServiceJobByServiceJobId", status=500, times=None)
    assert api.jobs().status_code == 200
    assert [api.call("GET", "/serviceJobs/1").status_code for _ in range(3)] == [500] * 3
    api.control("faults", [])
    assert api.call("GET", "/serviceJobs/1").status_code == 422


def test_the_star_spares_tokens_and_token_faults_spare_calls(api: Any) -> None:
    fault(api, "status", status=500, times=None)
    assert api.ask_token().status_code == 200
    fault(api, "status", operation="token", status=503)
    assert api.jobs().status_code == 200
    answer = api.ask_token()
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert api.ask_token().status_code == 200


def test_drop_cuts_before_the_work(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[{"serviceJobId": "job-1", "serviceJobStatus": "PENDING_SCHEDULE"}])
    fault(api, "drop", operation=ADD)
    body = {"appointmentTime": {"startTime": tomorrow()}}
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "/serviceJobs/job-1/appointments", body)
    assert "appointments" not in api.job("job-1")


def test_drop_after_commit_cuts_after_it(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[{"serviceJobId": "job-1", "serviceJobStatus": "PENDING_SCHEDULE"}])
    fault(api, "drop_after_commit", operation=ADD)
    body = {"appointmentTime": {"startTime": tomorrow()}}
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "/serviceJobs/job-1/appointments", body)
    assert len(api.job("job-1")["appointments"]) == 1
    assert api.call("POST", "/serviceJobs/job-1/appointments", body).status_code == 422
    calls = [one for one in api.control("state")["calls"] if one["operation"] == ADD]
    assert [one["status"] for one in calls] == [200, 422]


def test_latency_delays_and_then_works(api: Any) -> None:
    fault(api, "latency", seconds=0.2)
    begun = time.monotonic()
    assert api.jobs().status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_an_answer_can_be_held_before_it_is_cut(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[{"serviceJobId": "job-1", "serviceJobStatus": "PENDING_SCHEDULE"}])
    body = {"appointmentTime": {"startTime": tomorrow()}}
    for kind, there in (("drop", 0), ("drop_after_commit", 1)):
        fault(api, kind, operation=ADD, seconds=0.2)
        begun = time.monotonic()
        with pytest.raises(requests.ConnectionError):
            api.call("POST", "/serviceJobs/job-1/appointments", body)
        assert time.monotonic() - begun >= 0.2
        assert len(api.job("job-1").get("appointments", [])) == there


def test_pages_can_go_on_for_ever(api: Any) -> None:
    api.load(jobs=[{"serviceJobId": "job-1"}], resources=[{"resourceId": "R"}])
    fault(api, "endless_pages", times=None)
    pages = [api.jobs().json()["payload"]]
    for _ in range(3):
        token = pages[-1]["nextPageToken"]
        answer = api.jobs(pageToken=token, createdAfter="2000-01-01T00:00:00Z")
        pages.append(answer.json()["payload"])
    assert len({page["nextPageToken"] for page in pages}) == 4
    assert all(len(page["jobs"]) == 1 for page in pages)

    span = {"startDateTime": tomorrow_at(10), "endDateTime": tomorrow_at(12)}
    for _ in range(2):
        path = "/serviceResources/R/capacity/range"
        answer = api.call("POST", path, span, marketplaceIds=api.marketplace, nextPageToken="x")
        assert answer.json()["nextPageToken"]


def tomorrow_at(hour: int) -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime(f"%Y-%m-%dT{hour:02}:00:00Z")


def test_a_refusal_has_no_pages(api: Any) -> None:
    fault(api, "endless_pages")
    assert api.call("GET", "/serviceJobs", marketplaceIds=api.marketplace).status_code == 400


def test_a_huge_answer_is_small_on_the_wire(api: Any) -> None:
    fault(api, "huge")
    address = f"{api.url}/service/v1/serviceJobs"
    with api.session.get(address, stream=True, timeout=PATIENCE) as answer:
        assert int(answer.headers["Content-Length"]) < 1_000_000
        assert len(answer.content) > 20 * 1024 * 1024


def test_fields_can_have_the_wrong_types(api: Any) -> None:
    fault(api, "wrong_types")
    answer = api.jobs()
    assert answer.status_code == 200
    assert not isinstance(answer.json()["payload"]["jobs"], list)


def test_odd_bodies(api: Any) -> None:
    fault(api, "html", status=502)
    answer = api.jobs()
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    fault(api, "empty", status=500)
    assert api.jobs().content == b""
    fault(api, "array", status=500)
    assert isinstance(api.jobs().json(), list)
    fault(api, "garbage_json", status=200)
    with pytest.raises(requests.JSONDecodeError):
        api.jobs().json()
    fault(api, "errors_200")
    answer = api.jobs()
    assert answer.status_code == 200
    assert answer.json()["errors"]


def test_an_expired_token_can_be_played(api: Any) -> None:
    fault(api, "expired_token")
    assert [api.jobs().status_code for _ in range(2)] == [403, 200]


def test_faults_to_come_can_be_read(api: Any) -> None:
    fault(api, "drop", times=2)
    [waiting] = api.control("faults")
    assert (waiting["kind"], waiting["times"]) == ("drop", 2)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        [{}],
        ["drop"],
        [{"kind": "fire"}],
        [{"kind": "status", "status": "x"}],
        [{"kind": "status", "status": 99}],
        [{"kind": "latency", "seconds": -1}],
        [{"kind": "drop", "times": "x"}],
    ],
)
def test_malformed_faults_are_refused(api: Any, raw: Any) -> None:
    answer = requests.post(f"{api.url}/_sandbox/faults", json=raw, timeout=PATIENCE)
    assert answer.status_code == 400


def test_every_call_is_logged(api: Any) -> None:
    api.jobs()
    api.call("GET", "/serviceJobs/1")
    fault(api, "drop")
    with pytest.raises(requests.ConnectionError):
        api.jobs()
    calls = api.control("state")["calls"]
    assert [(one["operation"], one["status"]) for one in calls] == [
        ("getServiceJobs", 200),
        ("getServiceJobByServiceJobId", 422),
        ("getServiceJobs", 0),
    ]
    assert all(one["at"].endswith("Z") for one in calls)


def test_new_faults_end_what_is_left_of_the_old_ones(api: Any) -> None:
    fault(api, "latency", seconds=PATIENCE)
    begun = time.monotonic()
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(api.jobs().status_code))
    asking.start()
    wait_until(lambda: api.control("state")["unanswered"] == 1, "the request")
    assert answers == []
    api.control("faults", [])
    asking.join()
    assert answers == [200]
    assert api.control("state")["unanswered"] == 0
    assert time.monotonic() - begun < PATIENCE
