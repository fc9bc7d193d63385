"""getServiceJobs: filters, order, pages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from dispatch.sandbox.realm import US

STATUSES = ["NOT_SERVICED", "CANCELLED", "COMPLETED", "PENDING_SCHEDULE", "HOLD"]


def make(number: int, **more: Any) -> dict[str, Any]:
    return {
        "serviceJobId": f"job-{number:03}",
        "serviceJobStatus": STATUSES[number % len(STATUSES)],
        # Two jobs share each second: the order must not depend on the time alone.
        "createTime": f"2026-01-01T00:{number // 2 // 60:02}:{number // 2 % 60:02}Z",
        "marketplaceId": US,
        **more,
    }


RICH = make(
    1,
    serviceOrderId="111-1111111-1111111",
    productOrderIds=["222-2222222-2222222"],
    trackingIds=["TBA123-X"],
    storeId="store-1",
    scopeOfWork={"asin": "B000000001", "requiredSkills": ["TV", "WALL"]},
    associatedItems=[{"asin": "B000000002"}],
    appointments=[
        {
            "appointmentId": "gone-1",
            "appointmentStatus": "CANCELLED",
            "appointmentTime": {"startTime": "2026-05-01T10:00:00Z", "durationInMinutes": 60},
        },
        {
            "appointmentId": "live-1",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": "2026-03-01T10:00:00Z", "durationInMinutes": 60},
        },
    ],
)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["serviceJobId"] for one in answer.json()["payload"]["jobs"]]


@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("field", ["JOB_DATE", "JOB_STATUS"])
@pytest.mark.parametrize("size", [1, 7, 20])
def test_the_pages_hold_every_job_once(api: Any, field: str, order: str, size: int) -> None:
    api.load(jobs=[make(number) for number in range(41)])
    seen: list[str] = []
    first = api.jobs(sortField=field, sortOrder=order, pageSize=size)
    page = first.json()["payload"]
    while True:
        seen += [one["serviceJobId"] for one in page["jobs"]]
        assert page["totalResultSize"] == 41
        if "nextPageToken" not in page:
            break
        page = api.jobs(pageToken=page["nextPageToken"], pageSize=size).json()["payload"]
    assert len(seen) == 41
    assert set(seen) == {f"job-{number:03}" for number in range(41)}
    if field == "JOB_DATE":
        assert seen == sorted(seen, reverse=order == "DESC")


def test_a_page_leads_back(api: Any) -> None:
    api.load(jobs=[make(number) for number in range(45)])
    first = api.jobs().json()["payload"]
    assert "previousPageToken" not in first
    second = api.jobs(pageToken=first["nextPageToken"]).json()["payload"]
    back = api.jobs(pageToken=second["previousPageToken"]).json()["payload"]
    assert back == first


def test_new_jobs_between_pages_neither_double_nor_hide_others(api: Any) -> None:
    api.load(jobs=[make(number) for number in range(30)])
    first = api.jobs().json()["payload"]
    api.control("jobs", make(0, serviceJobId="job-000-new"))
    rest = api.jobs(pageToken=first["nextPageToken"])
    assert ids(rest) == [f"job-{number:03}" for number in range(20, 30)]


def test_a_token_keeps_its_filters(api: Any) -> None:
    api.load(jobs=[make(number) for number in range(41)])
    first = api.jobs(serviceJobStatus="HOLD", pageSize=5).json()["payload"]
    second = api.jobs(pageToken=first["nextPageToken"]).json()["payload"]
    assert first["totalResultSize"] == 8
    assert {one["serviceJobStatus"] for one in second["jobs"]} == {"HOLD"}


@pytest.mark.parametrize(
    "query",
    [
        {"serviceOrderIds": "111-1111111-1111111,9"},
        {"productOrderIds": "222-2222222-2222222"},
        {"trackingIds": ["TBA9", "TBA123-X"]},
        {"asins": "B000000001"},
        {"asins": "B000000002"},
        {"requiredSkills": "WALL"},
        {"storeIds": "store-1,store-2"},
        {"serviceJobStatus": "CANCELLED"},
        {"scheduleStartDate": "2026-03-01T10:00:00Z"},
        {"scheduleEndDate": "2026-03-01T10:00:00Z"},
        {"scheduleStartDate": "2026-03-01", "scheduleEndDate": "2026-03-02"},
        {"createdAfter": "2026-01-01T00:00:00Z", "createdBefore": "2026-01-01T00:00:00Z"},
        {"createdAfter": "2025-12-31T19:00:00-05:00", "asins": "B000000001"},
    ],
)
def test_filters_find(api: Any, query: dict[str, Any]) -> None:
    api.load(jobs=[RICH, make(2, createTime="2026-01-02T00:00:00Z")])
    assert ids(api.jobs(**query)) == ["job-001"]


@pytest.mark.parametrize(
    "query",
    [
        {"serviceOrderIds": "999"},
        {"requiredSkills": "PLUMBING"},
        {"serviceJobStatus": "COMPLETED"},
        {"scheduleStartDate": "2026-04-01T00:00:00Z"},
        {"scheduleEndDate": "2026-02-01T00:00:00Z"},
        {"createdAfter": "2026-01-01T00:00:01Z"},
    ],
)
def test_filters_leave_out(api: Any, query: dict[str, Any]) -> None:
    api.load(jobs=[RICH])
    assert ids(api.jobs(**query)) == []


@pytest.mark.parametrize(
    "query",
    [
        {"marketplaceIds": None},
        {"marketplaceIds": f"{US},A1PA6795UKMFR9"},
        {"createdAfter": None},
        {"lastUpdatedAfter": "2026-01-01T00:00:00Z", "createdAfter": "2026-01-01T00:00:00Z"},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2026-02-31T00:00:00Z"},
        {"createdAfter": "2026-02-02", "createdBefore": "2026-01-01"},
        {"scheduleStartDate": "2026-02-02", "scheduleEndDate": "2026-01-01"},
        {"pageSize": 0},
        {"pageSize": 21},
        {"pageSize": "many"},
        {"sortField": "JOB_NAME"},
        {"sortOrder": "UP"},
        {"serviceJobStatus": "LOST"},
        {"serviceOrderIds": "12a"},
        {"trackingIds": "a_b"},
        {"asins": "B00"},
        {"requiredSkills": "x" * 51},
        {"serviceOrderIds": ",".join(["1"] * 21)},
        {"storeIds": ",".join(["s"] * 51)},
        {"asins": ""},
        {"pageToken": "nonsense"},
        {"pageToken": "ü"},
        {"pageToken": base64.urlsafe_b64encode(b"[]").decode()},
        {"pageToken": base64.urlsafe_b64encode(json.dumps({"filters": {}}).encode()).decode()},
    ],
)
def test_what_the_model_forbids_is_refused(api: Any, query: dict[str, Any]) -> None:
    query = {"marketplaceIds": US, "createdAfter": "2026-01-01T00:00:00Z", **query}
    answer = api.call("GET", "/serviceJobs", **query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


def test_fifty_stores_are_allowed(api: Any) -> None:
    assert ids(api.jobs(storeIds=",".join(["s"] * 50))) == []


def test_what_the_model_does_not_know_is_ignored(api: Any) -> None:
    api.load(jobs=[RICH])
    assert ids(api.jobs(MarketplaceIds="x", marketplace_ids="y")) == ["job-001"]


def test_a_change_shows_in_last_updated_but_not_in_the_payload(api: Any) -> None:
    api.load(now="2026-04-01T00:00:00Z", jobs=[make(0), make(3)])
    api.control("settings", {"now": "2026-04-02T00:00:00Z"})
    assert api.call("PUT", "/serviceJobs/job-003/cancellations", cancellationReasonCode="V1").ok
    assert ids(api.jobs(lastUpdatedAfter="2026-04-01T12:00:00Z")) == ["job-003"]
    window = {"lastUpdatedAfter": "2026-03-01", "lastUpdatedBefore": "2026-04-01T12:00:00Z"}
    assert ids(api.jobs(**window)) == ["job-000"]
    assert "lastUpdated" not in json.dumps(api.job("job-003"))


def test_the_answer_fits_the_model(api: Any, schema: Any) -> None:
    api.load(jobs=[RICH, *(make(number) for number in range(2, 30))])
    assert schema.problems("GetServiceJobsResponse", api.jobs().json()) == []


def test_what_changes_between_two_requests_shows_in_the_second(api: Any) -> None:
    api.load(jobs=[{"serviceJobId": "a", "serviceJobStatus": "PENDING_SCHEDULE"}])
    query = {"serviceJobStatus": "PENDING_SCHEDULE"}
    assert api.jobs(**query).json()["payload"]["totalResultSize"] == 1
    api.control("jobs", {"serviceJobId": "b", "serviceJobStatus": "PENDING_SCHEDULE"})
    assert api.jobs(**query).json()["payload"]["totalResultSize"] == 2
    api.call("PUT", "/serviceJobs/a/cancellations", cancellationReasonCode="V1")
    [left] = api.jobs(**query).json()["payload"]["jobs"]
    assert left["serviceJobId"] == "b"
    api.load()
    assert api.jobs(**query).json()["payload"]["totalResultSize"] == 0


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_pages_lead_through_all_jobs_and_back(api: Any, order: str) -> None:
    api.load(
        jobs=[
            {"serviceJobId": f"job-{n:02}", "createTime": f"2026-06-{1 + n // 3:02}T00:00:00Z"}
            for n in range(23)
        ]
    )

    def page(**query: Any) -> tuple[list[str], dict[str, Any]]:
        payload = api.jobs(pageSize=5, sortOrder=order, **query).json()["payload"]
        return [one["serviceJobId"] for one in payload["jobs"]], payload

    there, (ids, payload) = [], page()
    while True:
        there.append(ids)
        if "nextPageToken" not in payload:
            break
        ids, payload = page(pageToken=payload["nextPageToken"])
    flat = [one for ids in there for one in ids]
    assert flat == sorted(flat, reverse=order == "DESC")
    assert len(flat) == 23
    back = []
    while "previousPageToken" in payload:
        ids, payload = page(pageToken=payload["previousPageToken"])
        back.append(ids)
    assert back == there[-2::-1]
