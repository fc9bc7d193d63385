"""One world that all seventeen operations can be tried in, and what each leaves in it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dispatch.spapi import ApiResponse, Services
from tests import limits
from tests.conftest import Amazon, MakeJob

State = dict[str, Any]

NEW, SET = "JOB-NEW", "JOB-SET"
"""A job without an appointment, and one with."""
VISIT = "JOB-SET_visit"
HOUR = dt.timedelta(hours=1)
TODAY = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
"""A full hour: every one is a slot."""
SOON, LATER = TODAY + dt.timedelta(days=3), TODAY + dt.timedelta(days=5)
KEPT = "456"
"""A reservation that is there already."""


def iso(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def build(amazon: Amazon, make_job: MakeJob) -> None:
    """Replace the sandbox's world by ours."""
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": iso(SOON), "durationInMinutes": 60},
    }
    amazon.scenario(
        make_job(NEW),
        make_job(SET, serviceJobStatus="NOT_SERVICED", appointments=[visit]),
        reservations=[
            {
                "resourceId": "TECH-LUIS",
                "reservation": {"reservationId": KEPT, **leave(LATER)},
            }
        ],
    )


def leave(start: dt.datetime) -> dict[str, Any]:
    span = {"startTime": iso(start), "endTime": iso(start + HOUR)}
    return {"type": "VACATION", "availability": span}


def job(state: State, service_job_id: str) -> dict[str, Any]:
    return next(one for one in state["jobs"] if one["serviceJobId"] == service_job_id)


def visits(state: State, service_job_id: str) -> list[dict[str, Any]]:
    """Every appointment the job ever had: a doubled one would stay for good."""
    found: list[dict[str, Any]] = job(state, service_job_id).get("appointments", [])
    return found


def active(state: State, service_job_id: str) -> list[str]:
    """When the job's active appointments begin."""
    return [
        visit["appointmentTime"]["startTime"]
        for visit in visits(state, service_job_id)
        if visit["appointmentStatus"] == "ACTIVE"
    ]


def reserved(state: State) -> list[tuple[str, str]]:
    """(resource, start) of every reservation."""
    return [
        (one["resourceId"], one["reservation"]["availability"]["startTime"].replace(".000", ""))
        for one in state["reservations"]
    ]


def assigned(state: State) -> list[str]:
    staff = visits(state, SET)[0].get("assignedTechnicians") or []
    return [one["technicianId"] for one in staff]


def scheduled(state: State) -> bool:
    return any(one["schedules"] for one in state["resources"] if one["resourceId"] == "TECH-TOM")


@dataclass(frozen=True)
class Try:
    """One call of an operation, and what shows afterwards that it was done exactly once."""

    send: Callable[[Services], ApiResponse]
    before: Callable[[State], bool] = field(default=lambda state: True)
    after: Callable[[State], bool] = field(default=lambda state: True)


