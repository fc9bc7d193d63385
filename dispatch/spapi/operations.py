"""The seventeen operations of the SP-API Services v1 model, as data.

Source: Amazon's model ``services-v1.json`` (paths, parameters, usage plans). The client
builds requests from this table, the sandbox routes and meters by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the model declares it.

    ``rate`` is requests per second and ``burst`` the bucket size of the default usage plan,
    per application and seller. ``repeatable`` says that sending the same request twice leaves
    Amazon's side as one would: reads, and PUTs that replace. ``writes`` says that the request
    changes something, so that an unanswered one leaves a doubt which only reading back settles.
    ``silent`` says that success may come as 204 without a body, because nothing in the answer
    is needed afterwards.
    """

    id: str
    method: Method
    path: str
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    rate: float = 5
    burst: int = 20
    repeatable: bool = True
    writes: bool = False
    silent: bool = False

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """Return the names in the path, in order: ``("serviceJobId", "appointmentId")``."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def needs_marketplace(self) -> bool:
        """Tell whether ``marketplaceIds`` is a required part of the query."""
        return "marketplaceIds" in self.query


_JOB = "/service/v1/serviceJobs/{serviceJobId}"
_APPOINTMENT = _JOB + "/appointments/{appointmentId}"
_RESOURCE = "/service/v1/serviceResources/{resourceId}"
_RESERVATION = "/service/v1/reservation/{reservationId}"

_TABLE: Final = (
    Operation("getServiceJobByServiceJobId", "GET", _JOB, rate=20, burst=40),
    Operation(
        "getServiceJobs",
        "GET",
        "/service/v1/serviceJobs",
        query=(
            "serviceOrderIds",
            "productOrderIds",
            "trackingIds",
            "serviceJobStatus",
            "pageToken",
            "pageSize",
            "sortField",
            "sortOrder",
            "createdAfter",
            "createdBefore",
            "lastUpdatedAfter",
            "lastUpdatedBefore",
            "scheduleStartDate",
            "scheduleEndDate",
            "marketplaceIds",
            "asins",
            "requiredSkills",
            "storeIds",
        ),
        rate=10,
        burst=40,
    ),
    Operation(
        "cancelServiceJobByServiceJobId",
        "PUT",
        _JOB + "/cancellations",
        query=("cancellationReasonCode",),
        writes=True,
        silent=True,
    ),
    Operation(
        "completeServiceJobByServiceJobId",
        "PUT",
        _JOB + "/completions",
        writes=True,
        silent=True,
    ),
    Operation(
        "addAppointmentForServiceJobByServiceJobId",
        "POST",
        _JOB + "/appointments",
        body=("appointmentTime",),
        repeatable=False,
        writes=True,
    ),
    Operation(
        "rescheduleAppointmentForServiceJobByServiceJobId",
        "POST",
        _APPOINTMENT,
        body=("appointmentTime", "rescheduleReasonCode"),
        repeatable=False,
        writes=True,
    ),
    Operation(
        "assignAppointmentResources",
        "PUT",
        _APPOINTMENT + "/resources",
        body=("resources",),
        rate=1,
        burst=2,
        writes=True,
        silent=True,
    ),
    Operation(
        "setAppointmentFulfillmentData",
        "PUT",
        _APPOINTMENT + "/fulfillment",
        body=(
            "estimatedArrivalTime",
            "fulfillmentTime",
            "appointmentResources",
            "fulfillmentDocuments",
        ),
        writes=True,
        silent=True,
    ),
    Operation(
        "getRangeSlotCapacity",
        "POST",
        _RESOURCE + "/capacity/range",
        query=("marketplaceIds", "nextPageToken"),
        body=("capacityTypes", "startDateTime", "endDateTime"),
    ),
    Operation(
        "getFixedSlotCapacity",
        "POST",
        _RESOURCE + "/capacity/fixed",
        query=("marketplaceIds", "nextPageToken"),
        body=("capacityTypes", "slotDuration", "startDateTime", "endDateTime"),
    ),
    Operation(
        "updateSchedule",
        "PUT",
        _RESOURCE + "/schedules",
        query=("marketplaceIds",),
        body=("schedules",),
        writes=True,
        silent=True,
    ),
    Operation(
        "createReservation",
        "POST",
        "/service/v1/reservation",
        query=("marketplaceIds",),
        body=("resourceId", "reservation"),
        repeatable=False,
        writes=True,
    ),
    Operation(
        "updateReservation",
        "PUT",
        _RESERVATION,
        query=("marketplaceIds",),
        body=("resourceId", "reservation"),
        # Amazon may answer with a new reservation id, so a blind repeat could miss its target.
        repeatable=False,
        writes=True,
    ),
    Operation(
        "cancelReservation",
        "DELETE",
        _RESERVATION,
        query=("marketplaceIds",),
        # A repeat after a lost answer is told 404, which must not be taken for "never existed".
        repeatable=False,
        writes=True,
        silent=True,
    ),
    Operation(
        # The model's own spelling, three m's.
        "getAppointmmentSlotsByJobId",
        "GET",
        _JOB + "/appointmentSlots",
        query=("marketplaceIds", "startTime", "endTime"),
    ),
    Operation(
        "getAppointmentSlots",
        "GET",
        "/service/v1/appointmentSlots",
        query=("asin", "storeId", "marketplaceIds", "startTime", "endTime"),
        rate=20,
        burst=40,
    ),
    Operation(
        "createServiceDocumentUploadDestination",
        "POST",
        "/service/v1/documents",
        body=("contentType", "contentLength", "contentMD5"),
        # An unused destination expires by itself: asking twice harms nobody.
        repeatable=True,
    ),
)

OPERATIONS: Final[dict[str, Operation]] = {operation.id: operation for operation in _TABLE}
