"""Adds an appointment to a job, and moves it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from dispatch.sandbox.replies import JsonDict, Refusal, Reply, as_json, invalid, missing
from dispatch.sandbox.rules import slots
from dispatch.sandbox.rules.call import Call, absent, find_job
from dispatch.sandbox.times import is_utc, iso, parse
from dispatch.sandbox.world import Job

_CLOSED = {"CANCELLED", "COMPLETED", "NOT_FULFILLABLE", "PAYMENT_DECLINED"}


def add(call: Call) -> Reply:
    job_id = call.path_value("serviceJobId")
    asked = _asked(call)
    job = find_job(call, job_id, unknown=f"No job exist with jobId : {job_id}")
    start = _utc(asked["startTime"])
    _check_open(job)
    if job.active():
        raise _failed(job, "Job already has an active appointmentId.")
    _check_start(call, job, asked, start)
    return as_json({"appointmentId": _append(call, job, start)["appointmentId"]})


def reschedule(call: Call) -> Reply:
    job_id = call.path_value("serviceJobId")
    appointment_id = call.path_value("appointmentId")
    asked = _asked(call)
    code = call.body.get("rescheduleReasonCode")
    if absent(code) or not isinstance(code, str):
        raise missing("rescheduleReasonCode")
    job = find_job(call, job_id, unknown=f"No job exist with jobId : {job_id}")
    start = _utc(asked["startTime"])
    old = _movable(call, job, appointment_id, code)
    _check_start(call, job, asked, start)
    new, dropped = move(call, job, old, start)
    answer: JsonDict = {"appointmentId": new["appointmentId"]}
    if dropped:
        message = f"Unassigned resources : {','.join(dropped)}"
        answer["warnings"] = [{"code": "RESOURCES_UNASSIGNED", "message": message}]
    return as_json(answer)


def _movable(call: Call, job: Job, appointment_id: str, code: str) -> JsonDict:
    """Return the appointment if it may be moved for this reason; refuses otherwise."""
    old = job.appointment(appointment_id)
    if old is None:
        raise _failed(job, f"No appointment exists with appointmentId: {appointment_id}")
    if code not in call.world.reschedule_codes:
        raise invalid(f"Received invalid input reason code {code} for jobId {job.id}")
    _check_open(job)
    if old.get("appointmentStatus") != "ACTIVE":
        raise _failed(job, f"Appointment {appointment_id} is not active.")
    return old


def move(call: Call, job: Job, old: JsonDict, start: datetime) -> tuple[JsonDict, list[str]]:
    """Replace an appointment; technicians busy at the new time are dropped and named."""
    end = start + timedelta(minutes=job.duration)
    busy = call.world.busy(start, end, without=job.id)
    technicians = old.get("assignedTechnicians") or []
    old["appointmentStatus"] = "CANCELLED"
    new = _append(call, job, start)
    old["rescheduledAppointmentId"] = new["appointmentId"]
    free = [one for one in technicians if one["technicianId"] not in busy]
    if free:
        new["assignedTechnicians"] = free
    return new, [one["technicianId"] for one in technicians if one["technicianId"] in busy]


def _asked(call: Call) -> JsonDict:
    """Return the appointment time asked for; refuses one that lacks its start."""
    time: Any = call.body.get("appointmentTime")
    if not isinstance(time, dict):
        raise missing("appointmentTime")
    if absent(time.get("startTime")) or not isinstance(time["startTime"], str):
        raise missing("startTime")
    length = time.get("durationInMinutes")
    if length is not None and (not isinstance(length, int) or isinstance(length, bool)):
        raise missing("durationInMinutes")
    return time


def _utc(text: str) -> datetime:
    try:
        start = parse(text)
    except ValueError:
        raise invalid(f"Could not parse given time input {text}.") from None
    if not is_utc(start):
        raise invalid(f"ISO8601 time {text} is not in UTC.")
    return start


def _failed(job: Job, reason: str) -> Refusal:
    return invalid(f"Failed to add appointment for jobId : {job.id}, reason : {reason}")


def _check_open(job: Job) -> None:
    if job.status in _CLOSED:
        raise _failed(job, f"Operation not allowed on job with jobState : {job.status}")


def _check_start(call: Call, job: Job, asked: JsonDict, start: datetime) -> None:
    """Refuse a start in the past, after 365 days, of another length, or in a full slot."""
    if start <= call.now:
        raise _failed(job, "Start time of appointment should be in the future.")
    if start > call.now + timedelta(days=365):
        text = "Start time for appointment is beyond the maximum allowed period of 365 days."
        raise _failed(job, text)
    if asked.get("durationInMinutes", job.duration) != job.duration:
        raise _failed(job, "Duration of appointment is not the configured one.")
    if not slots.has_room(call.world, job, start, call.now):
        raise _failed(job, "Appointment slot is not available.")


def _append(call: Call, job: Job, start: datetime) -> JsonDict:
    appointment: JsonDict = {
        "appointmentId": f"{job.id[:63]}_{uuid.uuid4()}",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": iso(start), "durationInMinutes": job.duration},
    }
    job.payload["appointments"] = [*job.appointments, appointment]
    job.touch(call.now, "NOT_SERVICED")
    call.realm.dirty = True
    return appointment
