"""The local mirror of Amazon's service jobs.

Everything that is filtered or sorted by is a column; every buyer field is sealed and found through
keyed hashes of its words. Amazon's model makes every field of a job optional, so every column has
an empty value. Source: definitions ``ServiceJob``, ``Appointment``, ``AssociatedItem``.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from dispatch.models.fields import SealedJSONField
from dispatch.models.sellers import Seller

UNSCHEDULED = 253_370_764_800
"""The year 9999: stands for "no appointment" in the sort key, which is never null."""


if TYPE_CHECKING:
    _CharField = models.CharField[Any, str]
    _IntegerField = models.PositiveIntegerField[Any, int]
else:
    _CharField = models.CharField
    _IntegerField = models.PositiveIntegerField


class ByteOrderedField(_CharField):
    """Text in the order of its bytes on every database, so that a prefix is one index range."""

    def db_parameters(self, connection: Any) -> Any:
        found = super().db_parameters(connection)
        return {**found, "collation": "C"} if connection.vendor == "postgresql" else found


def month_of(moment: dt.datetime) -> int:
    """The month of an aware moment in UTC, such as 202611."""
    moment = moment.astimezone(dt.UTC)
    return moment.year * 100 + moment.month


class MonthField(_IntegerField):
    """The month of another field, by which its rows are kept together; see `month_of`."""

    def __init__(self, *args: Any, of: str, **kwargs: Any) -> None:
        self.of = of
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["editable"]
        return name, path, args, {**kwargs, "of": self.of}

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        month = month_of(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, month)
        return month


class JobStatus(models.TextChoices):
    """Amazon's ``serviceJobStatus``, and ours for a job that Amazon does not list any more."""

    PENDING_SCHEDULE = "PENDING_SCHEDULE", _("Pending schedule")
    NOT_SERVICED = "NOT_SERVICED", _("Scheduled")
    HOLD = "HOLD", _("Hold")
    COMPLETED = "COMPLETED", _("Completed")
    CANCELLED = "CANCELLED", _("Cancelled")
    NOT_FULFILLABLE = "NOT_FULFILLABLE", _("Not fulfillable")
    PAYMENT_DECLINED = "PAYMENT_DECLINED", _("Payment declined")
    GONE = "GONE", _("Gone from Amazon")


CLOSED_STATUSES = (
    JobStatus.COMPLETED,
    JobStatus.CANCELLED,
    JobStatus.NOT_FULFILLABLE,
    JobStatus.PAYMENT_DECLINED,
    JobStatus.GONE,
)
OPEN_STATUSES = (JobStatus.PENDING_SCHEDULE, JobStatus.NOT_SERVICED, JobStatus.HOLD)


def seal_owner(seller_id: object, service_job_id: str) -> str:
    """The owner to which a job's sealed values are bound."""
    return f"{seller_id}:{service_job_id}"


