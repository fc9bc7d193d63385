"""Capacity, schedules, reservations and slots."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.sandbox.realm import DE, US

DAY = {"startDateTime": "2026-06-01T00:00:00Z", "endDateTime": "2026-06-02T00:00:00Z"}
TYPES = ["SCHEDULED_CAPACITY", "AVAILABLE_CAPACITY", "ENCUMBERED_CAPACITY", "RESERVED_CAPACITY"]
SHIFT = {"startTime": "2026-06-01T08:00:00Z", "endTime": "2026-06-01T16:00:00Z", "capacity": 2}
JOB = {
    "serviceJobId": "job-1",
    "serviceJobStatus": "NOT_SERVICED",
    "appointments": [
        {
            "appointmentId": "appointment-1",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": "2026-06-01T09:00:00Z", "durationInMinutes": 60},
            "assignedTechnicians": [{"technicianId": "T1"}],
        }
    ],
}


def measure(api: Any, kind: str, body: dict[str, Any], name: str = "T1", **query: Any) -> Any:
    query.setdefault("marketplaceIds", US)
    return api.call("POST", f"/serviceResources/{name}/capacity/{kind}", body, **query)


def schedule(api: Any, *records: dict[str, Any], name: str = "T1") -> Any:
    path = f"/serviceResources/{name}/schedules"
    return api.call("PUT", path, {"schedules": [*records]}, marketplaceIds=api.marketplace)


def reserve(api: Any, start: str, end: str, **more: Any) -> Any:
    reservation = {"type": "BREAK", "availability": {"startTime": start, "endTime": end}}
    body = {"resourceId": "T1", "reservation": reservation, **more}
    return api.call("POST", "/reservation", body, marketplaceIds=US)


def test_ranges_add_up(api: Any, schema: Any) -> None:
    api.load(jobs=[JOB], resources=[{"resourceId": "T1", "schedules": [SHIFT]}])
    reserve(api, "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z")
    found = measure(api, "range", {**DAY, "capacityTypes": TYPES}).json()
    assert schema.problems("RangeSlotCapacity", found) == []
    slots = {
        one["capacityType"]: [(s["startDateTime"][11:16], s["capacity"]) for s in one["slots"]]
        for one in found["capacities"]
    }
    assert slots["SCHEDULED_CAPACITY"] == [("00:00", 0), ("08:00", 2), ("16:00", 0)]
    assert slots["ENCUMBERED_CAPACITY"] == [("00:00", 0), ("09:00", 1), ("10:00", 0)]
    assert slots["RESERVED_CAPACITY"] == [("00:00", 0), ("12:00", 1), ("13:00", 0)]
    assert [capacity for _, capacity in slots["AVAILABLE_CAPACITY"]] == [0, 2, 1, 2, 1, 2, 0]


def test_fixed_slots_are_paged(api: Any, schema: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    body = {**DAY, "endDateTime": "2026-06-03T00:00:00Z", "slotDuration": 5}
    first = measure(api, "fixed", body).json()
    assert schema.problems("FixedSlotCapacity", first) == []
    second = measure(api, "fixed", body, nextPageToken=first["nextPageToken"]).json()
    starts = [one["startDateTime"] for one in first["capacities"] + second["capacities"]]
    assert len(starts) == len(set(starts)) == 2 * 24 * 12
    assert "nextPageToken" not in second
    assert first["capacities"][0] == {"startDateTime": DAY["startDateTime"], "scheduledCapacity": 1}


def test_long_ranges_are_paged(api: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    body = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2026-05-01T00:00:00Z"}
    first = measure(api, "range", body).json()
    second = measure(api, "range", body, nextPageToken=first["nextPageToken"]).json()
    ends = [page["capacities"][0]["slots"][-1]["endDateTime"] for page in (first, second)]
    assert second["capacities"][0]["slots"][0]["startDateTime"] == ends[0]
    assert ends[1] == body["endDateTime"]


@pytest.mark.parametrize(
    ("kind", "changes", "query", "status"),
    [
        ("range", {"startDateTime": None}, {}, 400),
        ("range", {"startDateTime": "x"}, {}, 400),
        ("range", {"endDateTime": DAY["startDateTime"]}, {}, 400),
        ("range", {"capacityTypes": ["ANY"]}, {}, 400),
        ("range", {"capacityTypes": "SCHEDULED_CAPACITY"}, {}, 400),
        ("range", {}, {"marketplaceIds": None}, 400),
        ("range", {}, {"nextPageToken": "%%%"}, 400),
        ("range", {}, {"nextPageToken": "MjAyMS0wMS0wMVQwMDowMDowMFo="}, 400),
        ("fixed", {"slotDuration": 7}, {}, 400),
        ("fixed", {"slotDuration": 365}, {}, 400),
        ("fixed", {"slotDuration": "30"}, {}, 400),
        ("fixed", {"slotDuration": None}, {}, 400),
    ],
)
def test_odd_questions_are_refused(
    api: Any, kind: str, changes: dict[str, Any], query: dict[str, Any], status: int
) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    answer = measure(api, kind, {**DAY, **changes}, **query)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


def test_an_unknown_technician_has_no_capacity(api: Any) -> None:
    assert measure(api, "range", DAY, "nobody").status_code == 404


def test_a_schedule_recurs(api: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    recurrence = {"endTime": "2026-06-30T00:00:00Z", "daysOfWeek": ["MONDAY", "WEDNESDAY"]}
    assert schedule(api, {**SHIFT, "recurrence": recurrence}).json() == {}
    week = {**DAY, "endDateTime": "2026-06-08T00:00:00Z"}
    slots = measure(api, "range", week).json()["capacities"][0]["slots"]
    working = [one["startDateTime"] for one in slots if one["capacity"]]
    assert working == ["2026-06-01T08:00:00Z", "2026-06-03T08:00:00Z"]


def test_days_of_the_month_recur_too(api: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    recurrence = {"endTime": "2026-06-30T00:00:00Z", "daysOfMonth": [4]}
    schedule(api, {**SHIFT, "recurrence": recurrence})
    week = {**DAY, "endDateTime": "2026-06-08T00:00:00Z"}
    slots = measure(api, "range", week).json()["capacities"][0]["slots"]
    assert [one["startDateTime"] for one in slots if one["capacity"]] == ["2026-06-04T08:00:00Z"]


def test_a_second_schedule_warns_of_what_it_replaces(api: Any, schema: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    assert schedule(api, SHIFT).json() == {}
    warned = schedule(api, {**SHIFT, "endTime": "2026-06-01T12:00:00Z"}).json()
    assert warned["payload"][0]["warnings"][0]["code"] == "ScheduleOverride"
    assert schema.problems("UpdateScheduleResponse", warned) == []
    slots = measure(api, "range", DAY).json()["capacities"][0]["slots"]
    assert slots[1]["endDateTime"] == "2026-06-01T12:00:00Z"


def test_short_schedules_answer_200_with_errors(api: Any, connect: Any) -> None:
    short = {"startTime": "2026-06-01T08:00:00Z", "endTime": "2026-06-01T08:20:00Z"}
    api.load(resources=[{"resourceId": "T1"}, {"resourceId": "T2", "marketplaceId": DE}])
    german = connect(api.url, "Atzr|sandbox-de", DE)
    assert schedule(api, short).json() == {}
    answer = schedule(german, short, name="T2")
    assert answer.status_code == 200
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "record",
    [
        "x",
        {},
        {"startTime": "2026-06-01T08:00:00Z"},
        {**SHIFT, "endTime": SHIFT["startTime"]},
        {**SHIFT, "capacity": 0},
        {**SHIFT, "recurrence": {}},
        {**SHIFT, "recurrence": "daily"},
        {**SHIFT, "recurrence": {"endTime": "2026-06-30", "daysOfWeek": ["FUNDAY"]}},
        {**SHIFT, "recurrence": {"endTime": "2026-06-30", "daysOfMonth": [32]}},
        {**SHIFT, "recurrence": {"endTime": "2026-06-30", "daysOfWeek": "MONDAY"}},
    ],
)
def test_a_malformed_schedule_is_a_400(api: Any, record: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    assert schedule(api, record).status_code == 400


def test_a_reservation_comes_changes_its_id_and_goes(api: Any, schema: Any) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    created = reserve(api, "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z").json()
    assert schema.problems("CreateReservationResponse", created) == []
    first = created["payload"]["reservation"]["reservationId"]
    later = {"startTime": "2026-06-01T14:00:00Z", "endTime": "2026-06-01T15:00:00Z"}
    body = {"resourceId": "T1", "reservation": {"type": "TRAVEL", "availability": later}}
    path = f"/reservation/{first}"
    updated = api.call("PUT", path, body, marketplaceIds=US).json()
    assert schema.problems("UpdateReservationResponse", updated) == []
    second = updated["payload"]["reservation"]["reservationId"]
    assert second != first
    assert [one["reservation"]["type"] for one in api.control("state")["reservations"]] == [
        "TRAVEL"
    ]
    gone = [api.call("DELETE", f"/reservation/{second}", marketplaceIds=US) for _ in range(2)]
    assert [one.status_code for one in gone] == [204, 404]
    assert api.call("PUT", path, body, marketplaceIds=US).status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"resourceId": None},
        {"reservation": None},
        {"reservation": {"type": "NAP", "availability": SHIFT}},
        {"reservation": {"type": "BREAK"}},
        {"reservation": {"availability": SHIFT}},
    ],
)
def test_a_malformed_reservation_is_a_400(api: Any, more: dict[str, Any]) -> None:
    api.load(resources=[{"resourceId": "T1"}])
    answer = reserve(api, "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", **more)
    assert answer.status_code == 400


def test_a_reservation_needs_the_marketplace_in_the_query(api: Any) -> None:
    body = {"resourceId": "T1", "marketplaceIds": [US], "reservation": {}}
    assert api.call("POST", "/reservation", body).status_code == 400


def test_a_strangers_reservation_answers_200_with_errors(api: Any) -> None:
    answer = reserve(api, "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", resourceId="nobody")
    assert answer.status_code == 200
    assert answer.json()["errors"]


def slots(api: Any, **query: Any) -> Any:
    query.setdefault("marketplaceIds", US)
    return api.call("GET", "/serviceJobs/job-1/appointmentSlots", **query)


def test_slots_show_full_ones_too(api: Any, schema: Any) -> None:
    api.load(now="2026-06-01T00:30:00Z", jobs=[JOB])
    api.control("slots", {"startTime": "2026-06-01T02:00:00Z", "capacity": 0})
    window = {"startTime": "2026-06-01T00:00:00Z", "endTime": "2026-06-01T04:00:00Z"}
    found = slots(api, **window).json()
    assert schema.problems("GetAppointmentSlotsResponse", found) == []
    assert [one["capacity"] for one in found["payload"]["appointmentSlots"]] == [0, 20, 0, 20]


def test_bookings_use_up_a_slot(api: Any) -> None:
    api.load(now="2026-06-01T00:00:00Z", jobs=[JOB, {**JOB, "serviceJobId": "job-2"}])
    window = {"startTime": "2026-06-01T09:00:00Z", "endTime": "2026-06-01T11:00:00Z"}
    listed = slots(api, **window).json()["payload"]["appointmentSlots"]
    assert [one["capacity"] for one in listed] == [19, 20]


def test_slots_without_a_range_begin_with_the_next_hour(api: Any) -> None:
    api.load(now="2026-06-01T08:20:00Z", jobs=[JOB])
    payload = slots(api).json()["payload"]
    assert payload["startTime"] == "2026-06-01T09:00:00Z"
    assert len(payload["appointmentSlots"]) == 14 * 24


@pytest.mark.parametrize(
    "query",
    [
        {"marketplaceIds": None},
        {"startTime": "2026-06-01T00:00:00Z"},
        {"endTime": "2026-06-01T00:00:00Z"},
        {"startTime": "x", "endTime": "2026-06-01T00:00:00Z"},
        {"startTime": "2026-06-01T00:00:00Z", "endTime": "2026-06-01T00:00:00Z"},
        {"startTime": "2026-06-01T00:00:00Z", "endTime": "2026-08-30T00:00:01Z"},
    ],
)
def test_odd_ranges_are_refused(api: Any, query: dict[str, Any]) -> None:
    api.load(jobs=[JOB])
    assert slots(api, **query).status_code == 400
    by_store = {"asin": "B000000001", "storeId": "s", "marketplaceIds": US, **query}
    assert api.call("GET", "/appointmentSlots", **by_store).status_code == 400


def test_ninety_days_are_allowed(api: Any) -> None:
    api.load(jobs=[JOB])
    window = {"startTime": "2026-06-01T00:00:00Z", "endTime": "2026-08-30T00:00:00Z"}
    assert slots(api, **window).status_code == 200


def test_slots_need_a_job_or_a_service_and_store(api: Any) -> None:
    assert slots(api).status_code == 422
    answer = api.call("GET", "/appointmentSlots", marketplaceIds=US)
    assert answer.json()["errors"][0]["message"].endswith("[asin, storeId]")
