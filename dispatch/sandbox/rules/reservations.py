"""Keeps reservations: time in which a technician is not to be had."""

from __future__ import annotations

from dispatch.sandbox.replies import JsonDict, Reply, as_json, error, invalid
from dispatch.sandbox.rules.call import Call, absent, check_marketplace
from dispatch.sandbox.rules.records import record_problem

_TYPES = {"APPOINTMENT", "TRAVEL", "VACATION", "BREAK", "TRAINING"}


def create(call: Call) -> Reply:
    wanted = _wanted(call)
    if call.body["resourceId"] not in call.world.resources:
        return _unknown_resource()
    return _keep(call, wanted)


def update(call: Call) -> Reply:
    """Change a reservation, which gets a new id, as in the model's example."""
    wanted = _wanted(call)
    reservation_id = call.path_value("reservationId")
    if reservation_id not in call.world.reservations:
        text = f"Could not find reservation with ID: [{reservation_id}]"
        raise invalid(text, status=404, details=None)
    if call.body["resourceId"] not in call.world.resources:
        return _unknown_resource()
    answer = _keep(call, wanted)
    del call.world.reservations[reservation_id]
    return answer


def cancel(call: Call) -> Reply:
    check_marketplace(call, details=None)
    reservation_id = call.path_value("reservationId")
    if call.world.reservations.pop(reservation_id, None) is None:
        raise invalid("Reservation does not exist", status=404, details=None)
    call.realm.dirty = True
    return Reply(204)


def _wanted(call: Call) -> JsonDict:
    resource_id, wanted = call.body.get("resourceId"), call.body.get("reservation")
    if absent(resource_id) or not isinstance(resource_id, str):
        check_marketplace(call, "resourceId", details=None)
    if not isinstance(wanted, dict):
        check_marketplace(call, "reservation", details=None)
    assert isinstance(wanted, dict)
    problem = record_problem(wanted.get("availability"))
    gone = [problem] if problem else []
    check_marketplace(
        call, *gone, *([] if wanted.get("type") in _TYPES else ["type"]), details=None
    )
    return {"type": wanted["type"], "availability": wanted["availability"]}


def _unknown_resource() -> Reply:
    problem = error("InvalidInput", "Invalid request parameters: [resourceId]", None)
    return as_json({"errors": [problem]})


def _keep(call: Call, wanted: JsonDict) -> Reply:
    reservation_id = call.world.next_reservation_id()
    reservation = {"reservationId": reservation_id, **wanted}
    call.world.reservations[reservation_id] = {
        "resourceId": call.body["resourceId"],
        "reservation": reservation,
    }
    call.realm.dirty = True
    return as_json({"payload": {"reservation": reservation}})
