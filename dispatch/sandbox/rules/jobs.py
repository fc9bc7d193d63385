"""Shows one job, completes it, cancels it."""

from __future__ import annotations

import re

from dispatch.sandbox.replies import JsonDict, Reply, as_json, invalid, missing
from dispatch.sandbox.rules.call import Call, absent, find_job
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import Job

_CODE = re.compile(r"[A-Z0-9_]{1,100}")
#: The model's example of a bad proof signer id is upper case only, so ours is made so.
_NOT_ID = re.compile(r"[^A-Z0-9]")


def _job(call: Call) -> Job:
    job_id = call.path_value("serviceJobId")
    return find_job(call, job_id, unknown=f"Job not found for jobId {job_id}")


def get(call: Call) -> Reply:
    return as_json({"payload": _job(call).payload})


def complete(call: Call) -> Reply:
    job = _job(call)
    if job.status != "NOT_SERVICED":
        raise invalid(f"Job with jobId {job.id} and jobStatus {job.status} cannot be completed")
    active = job.active()
    given = job.fulfillment.get(active["appointmentId"]) if active else None
    if call.world.require_fulfillment and not given:
        raise invalid(f"Fulfillment data is not provided for jobId {job.id}")
    if active:
        _finish(call, job, active, given or {})
    job.touch(call.now, "COMPLETED")
    call.realm.dirty = True
    return as_json({})


def _finish(call: Call, job: Job, active: JsonDict, given: JsonDict) -> None:
    active["appointmentStatus"] = "COMPLETED"
    if given.get("fulfillmentDocuments"):
        active["poa"] = proof(active, iso(call.now))


def proof(appointment: JsonDict, uploaded: str) -> JsonDict:
    """Return a proof of appointment as the job shows it afterwards."""
    poa: JsonDict = {
        "appointmentTime": appointment["appointmentTime"],
        "uploadTime": uploaded,
        "poaType": "POA_RECEIPT",
    }
    technicians = appointment.get("assignedTechnicians")
    if technicians:
        poa["technicians"] = technicians
        poa["uploadingTechnician"] = _NOT_ID.sub("", technicians[0]["technicianId"].upper())
    return poa


def cancel(call: Call) -> Reply:
    code = call.query.get("cancellationReasonCode")
    names = ("serviceJobId", call.path["serviceJobId"]), ("cancellationReasonCode", code)
    gone = [name for name, value in names if absent(value)]
    if gone:
        raise missing(*gone)
    assert code is not None
    if not _CODE.fullmatch(code):
        raise missing("cancellationReasonCode")
    job = _job(call)
    if code not in call.world.cancellation_codes:
        raise invalid(f"Received invalid input reason code {code} for jobId {job.id}")
    if job.status in {"CANCELLED", "COMPLETED"}:
        raise invalid(f"Job with jobId {job.id} and jobStatus {job.status} cannot be cancelled")
    withdraw(job)
    job.cancellation_code = code
    job.touch(call.now, "CANCELLED")
    call.realm.dirty = True
    return as_json({})


def withdraw(job: Job) -> None:
    """Cancel the active appointment, if there is one."""
    active = job.active()
    if active:
        active["appointmentStatus"] = "CANCELLED"