SPAN = {"startDateTime": iso(SOON), "endDateTime": iso(SOON + 4 * HOUR)}
TRIES: dict[str, Try] = {
    "getServiceJobByServiceJobId": Try(lambda s: s.get_service_job_by_service_job_id(SET)),
    "getServiceJobs": Try(lambda s: s.get_service_jobs(createdAfter="2020-01-01T00:00:00Z")),
    "getAppointmmentSlotsByJobId": Try(lambda s: s.get_appointmment_slots_by_job_id(NEW)),
    "getAppointmentSlots": Try(
        lambda s: s.get_appointment_slots(asin="B07BB1RGT5", storeId="OH-COL-04")
    ),
    "getRangeSlotCapacity": Try(lambda s: s.get_range_slot_capacity("TECH-TOM", **SPAN)),
    "getFixedSlotCapacity": Try(
        lambda s: s.get_fixed_slot_capacity("TECH-TOM", slotDuration=60, **SPAN)
    ),
    "createServiceDocumentUploadDestination": Try(
        lambda s: s.create_service_document_upload_destination(contentType="PNG", contentLength=9)
    ),
    "assignAppointmentResources": Try(
        lambda s: s.assign_appointment_resources(
            SET, VISIT, resources=[{"resourceId": "TECH-MAYA"}]
        ),
        before=lambda state: assigned(state) == [],
        after=lambda state: assigned(state) == ["TECH-MAYA"],
    ),
    "setAppointmentFulfillmentData": Try(
        lambda s: s.set_appointment_fulfillment_data(
            SET, VISIT, appointmentResources=[{"resourceId": "TECH-MAYA"}]
        ),
        before=lambda state: job(state, SET)["_sandbox"]["fulfillment"] == {},
        after=lambda state: list(job(state, SET)["_sandbox"]["fulfillment"]) == [VISIT],
    ),
    "updateSchedule": Try(
        lambda s: s.update_schedule(
            "TECH-TOM", schedules=[{"startTime": iso(SOON), "endTime": iso(SOON + HOUR)}]
        ),
        before=lambda state: not scheduled(state),
        after=scheduled,
    ),
    "completeServiceJobByServiceJobId": Try(
        lambda s: s.complete_service_job_by_service_job_id(SET),
        before=lambda state: job(state, SET)["serviceJobStatus"] == "NOT_SERVICED",
        after=lambda state: job(state, SET)["serviceJobStatus"] == "COMPLETED",
    ),
    "cancelServiceJobByServiceJobId": Try(
        lambda s: s.cancel_service_job_by_service_job_id(SET, cancellationReasonCode="V1"),
        before=lambda state: job(state, SET)["serviceJobStatus"] == "NOT_SERVICED",
        after=lambda state: job(state, SET)["serviceJobStatus"] == "CANCELLED",
    ),
    "addAppointmentForServiceJobByServiceJobId": Try(
        lambda s: s.add_appointment_for_service_job_by_service_job_id(
            NEW, appointmentTime={"startTime": iso(LATER)}
        ),
        before=lambda state: visits(state, NEW) == [],
        after=lambda state: len(visits(state, NEW)) == 1 and active(state, NEW) == [iso(LATER)],
    ),
    "rescheduleAppointmentForServiceJobByServiceJobId": Try(
        lambda s: s.reschedule_appointment_for_service_job_by_service_job_id(
            SET, VISIT, appointmentTime={"startTime": iso(LATER)}, rescheduleReasonCode="R1"
        ),
        before=lambda state: len(visits(state, SET)) == 1 and active(state, SET) == [iso(SOON)],
        after=lambda state: len(visits(state, SET)) == 2 and active(state, SET) == [iso(LATER)],
    ),
    "createReservation": Try(
        lambda s: s.create_reservation(resourceId="TECH-TOM", reservation=leave(SOON)),
        before=lambda state: reserved(state) == [("TECH-LUIS", iso(LATER))],
        after=lambda state: (
            sorted(reserved(state)) == [("TECH-LUIS", iso(LATER)), ("TECH-TOM", iso(SOON))]
        ),
    ),
    "updateReservation": Try(
        lambda s: s.update_reservation(KEPT, resourceId="TECH-LUIS", reservation=leave(SOON)),
        before=lambda state: reserved(state) == [("TECH-LUIS", iso(LATER))],
        after=lambda state: reserved(state) == [("TECH-LUIS", iso(SOON))],
    ),
    "cancelReservation": Try(
        lambda s: s.cancel_reservation(KEPT),
        before=lambda state: reserved(state) == [("TECH-LUIS", iso(LATER))],
        after=lambda state: reserved(state) == [],
    ),
}


class Naps(list[float]):
    """Sleeps that are only written down, on a clock that they move."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.append(seconds)

    def clock(self) -> float:
        return time.time() + sum(self)


def calls_once_quiet(amazon: Amazon, operation: str, at_least: int) -> list[int]:
    """The statuses of the calls that arrived, once those still being answered are through.

    No fault lies in wait any longer, and none holds anything back.
    """
    amazon.faults()
    limits.wait_until(
        lambda: amazon.quiet() and len(amazon.calls(operation)) >= at_least, f"{operation}"
    )
    return [call["status"] for call in amazon.calls(operation)]
