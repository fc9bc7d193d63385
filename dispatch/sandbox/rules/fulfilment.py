"""Answers setAppointmentFulfillmentData: several errors at once, as a bare JSON array."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dispatch.sandbox.replies import JsonDict, Refusal, Reply, error, invalid, missing
from dispatch.sandbox.rules import documents
from dispatch.sandbox.rules.call import Call, absent, find_job
from dispatch.sandbox.times import is_utc, parse
from dispatch.sandbox.world import Job

_PARTS = (
    "estimatedArrivalTime",
    "fulfillmentTime",
    "appointmentResources",
    "fulfillmentDocuments",
)
_AGAIN = "Please check the input again."


def put(call: Call) -> Reply:
    try:
        return _put(call)
    except Refusal as refusal:
        raise Refusal(refusal.status, refusal.errors, bare=True) from None


def _put(call: Call) -> Reply:
    job_id, appointment_id = call.path["serviceJobId"], call.path["appointmentId"]
    if absent(job_id) or len(job_id) > 100:
        # The one error of this operation without details.
        raise Refusal(400, [error(**_missing("serviceJobId"), details=None)])
    given = {name: call.body[name] for name in _PARTS if call.body.get(name)}
    if not given:
        raise invalid("No fulfillment artifacts provided in JSON payload.", status=400)
    call.path_value("appointmentId")
    _check_shapes(given)
    job = find_job(call, job_id, unknown=f"No job exist with jobId : {job_id}", spaced=True)
    _check_open(job, appointment_id)
    problems = _problems(call, given)
    if problems:
        raise Refusal(422, [error("InvalidInput", problem) for problem in problems])
    job.fulfillment[appointment_id] = {**job.fulfillment.get(appointment_id, {}), **given}
    job.touch(call.now)
    call.realm.dirty = True
    return Reply(204)


def _missing(name: str) -> dict[str, str]:
    message = f"Missing or invalid request parameters: [{name}]"
    return {"code": "InvalidInput", "message": message}


def _check_shapes(given: JsonDict) -> None:
    """Refuse what is no object where the model has one, or no list of objects where it has one."""
    for name, value in given.items():
        if name.endswith("Time"):
            sound = isinstance(value, dict)
        else:
            sound = isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if not sound:
            raise missing(name)


def _check_open(job: Job, appointment_id: str) -> None:
    appointment = job.appointment(appointment_id)
    if appointment is None:
        text = f"Appointment with id {appointment_id} is not present in the job. {_AGAIN}"
        raise invalid(text)
    if job.status != "NOT_SERVICED":
        text = f"Operation not allowed on job with jobId : {job.id} and jobState : {job.status}"
        raise invalid(text)
    if appointment.get("appointmentStatus") != "ACTIVE":
        raise invalid(f"Appointment with id {appointment_id} is not active. {_AGAIN}")


def _problems(call: Call, given: JsonDict) -> list[str]:
    """Return at most one problem per part, in Amazon's order."""
    found = [
        _resources(call, given.get("appointmentResources")),
        _arrival(given.get("estimatedArrivalTime")),
        _period(given.get("fulfillmentTime"), call.now),
        *(documents.problem(call, one) for one in given.get("fulfillmentDocuments", ())),
    ]
    return [problem for problem in found if problem]


def _resources(call: Call, wanted: list[JsonDict] | None) -> str | None:
    ids = [one.get("resourceId") for one in wanted or ()]
    if all(one in call.world.resources for one in ids):
        return None
    return f"One or more resources provided does not exist or is deleted. {_AGAIN}"


def _arrival(window: JsonDict | None) -> str | None:
    if window is None:
        return None
    for key, name in (("startTime", "start"), ("endTime", "end")):
        if absent(window.get(key)):
            return f"Estimated arrival {name} time is required. {_AGAIN}"
    ends = _read(window["startTime"]), _read(window["endTime"])
    if isinstance(ends[0], str) or isinstance(ends[1], str):
        return next(end for end in ends if isinstance(end, str))
    if ends[1] < ends[0]:
        return f"Estimated arrival end time should be after start time. {_AGAIN}"
    return _not_utc(window, ends[0], ends[1])


def _period(window: JsonDict | None, now: datetime) -> str | None:
    if window is None:
        return None
    for key, name in (("startTime", "start"), ("endTime", "end")):
        if absent(window.get(key)):
            return f"Appointment {name} time is required. {_AGAIN}"
    start, end = _read(window["startTime"]), _read(window["endTime"])
    if isinstance(start, str) or isinstance(end, str):
        return start if isinstance(start, str) else str(end)
    for name, moment in (("start", start), ("end", end)):
        if moment > now:
            return f"Appointment {name} time should not be in future. {_AGAIN.rstrip('.')}"
    # Equal ends pass: one of the model's examples has them.
    if end < start:
        return f"Appointment end time should be after start time. {_AGAIN}"
    return _not_utc(window, start, end)


def _read(text: Any) -> datetime | str:
    """Return the moment, or what is wrong with the text."""
    try:
        return parse(text)
    except ValueError:
        return f"Could not parse given time input {text}. Please provide time in ISO8601 format"


def _not_utc(window: JsonDict, start: datetime, end: datetime) -> str | None:
    for key, moment in (("startTime", start), ("endTime", end)):
        if not is_utc(moment):
            text = f"ISO8601 time {window[key]} is not in UTC format."
            return f"{text} Please provide time in UTC"
    return None
