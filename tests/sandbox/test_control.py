"""The sandbox's own addresses."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from dispatch.sandbox.realm import DE, US
from tests.limits import PATIENCE


def test_a_scenario_replaces_everything(api: Any) -> None:
    api.load(jobs=[{"serviceJobId": "a"}], resources=[{"resourceId": "T1", "name": "Maya"}])
    api.load(jobs=[{"serviceJobId": "b"}])
    state = api.control("state")
    assert [one["serviceJobId"] for one in state["jobs"]] == ["b"]
    assert state["resources"] == []
    assert state["reservations"] == state["documents"] == state["calls"] == []


@pytest.mark.parametrize(
    "scenario",
    [
        [],
        {"now": "noon"},
        {"jobs": {}},
        {"jobs": ["x"]},
        {"jobs": [{}]},
        {"resources": 5},
        {"slots": [{"startTime": "x"}]},
        {"slots": [{"startTime": "2026-06-01", "capacity": -1}]},
        {"unauthorizedJobIds": "x"},
        {"reservations": [{"resourceId": "T1", "reservation": {}}]},
        {"now": "2020-01-01", "jobs": [{}]},
        {"now": "2020-01-01", "tokenSeconds": "soon"},
        {"jobs": [{"serviceJobId": "b", "appointments": ["x"]}]},
        {"documents": [{"uploadDestinationId": "d", "expires": "x"}]},
        {"resources": [{"resourceId": "T1", "schedules": [{}]}]},
    ],
)
def test_a_malformed_scenario_leaves_the_world_alone(api: Any, scenario: Any) -> None:
    api.load(now="2026-06-01T00:00:00Z", jobs=[{"serviceJobId": "a"}])
    answer = requests.post(f"{api.url}/_sandbox/scenario", json=scenario, timeout=PATIENCE)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]
    state = api.control("state")
    assert [one["serviceJobId"] for one in state["jobs"]] == ["a"]
    assert state["now"] == "2026-06-01T00:00:00Z"


def test_now_stands_still_until_null(api: Any) -> None:
    api.load(now="2020-01-01T12:00:00Z")
    assert api.control("state")["now"] == "2020-01-01T12:00:00Z"
    assert api.control("state")["now"] == "2020-01-01T12:00:00Z"
    api.load(now=None)
    assert api.control("state")["now"] > "2025"


def test_technicians_follow_the_jobs_marketplace(api: Any) -> None:
    api.load(
        jobs=[{"serviceJobId": "a", "marketplaceId": DE}],
        resources=[{"resourceId": "T1"}, {"resourceId": "T2", "marketplaceId": US}],
    )
    found = {one["resourceId"]: one["marketplaceId"] for one in api.control("state")["resources"]}
    assert found == {"T1": DE, "T2": US}


def test_jobs_change_as_if_by_the_buyer(api: Any) -> None:
    api.load(now="2026-06-01T00:00:00Z", jobs=[{"serviceJobId": "a", "storeId": "s"}])
    api.control("settings", {"now": "2026-06-02T00:00:00Z"})
    api.control("jobs", [{"serviceJobId": "a", "serviceJobStatus": "HOLD"}, {"serviceJobId": "b"}])
    assert api.job("a") == {"serviceJobId": "a", "storeId": "s", "serviceJobStatus": "HOLD"}
    changed = api.jobs(lastUpdatedAfter="2026-06-02T00:00:00Z").json()["payload"]
    assert changed["totalResultSize"] == 2


def test_somebody_elses_jobs_are_forbidden_everywhere(api: Any) -> None:
    api.load(unauthorizedJobIds=["x"])
    time = {"appointmentTime": {"startTime": "2026-06-01T00:00:00Z"}, "rescheduleReasonCode": "R1"}
    asked = [
        api.call("GET", "/serviceJobs/x"),
        api.call("PUT", "/serviceJobs/x/completions"),
        api.call("PUT", "/serviceJobs/x/cancellations", cancellationReasonCode="V1"),
        api.call("POST", "/serviceJobs/x/appointments", time),
        api.call("POST", "/serviceJobs/x/appointments/12345", time),
        api.call(
            "PUT", "/serviceJobs/x/appointments/1/resources", {"resources": [{"resourceId": "T"}]}
        ),
        api.call("GET", "/serviceJobs/x/appointmentSlots", marketplaceIds=US),
    ]
    assert [one.status_code for one in asked] == [403] * 7
    assert {one.json()["errors"][0]["code"] for one in asked} == {"UnauthorizedAction"}
    assert all("x-amzn-RateLimit-Limit" not in one.headers for one in asked)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("tokens", {"refresh_token": "nobody"}),
        ("tokens", []),
        ("settings", {"now": "x"}),
        ("jobs", [{}]),
        ("slots", {}),
    ],
)
def test_malformed_controls_are_refused(api: Any, name: str, body: Any) -> None:
    answer = requests.post(f"{api.url}/_sandbox/{name}", json=body, timeout=PATIENCE)
    assert answer.status_code == 400


def test_controls_want_json(api: Any) -> None:
    answer = requests.post(f"{api.url}/_sandbox/jobs", data=b"{", timeout=PATIENCE)
    assert answer.status_code == 400
