"""Puts technicians on an appointment."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.sandbox.replies import JsonDict, Refusal, Reply, as_json, error, invalid
from dispatch.sandbox.rules.call import Call, find_job
from dispatch.sandbox.rules.spans import reserved, scheduled
from dispatch.sandbox.world import Job, Resource, window_of

_OPEN = {"NOT_SERVICED", "PENDING_SCHEDULE", "HOLD"}


def assign(call: Call) -> Reply:
    """Replace an appointment's technicians; an overlap is only a warning."""
    job_id = call.path_value("serviceJobId")
    appointment_id = call.path_value("appointmentId")
    wanted = _wanted(call)
    unknown = f"No job exist with jobId : {job_id}"
    job = find_job(call, job_id, unknown=unknown, spaced=True)
    appointment = _open(job, appointment_id)
    _check_resources(call, job, appointment, wanted)
    appointment["assignedTechnicians"] = [
        {"technicianId": one, "name": call.world.resources[one].name} for one in wanted
    ]
    job.touch(call.now)
    call.realm.dirty = True
    return as_json(_warnings(call, job, appointment, wanted))


def _wanted(call: Call) -> list[str]:
    listed = call.body.get("resources")
    if not isinstance(listed, list) or not listed:
        text = "Resources not provided in input JSON payload."
        # The model's example has non-breaking spaces here.
        raise invalid(text.replace(" ", "\N{NO-BREAK SPACE}"), status=400)
    ids = [one.get("resourceId") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(one, str) and one for one in ids):
        raise invalid("Missing or invalid request parameters: [resourceId]", status=400)
    return list(dict.fromkeys(str(one) for one in ids))


def _open(job: Job, appointment_id: str) -> JsonDict:
    if job.status not in _OPEN:
        text = f"Operation not allowed on job with jobId : {job.id} and jobState : {job.status}"
        raise invalid(text)
    appointment = job.appointment(appointment_id)
    if appointment is None:
        raise invalid(
            f"Failed to Update Appointment for jobId : {job.id}, "
            f"appointmentId : {appointment_id}, "
            f"reason : No appointment exists with appointmentId: {appointment_id}"
        )
    if appointment.get("appointmentStatus") != "ACTIVE":
        text = f"Appointment metadata update is not allowed for appointmentId {appointment_id}"
        raise invalid(text)
    return appointment


def _check_resources(call: Call, job: Job, appointment: JsonDict, wanted: list[str]) -> None:
    """Refuse technicians that do not fit: one error per code, naming those it applies to."""
    known = call.world.resources
    stray = [one for one in wanted if one not in known]
    here = [known[one] for one in wanted if one in known]
    checks: list[tuple[str, str, Callable[[Resource], bool]]] = [
        ("MISMATCHED_SERVICE_LOCATION_TYPE", "do not serve this location type", _elsewhere(job)),
        ("MISSING_REQUIRED_SKILLS", "do not have the required skills", _unskilled(job)),
        ("NOT_AVAILABLE_IN_LOCATION", "are not available in this location", _far(job)),
        (
            "BACKGROUND_CHECK_INCOMPLETE",
            "have not passed the background check",
            lambda one: not one.background_checked,
        ),
        (
            "NOT_AVAILABLE_IN_TIME_WINDOW",
            "are not available in this time window",
            _away(call, appointment),
        ),
    ]
    found = [(code, why, [one.id for one in here if bad(one)]) for code, why, bad in checks]
    found.insert(3, ("NOT_REGISTERED_UNDER_MERCHANT", "are not registered", stray))
    errors = [_problem(code, why, names) for code, why, names in found if names]
    if errors:
        raise Refusal(422, errors)


def _problem(code: str, why: str, names: list[str]) -> JsonDict:
    message = f"Resources {why}. Applicable resources: {','.join(names)}"
    return error(f"RESOURCES_{code}", message)


def _elsewhere(job: Job) -> Callable[[Resource], bool]:
    kind = (job.payload.get("serviceLocation") or {}).get("serviceLocationType")
    return lambda one: bool(kind and one.locations is not None and kind not in one.locations)


def _unskilled(job: Job) -> Callable[[Resource], bool]:
    return lambda one: one.skills is not None and not job.skills <= one.skills


def _far(job: Job) -> Callable[[Resource], bool]:
    store = job.payload.get("storeId")
    return lambda one: bool(store and one.stores is not None and store not in one.stores)


def _away(call: Call, appointment: JsonDict) -> Callable[[Resource], bool]:
    start, end = window_of(appointment)

    def away(one: Resource) -> bool:
        works = any(s.start <= start and s.end >= end for s in scheduled(one, start, end))
        return not works or bool(reserved(call.world, one.id, start, end))

    return away


def _warnings(call: Call, job: Job, appointment: JsonDict, wanted: list[str]) -> JsonDict:
    busy = call.world.busy(*window_of(appointment), without=job.id) | call.world.overbooked
    if not busy & set(wanted):
        return {}
    message = "Resources overbooked for this time window."
    return {"payload": {"warnings": [{"code": "RESOURCES_OVERBOOKED", "message": message}]}}
