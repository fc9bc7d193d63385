"""An appointment's life: booked, moved, staffed, done or called off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def job(job_id: str = "job-1", status: str = "PENDING_SCHEDULE", **more: Any) -> dict[str, Any]:
    return {"serviceJobId": job_id, "serviceJobStatus": status, **more}


def add(api: Any, start: str, job_id: str = "job-1", **time: Any) -> Any:
    body = {"appointmentTime": {"startTime": start, **time}}
    return api.call("POST", f"/serviceJobs/{job_id}/appointments", body)


def move(api: Any, appointment_id: str, start: str, code: str | None = "R1") -> Any:
    body = {"appointmentTime": {"startTime": start}, "rescheduleReasonCode": code}
    return api.call("POST", f"/serviceJobs/job-1/appointments/{appointment_id}", body)


def assign(api: Any, appointment_id: str, *names: str, job_id: str = "job-1") -> Any:
    body = {"resources": [{"resourceId": one} for one in names]}
    path = f"/serviceJobs/{job_id}/appointments/{appointment_id}/resources"
    return api.call("PUT", path, body)


def test_a_whole_life(api: Any, tomorrow: Callable[..., str], schema: Any) -> None:
    api.load(jobs=[job()], resources=[{"resourceId": "T1", "name": "Maya"}])

    first = add(api, tomorrow(hour=10)).json()["appointmentId"]
    assert first.startswith("job-1_")
    booked = api.job("job-1")
    assert booked["serviceJobStatus"] == "NOT_SERVICED"
    assert booked["appointments"][0]["appointmentTime"]["startTime"] == tomorrow(hour=10)

    assert assign(api, first, "T1").json() == {}
    second = move(api, first, tomorrow(hour=12)).json()
    assert "warnings" not in second
    old, new = api.job("job-1")["appointments"]
    assert old["appointmentStatus"] == "CANCELLED"
    assert old["rescheduledAppointmentId"] == new["appointmentId"] == second["appointmentId"]
    assert new["appointmentStatus"] == "ACTIVE"
    assert new["assignedTechnicians"] == [{"technicianId": "T1", "name": "Maya"}]

    assert api.call("PUT", "/serviceJobs/job-1/completions").json() == {}
    done = api.job("job-1")
    assert done["serviceJobStatus"] == "COMPLETED"
    assert done["appointments"][1]["appointmentStatus"] == "COMPLETED"
    assert schema.problems("ServiceJob", done) == []


def test_a_second_appointment_is_refused(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job()])
    assert add(api, tomorrow()).status_code == 200
    again = add(api, tomorrow())
    assert again.status_code == 422
    assert "already has an active" in again.json()["errors"][0]["message"]
    assert len(api.job("job-1")["appointments"]) == 1


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("2026-06-02T10:15:00Z", "slot is not available"),
        ("2026-06-01T00:00:00Z", "in the future"),
        ("2026-05-31T10:00:00Z", "in the future"),
        ("2027-06-01T01:00:00Z", "beyond the maximum"),
        ("2026-06-02T10:00:00+02:00", "not in UTC"),
        ("next week", "Could not parse"),
        ("2026-06-31T10:00:00Z", "Could not parse"),
    ],
)
def test_a_start_must_be_right(api: Any, start: str, text: str) -> None:
    api.load(now="2026-06-01T00:00:00Z", jobs=[job()])
    answer = add(api, start)
    assert answer.status_code == 422
    assert text in answer.json()["errors"][0]["message"]
    assert "appointments" not in api.job("job-1")


def test_exactly_365_days_ahead_is_allowed(api: Any) -> None:
    api.load(now="2026-06-01T00:00:00Z", jobs=[job()])
    assert add(api, "2027-06-01T00:00:00Z").status_code == 200


def test_a_taken_slot_is_gone_for_that_job_only(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job(), job("job-2")])
    api.control("slots", {"startTime": tomorrow(), "capacity": 0, "serviceJobId": "job-1"})
    assert add(api, tomorrow()).status_code == 422
    assert add(api, tomorrow(), "job-2").status_code == 200
    api.control("slots", {"startTime": tomorrow(days=2), "capacity": 0})
    assert add(api, tomorrow(days=2)).status_code == 422


def test_the_length_is_amazons(api: Any, tomorrow: Callable[..., str]) -> None:
    wish = {"startTime": tomorrow(), "durationInMinutes": 90}
    api.load(jobs=[job(preferredAppointmentTimes=[wish])])
    assert add(api, tomorrow(), durationInMinutes=60).status_code == 422
    assert add(api, tomorrow(), durationInMinutes=90).status_code == 200
    [appointment] = api.job("job-1")["appointments"]
    assert appointment["appointmentTime"]["durationInMinutes"] == 90


@pytest.mark.parametrize(
    "status", ["CANCELLED", "COMPLETED", "NOT_FULFILLABLE", "PAYMENT_DECLINED"]
)
def test_a_closed_job_takes_no_appointment(
    api: Any, tomorrow: Callable[..., str], status: str
) -> None:
    api.load(jobs=[job(status=status)])
    assert add(api, tomorrow()).status_code == 422


def test_a_job_on_hold_does(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job(status="HOLD")])
    assert add(api, tomorrow()).status_code == 200
    assert api.job("job-1")["serviceJobStatus"] == "NOT_SERVICED"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"appointmentTime": None},
        {"appointmentTime": "2026"},
        {"appointmentTime": {}},
        {"appointmentTime": {"startTime": 5}},
        {"appointmentTime": {"startTime": "2026-06-02T10:00:00Z", "durationInMinutes": "60"}},
        {"appointmentTime": {"startTime": "2026-06-02T10:00:00Z", "durationInMinutes": True}},
    ],
)
def test_a_malformed_booking_is_a_400(api: Any, body: dict[str, Any]) -> None:
    api.load(jobs=[job()])
    answer = api.call("POST", "/serviceJobs/job-1/appointments", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


def test_moving_needs_a_known_reason_and_an_active_appointment(
    api: Any, tomorrow: Callable[..., str]
) -> None:
    api.load(jobs=[job()], rescheduleReasonCodes=["R1", {"code": "RS1", "label": "…"}])
    first = add(api, tomorrow()).json()["appointmentId"]
    assert move(api, first, tomorrow(days=2), code="U1").status_code == 422
    assert move(api, first, tomorrow(days=2), code=None).status_code == 400
    assert move(api, "another-appointment", tomorrow(days=2)).status_code == 422
    assert move(api, first, tomorrow(days=2), code="RS1").status_code == 200
    assert move(api, first, tomorrow(days=3)).status_code == 422
    assert len(api.job("job-1")["appointments"]) == 2


def test_busy_technicians_are_dropped_on_a_move(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(
        jobs=[job(), job("job-2")],
        resources=[{"resourceId": "T1"}, {"resourceId": "T2"}],
    )
    first = add(api, tomorrow(hour=8)).json()["appointmentId"]
    assign(api, first, "T1", "T2")
    other = add(api, tomorrow(hour=12), "job-2").json()["appointmentId"]
    assign(api, other, "T1", job_id="job-2")
    moved = move(api, first, tomorrow(hour=12)).json()
    assert moved["warnings"][0]["message"] == "Unassigned resources : T1"
    kept = api.job("job-1")["appointments"][1]["assignedTechnicians"]
    assert [one["technicianId"] for one in kept] == ["T2"]


def test_assigning_replaces_the_list_and_warns_of_overlaps(
    api: Any, tomorrow: Callable[..., str]
) -> None:
    api.load(
        jobs=[job(), job("job-2")],
        resources=[{"resourceId": "T1"}, {"resourceId": "T2"}],
    )
    first = add(api, tomorrow()).json()["appointmentId"]
    other = add(api, tomorrow(), "job-2").json()["appointmentId"]
    assert assign(api, other, "T2", job_id="job-2").json() == {}
    warned = assign(api, first, "T2").json()
    assert warned["payload"]["warnings"][0]["code"] == "RESOURCES_OVERBOOKED"
    assert assign(api, first, "T1").json() == {}
    [appointment] = api.job("job-1")["appointments"]
    assert [one["technicianId"] for one in appointment["assignedTechnicians"]] == ["T1"]


SCOPE = {
    "scopeOfWork": {"requiredSkills": ["TV"]},
    "storeId": "store-1",
    "serviceLocation": {"serviceLocationType": "IN_HOME"},
}
ALL_SKILLS = {"name": "One", "skills": ["TV", "WALL"], "storeIds": ["store-1"]}


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ("RESOURCES_MISMATCHED_SERVICE_LOCATION_TYPE", {"serviceLocationTypes": ["IN_STORE"]}),
        ("RESOURCES_MISSING_REQUIRED_SKILLS", {"skills": ["WALL"]}),
        ("RESOURCES_NOT_AVAILABLE_IN_LOCATION", {"storeIds": ["store-2"]}),
        ("RESOURCES_BACKGROUND_CHECK_INCOMPLETE", {"backgroundCheck": "INCOMPLETE"}),
        (
            "RESOURCES_NOT_AVAILABLE_IN_TIME_WINDOW",
            {"schedules": [{"startTime": "2020-01-01T00:00Z", "endTime": "2020-01-02T00:00Z"}]},
        ),
    ],
)
def test_each_flaw_has_its_code(
    api: Any, tomorrow: Callable[..., str], code: str, flaw: dict[str, Any]
) -> None:
    flawed = [{"resourceId": name, **ALL_SKILLS, **flaw} for name in ("T1", "T2")]
    fine = {"resourceId": "T3", **ALL_SKILLS}
    api.load(jobs=[job(**SCOPE)], resources=[*flawed, fine])
    first = add(api, tomorrow()).json()["appointmentId"]
    answer = assign(api, first, "T1", "T2", "T3")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["code"] == code
    assert error["message"].endswith("Applicable resources: T1,T2")
    assert "assignedTechnicians" not in api.job("job-1")["appointments"][0]


def test_strangers_and_flaws_are_told_together(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job(**SCOPE)], resources=[{"resourceId": "T1", "skills": []}])
    first = add(api, tomorrow()).json()["appointmentId"]
    codes = [one["code"] for one in assign(api, first, "T1", "X").json()["errors"]]
    assert codes == [
        "RESOURCES_MISSING_REQUIRED_SKILLS",
        "RESOURCES_NOT_REGISTERED_UNDER_MERCHANT",
    ]


def test_a_reservation_makes_a_technician_unavailable(
    api: Any, tomorrow: Callable[..., str]
) -> None:
    away = {"startTime": tomorrow(hour=9), "endTime": tomorrow(hour=11)}
    reservation = {"reservationId": "1", "type": "VACATION", "availability": away}
    api.load(
        jobs=[job()],
        resources=[{"resourceId": "T1"}],
        reservations=[{"resourceId": "T1", "reservation": reservation}],
    )
    first = add(api, tomorrow(hour=10)).json()["appointmentId"]
    errors = assign(api, first, "T1").json()["errors"]
    assert errors[0]["code"] == "RESOURCES_NOT_AVAILABLE_IN_TIME_WINDOW"


@pytest.mark.parametrize("resources", [None, [], "T1", [{}], ["T1"], [{"resourceId": 5}]])
def test_a_malformed_assignment_is_a_400(
    api: Any, tomorrow: Callable[..., str], resources: Any
) -> None:
    api.load(jobs=[job()], resources=[{"resourceId": "T1"}])
    first = add(api, tomorrow()).json()["appointmentId"]
    path = f"/serviceJobs/job-1/appointments/{first}/resources"
    assert api.call("PUT", path, {"resources": resources}).status_code == 400


def test_cancelling_takes_the_appointment_along(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job()], cancellationReasonCodes=["V1", "V9"])
    add(api, tomorrow())
    path = "/serviceJobs/job-1/cancellations"
    assert api.call("PUT", path).status_code == 400
    assert api.call("PUT", path, cancellationReasonCode="v1").status_code == 400
    assert api.call("PUT", path, cancellationReasonCode="INV1").status_code == 422
    assert api.call("PUT", path, cancellationReasonCode="V9").json() == {}
    gone = api.job("job-1")
    assert gone["serviceJobStatus"] == "CANCELLED"
    assert gone["appointments"][0]["appointmentStatus"] == "CANCELLED"
    assert api.call("PUT", path, cancellationReasonCode="V9").status_code == 422


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED", "PENDING_SCHEDULE"])
def test_only_a_booked_job_is_completed(api: Any, status: str) -> None:
    api.load(jobs=[job(status=status)])
    assert api.call("PUT", "/serviceJobs/job-1/completions").status_code == 422


def test_a_scenario_may_demand_fulfilment_first(api: Any, tomorrow: Callable[..., str]) -> None:
    api.load(jobs=[job()], requireFulfillment=True)
    first = add(api, tomorrow()).json()["appointmentId"]
    assert api.call("PUT", "/serviceJobs/job-1/completions").status_code == 422
    path = f"/serviceJobs/job-1/appointments/{first}/fulfillment"
    times = {"startTime": "2026-01-01T10:00:00Z", "endTime": "2026-01-01T11:00:00Z"}
    assert api.call("PUT", path, {"fulfillmentTime": times}).status_code == 204
    assert api.call("PUT", "/serviceJobs/job-1/completions").status_code == 200
    [kept] = api.control("state")["jobs"]
    assert kept["_sandbox"]["fulfillment"][first] == {"fulfillmentTime": times}
