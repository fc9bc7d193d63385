"""The write ledger: one row for every write to Amazon, made before the call."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models.fields import SealedBytesField
from dispatch.models.jobs import ServiceJob
from dispatch.models.people import Person
from dispatch.models.sellers import Seller


class Action(models.Model):
    """Who asked Amazon for what, and what Amazon really said.

    It is the audit trail, the guard against a doubled submit and the recovery after a crash:
    a row that is ``sent`` and has no answer is settled by reading the job back.
    """

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
    kind = models.CharField(max_length=20)
    """The name of one of `dispatch.services.writes.kinds`."""
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

    turn = models.PositiveIntegerField(null=True)
    """Its place among the writes of its job that wait for the worker; None for one that was sent
    while the person waited."""
    stopped_by = models.ForeignKey("self", models.SET_NULL, related_name="stopped", null=True)
    """The refused write without which this waiting one makes no sense, until a person decides."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often the worker put it back to be sent again."""
    not_before = models.DateTimeField(null=True)
    """When the worker may send it again."""
    rung_at = models.DateTimeField(null=True)
    """When a worker was last told of it."""

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "sent_at"]),
            models.Index(
                fields=["seller", "job", "turn"],
                condition=models.Q(turn__isnull=False),
                name="waiting_writes_in_order",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["job", "turn"], name="one_write_a_turn"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def settled(self) -> bool:
        return self.state not in self.OPEN

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn to be sent by the worker."""
        return self.turn is not None and self.state == self.State.PENDING

    @property
    def accepted(self) -> bool:
        return self.state in (self.State.ACCEPTED, self.State.WARNED)


class ActionFile(models.Model):
    """A file that goes with a waiting write, kept until Amazon has it or it is given up."""

    action = models.ForeignKey(Action, models.CASCADE, related_name="files")
    place = models.PositiveSmallIntegerField()
    """Its place among the files of the write."""
    kind = models.CharField(max_length=10)
    """Amazon's name of its type, such as ``JPEG``."""
    sha256 = models.CharField(max_length=44)
    """The digest of its bytes, in base64."""
    content = SealedBytesField(owner="action_id")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "place"], name="one_file_a_place"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.place} of {self.action_id}"
