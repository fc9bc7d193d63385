"""Maps addresses to the seventeen operations and to the sandbox's own controls."""

from __future__ import annotations

from typing import Final

from werkzeug.routing import BaseConverter, Map, Rule

from dispatch.sandbox.rules import (
    appointments,
    assignments,
    capacity,
    documents,
    fulfilment,
    jobs,
    listing,
    reservations,
    schedules,
    slots,
)
from dispatch.sandbox.rules.call import Rule as Operate
from dispatch.spapi.operations import OPERATIONS

RULES: Final[dict[str, Operate]] = {
    "getServiceJobByServiceJobId": jobs.get,
    "getServiceJobs": listing.search,
    "cancelServiceJobByServiceJobId": jobs.cancel,
    "completeServiceJobByServiceJobId": jobs.complete,
    "addAppointmentForServiceJobByServiceJobId": appointments.add,
    "rescheduleAppointmentForServiceJobByServiceJobId": appointments.reschedule,
    "assignAppointmentResources": assignments.assign,
    "setAppointmentFulfillmentData": fulfilment.put,
    "getRangeSlotCapacity": capacity.by_range,
    "getFixedSlotCapacity": capacity.by_slot,
    "updateSchedule": schedules.update,
    "createReservation": reservations.create,
    "updateReservation": reservations.update,
    "cancelReservation": reservations.cancel,
    "getAppointmmentSlotsByJobId": slots.by_job,
    "getAppointmentSlots": slots.by_store,
    "createServiceDocumentUploadDestination": documents.create,
}


class _Part(BaseConverter):
    """A path parameter that may be empty: the rules then name it as missing."""

    regex = "[^/]*"
    part_isolating = True


def _address(path: str) -> str:
    return path.replace("{", "<part:").replace("}", ">")


MAP: Final = Map(
    [
        *(
            Rule(_address(one.path), endpoint=one.id, methods=[one.method])
            for one in OPERATIONS.values()
        ),
        Rule("/auth/o2/token", endpoint="token", methods=["POST"]),
        Rule("/apps/authorize/consent", endpoint="consent", methods=["GET", "POST"]),
        Rule("/_uploads/<token>", endpoint="upload", methods=["PUT", "POST", "GET", "DELETE"]),
        Rule("/_sandbox/<name>", endpoint="control", methods=["GET", "POST"]),
    ],
    converters={"part": _Part},
    merge_slashes=False,
    strict_slashes=True,
    redirect_defaults=False,
)
