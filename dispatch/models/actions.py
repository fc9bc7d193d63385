"""The write ledger: one row for every write to Amazon, made before the call."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.jobs import ServiceJob
from dispatch.models.people import Person
from dispatch.models.sellers import Seller


class Action(models.Model):
    """Who asked Amazon for what, and what Amazon really said.

    It is the audit trail, the guard against a doubled submit and the recovery after a crash:
    a row that is ``sent`` and has no answer is settled by reading the job back.
    """

    class Kind(models.TextChoices):
        ADD_APPOINTMENT = "add_appointment", "Add appointment"
        RESCHEDULE = "reschedule", "Reschedule"
        ASSIGN = "assign", "Assign technicians"
        COMPLETE = "complete", "Complete job"
        CANCEL = "cancel", "Cancel job"
        ON_MY_WAY = "on_my_way", "On my way"
        RECORD_WORK = "record_work", "Record work"
        ADD_PROOF = "add_proof", "Add proof"
        UPDATE_SCHEDULE = "update_schedule", "Update schedule"
        CREATE_RESERVATION = "create_reservation", "Reserve time"
        UPDATE_RESERVATION = "update_reservation", "Change reservation"
        CANCEL_RESERVATION = "cancel_reservation", "Cancel reservation"

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        WARNED = "warned", _("Accepted, with warning")
        REFUSED = "refused", _("Refused")
        UNKNOWN = "unknown", _("Not confirmed yet")

    OPEN = (State.PENDING, State.SENT, State.UNKNOWN)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.UUIDField(unique=True)
    """The idempotency key from the form: the same key is the same write."""
    seller = models.ForeignKey(Seller, models.CASCADE, related_name="actions")
    job = models.ForeignKey(ServiceJob, models.CASCADE, related_name="actions", null=True)
    person = models.ForeignKey(Person, models.SET_NULL, related_name="actions", null=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    payload = models.JSONField(default=dict)
    """What was sent, by Amazon's names: ids, times and codes, never buyer data."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    errors = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    result = models.JSONField(default=dict, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "sent_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def settled(self) -> bool:
        return self.state not in self.OPEN

    @property
    def accepted(self) -> bool:
        return self.state in (self.State.ACCEPTED, self.State.WARNED)