class ServiceJob(models.Model):
    """One service job as Amazon last showed it."""

    seller = models.ForeignKey(Seller, models.CASCADE, related_name="jobs", db_index=False)
    service_job_id = ByteOrderedField(max_length=100)
    service_order_id = ByteOrderedField(max_length=20, blank=True)
    status = models.CharField(max_length=20, choices=JobStatus.choices, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    store_id = models.CharField(max_length=100, blank=True)
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    location_type = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state_or_region = models.CharField(max_length=100, blank=True)
    country_code = models.CharField(max_length=2, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    created_at = models.DateTimeField(null=True)
    created_key = models.DateTimeField(default=dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    """``created_at``, or 1970 where Amazon gives none: a sort key without nulls."""
    created_month = MonthField(of="created_key")

    appointment_id = models.CharField(max_length=100, blank=True)
    appointment_status = models.CharField(max_length=20, blank=True)
    scheduled_start = models.DateTimeField(null=True)
    scheduled_end = models.DateTimeField(null=True)
    scheduled_key = models.BigIntegerField(default=UNSCHEDULED)
    """``scheduled_start`` in seconds since 1970, or `UNSCHEDULED`: what the list is sorted by.
    References and words carry it and the status too, so that what they find in any status comes in
    order without sorting."""
    local_date = models.DateField(null=True)
    """The day of the appointment in the job's own zone."""
    technician_count = models.PositiveSmallIntegerField(default=0)
    technician_names = models.CharField(max_length=300, blank=True)
    preferred_times = models.JSONField(default=list, blank=True)
    """``[{"startTime": ISO, "durationInMinutes": int}]`` as the buyer chose them."""

    buyer = SealedJSONField(owner="seal_owner", blank=True)
    """``{"name", "phone", "address": {…}}``: whatever identifies the buyer."""
    payload = SealedJSONField(owner="seal_owner", blank=True)
    """Amazon's ``ServiceJob`` as received, for whatever has no column."""
    digest = models.CharField(max_length=64)
    """Keyed hash of the payload: an unchanged job costs no write."""

    origin = models.CharField(max_length=60, blank=True)
    """Amazon's operation that last showed the job in this form."""
    fetched_at = models.DateTimeField()
    """When Amazon showed it so."""
    changed_at = models.DateTimeField()
    """When a change was last written here; Amazon's model has no such field."""
    changed_month = MonthField(of="changed_at")
    gone_at = models.DateTimeField(null=True, blank=True)
    """Since when Amazon does not know the job any more; its status is then ``GONE``."""
    closed_at = models.DateTimeField(null=True, blank=True)
    """When the work ended or was called off, no later than we heard of it; Amazon does not say."""
    erased_at = models.DateTimeField(null=True, blank=True)
    """When the buyer was erased from the job."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller", "service_job_id"], name="one_row_per_job")
        ]
        # For each filter and each sort, the columns it needs in the order it needs them. What
        # follows the id answers quick views and days, and sorts spans, without reading a row.
        indexes = [
            models.Index(
                fields=["seller", "status", "scheduled_key", "id", "appointment_status",
                        "scheduled_end", "local_date", "time_zone"],
                name="job_by_schedule",
            ),
            models.Index(
                fields=["seller", "status", "created_key", "id", "changed_at", "scheduled_key"]
            ),
            models.Index(
                fields=["seller", "status", "changed_at", "id", "created_key", "scheduled_key"]
            ),
            models.Index(
                fields=["seller", "created_month", "scheduled_key", "id", "status", "created_key"],
                name="job_by_month_created",
            ),
            models.Index(
                fields=["seller", "changed_month", "scheduled_key", "id", "status", "changed_at"],
                name="job_by_month_changed",
            ),
            models.Index(fields=["seller", "status", "title", "id"]),
            models.Index(fields=["seller", "status", "technician_names", "id"]),
            models.Index(fields=["seller", "status", "city", "id"]),
            models.Index(fields=["seller", "status", "id"]),
            models.Index(fields=["seller", "store_id", "status", "scheduled_key", "id"]),
            models.Index(fields=["seller", "marketplace_id", "status", "scheduled_key", "id"]),
            models.Index(fields=["seller", "service_order_id"]),
            models.Index(fields=["seller", "time_zone"]),
            models.Index(
                fields=["closed_at"], condition=models.Q(erased_at=None), name="job_to_erase"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.service_job_id

    @property
    def seal_owner(self) -> str | None:
        """What its sealed values belong to: this job, not just any of the seller's."""
        known = self.seller_id and self.service_job_id
        return seal_owner(self.seller_id, self.service_job_id) if known else None

    @property
    def buyer_data(self) -> dict[str, Any]:
        """The opened buyer fields, or an empty dict where there are none."""
        return self.buyer or {}


class Appointment(models.Model):
    """One appointment of a job; a replaced one names its successor."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        CANCELLED = "CANCELLED", _("Cancelled")
        COMPLETED = "COMPLETED", _("Completed")

    job = models.ForeignKey(ServiceJob, models.CASCADE, related_name="appointments")
    appointment_id = models.CharField(max_length=100)
    status = models.CharField(max_length=20, choices=Status.choices, blank=True)
    start = models.DateTimeField(null=True)
    duration_minutes = models.PositiveIntegerField(null=True)
    rescheduled_to = models.CharField(max_length=100, blank=True)
    """Amazon's ``rescheduledAppointmentId``."""
    technicians = models.JSONField(default=list, blank=True)
    """``[{"technicianId": str, "name": str}]``."""
    proof_type = models.CharField(max_length=30, blank=True)
    proof_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["start", "id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "appointment_id"], name="one_row_per_visit")
        ]

    def __str__(self) -> str:
        return self.appointment_id


class AssociatedItem(models.Model):
    """A product that the service is performed on."""

    job = models.ForeignKey(ServiceJob, models.CASCADE, related_name="items")
    asin = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=500, blank=True)
    brand = models.CharField(max_length=200, blank=True)
    quantity = models.PositiveIntegerField(null=True)
    order_id = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=20, blank=True)
    delivery_estimate = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title


class JobReference(models.Model):
    """One of the many values of a job that a filter may ask for."""

    class Kind(models.TextChoices):
        PRODUCT_ORDER = "order", _("Product order id")
        TRACKING = "tracking", _("Tracking id")
        SKILL = "skill", _("Required skill")
        ASIN = "asin", _("ASIN")
        RESOURCE = "resource", _("Assigned resource id")

    pk = models.CompositePrimaryKey("job_id", "kind", "value")
    job = models.ForeignKey(ServiceJob, models.CASCADE, related_name="references", db_index=False)
    seller = models.ForeignKey(Seller, models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=100)
    status = models.CharField(max_length=20, blank=True)
    scheduled_key = models.BigIntegerField(default=UNSCHEDULED)
    """Both are the job's."""

    class Meta:
        indexes = [
            models.Index(fields=["seller", "kind", "value", "status", "scheduled_key", "job"])
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class JobWord(models.Model):
    """The keyed hash of one word of a job: how sealed values are found."""

    pk = models.CompositePrimaryKey("job_id", "word_hash")
    job = models.ForeignKey(ServiceJob, models.CASCADE, related_name="words", db_index=False)
    word_hash = models.BigIntegerField()
    status = models.CharField(max_length=20, blank=True)
    scheduled_key = models.BigIntegerField(default=UNSCHEDULED)
    """Both are the job's."""

    class Meta:
        indexes = [models.Index(fields=["word_hash", "status", "scheduled_key", "job"])]

    def __str__(self) -> str:
        return str(self.job_id)
