"""The rows that Dispatch keeps, and how values are sealed and found.

Nothing here asks Amazon, changes rows for a reason of its own, or knows a request.
"""

from dispatch.models.accounts import (
    INVITATION_DAYS,
    AccessReview,
    FailedLogIn,
    Invitation,
    PastPassword,
    ReviewedAccess,
)
from dispatch.models.actions import Action, ActionFile
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
    "INVITATION_DAYS",
    "OPEN_STATUSES",
    "UNSCHEDULED",
    "AccessReview",
    "Action",
    "ActionFile",
    "Activity",
    "ActivityHead",
    "Alarm",
    "Appointment",
    "AssociatedItem",
    "Erasure",
    "FailedLogIn",
    "Invitation",
    "JobReference",
    "JobStatus",
    "JobWord",
    "Membership",
    "PastPassword",
    "Person",
    "RateBucket",
    "ReasonCode",
    "ReviewedAccess",
    "SavedView",
    "Seller",
    "ServiceJob",
    "SyncJob",
    "Technician",
    "TechnicianResource",
]
