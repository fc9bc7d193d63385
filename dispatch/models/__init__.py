"""What Dispatch keeps."""

from dispatch.models.actions import Action
from dispatch.models.activity import Activity, ActivityHead
from dispatch.models.alarms import Alarm
from dispatch.models.jobs import (
    CLOSED_STATUSES,
    OPEN_STATUSES,
    UNSCHEDULED,
    Appointment,
    AssociatedItem,
    JobReference,
    JobStatus,
    JobWord,
    ServiceJob,
)
from dispatch.models.people import Membership, Person, Technician, TechnicianResource
from dispatch.models.retention import Erasure
from dispatch.models.sellers import ReasonCode, Seller
from dispatch.models.sync import SyncJob
from dispatch.models.throttle import RateBucket
from dispatch.models.views import SavedView

__all__ = [
    "CLOSED_STATUSES",
    "OPEN_STATUSES",
    "UNSCHEDULED",
    "Action",
    "Activity",
    "ActivityHead",
    "Alarm",
    "Appointment",
    "AssociatedItem",
    "Erasure",
    "JobReference",
    "JobStatus",
    "JobWord",
    "Membership",
    "Person",
    "RateBucket",
    "ReasonCode",
    "SavedView",
    "Seller",
    "ServiceJob",
    "SyncJob",
    "Technician",
    "TechnicianResource",
]
