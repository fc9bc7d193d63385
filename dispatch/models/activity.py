"""The log of what people and Dispatch did: rows are added, chained, and never changed.

Every row carries an HMAC-SHA256 over itself and the row before it, and the head keeps how far the
chain goes under an HMAC of its own. So whoever can write to the database, but has not the
``FIELD_KEYS``, can neither change, remove, insert nor swap a row, nor cut off the newest ones,
without `dispatch.services.audit.evidence.verify` naming the place.

The key of the chain is made once, at random, and kept sealed on the head. Derived from a key of
``FIELD_KEYS`` or from ``SECRET_KEY`` it would go when those are rotated, and with it the proof.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import secrets
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from dispatch.models.fields import SealedTextField

BEFORE_THE_FIRST = "0" * 64
"""Stands for the hash of a row before the first."""


class Activity(models.Model):
    """One thing that somebody did, or tried to do. It holds ids, numbers and codes, no buyer data.

    People and sellers are named by id and by what they were called then, without a reference: the
    row outlives them, unchanged. People's e-mail addresses are staff data, and the evidence.
    """

    class Kind(models.TextChoices):
        LOG_IN = "log_in", _("Logged in")
        LOG_IN_FAILED = "log_in_failed", _("Log-in failed")
        LOGGED_OUT = "logged_out", _("Logged out")
        SECOND_FACTOR_FAILED = "second_factor_failed", _("Second factor failed")
        SECOND_FACTOR_CHANGED = "second_factor_changed", _("Second factor changed")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        WRITE = "write", _("Write to Amazon")
        BUYER_DATA_OPENED = "buyer_data_opened", _("Buyer data opened")
        EXPORTED = "exported", _("Exported")
        LOCKED_OUT = "locked_out", _("Locked out")
        LOCK_LIFTED = "lock_lifted", _("Lock lifted")
        SESSIONS_ENDED = "sessions_ended", _("Sessions ended")
        PERSON_INVITED = "person_invited", _("Person invited")
        INVITATION_WITHDRAWN = "invitation_withdrawn", _("Invitation withdrawn")
        PERSON_ADDED = "person_added", _("Person added")
        PASSWORD_LINK_MADE = "password_link_made", _("Password link handed out")
        ROLE_CHANGED = "role_changed", _("Role changed")
        PERSON_REMOVED = "person_removed", _("Person removed")
        TECHNICIAN_SAVED = "technician_saved", _("Technician saved")
        TECHNICIAN_REMOVED = "technician_removed", _("Technician removed")
        SELLER_CONNECTED = "seller_connected", _("Seller connected")
        SELLER_CHANGED = "seller_changed", _("Seller changed")
        CREDENTIALS_CHANGED = "credentials_changed", _("Credentials changed")
        CONNECTION_CHANGED = "connection_changed", _("Connection to Amazon changed")
        SELLER_DISCONNECTED = "seller_disconnected", _("Seller disconnected")
        SWITCHES_CHANGED = "switches_changed", _("Switches changed")
        REASONS_CHANGED = "reasons_changed", _("Reason codes changed")
        SETTINGS_CHANGED = "settings_changed", _("Settings changed")
        KEY_ROTATED = "key_rotated", _("Key rotated")
        REVIEW_SIGNED = "review_signed", _("Access review signed")
        ERASED = "erased", _("Buyer data erased")
        ALARM = "alarm", _("Alarm")
        ALARM_ACKNOWLEDGED = "alarm_acknowledged", _("Alarm acknowledged")
        PRUNED = "pruned", _("Old activity removed")

    number = models.BigIntegerField(primary_key=True)
    """1, 2, 3 … without a gap: each row names the one before, and no two follow the same one."""
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    person_id = models.BigIntegerField(null=True)
    person_email = models.CharField(max_length=254, blank=True)
    seller_id = models.UUIDField(null=True)
    seller_name = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=254, blank=True)
    """What was acted on, such as a job's id or a person's e-mail address."""
    origin = models.CharField(max_length=45, blank=True)
    """The client's network; for log-ins and their failures its whole address."""
    detail = models.JSONField(default=dict)
    """Ids, numbers and codes, as `dispatch.services.audit.activity` allows them for each kind."""
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "activity"
        # Each list of the page is one of these, read backwards from where the page begins.
        indexes = [
            models.Index(fields=["seller_id", "at", "number"], name="activity_of_seller"),
            models.Index(fields=["person_id", "at", "number"], name="activity_of_person"),
            models.Index(fields=["kind", "at", "number"], name="activity_of_kind"),
            models.Index(fields=["subject", "at", "number"], name="activity_on_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def label(self) -> str:
        """The kind in words. A kind that only a newer version knows is shown as it is written."""
        return str(self.Kind(self.kind).label if self.kind in self.Kind.values else self.kind)


def new_key() -> str:
    """Return a new key for the chain: 32 random bytes, in hexadecimal digits."""
    return secrets.token_hex(32)


def last_number() -> int:
    """Return the number of the newest row of the log, or 0 where there is none."""
    last = Activity.objects.order_by("-number").values_list("number", flat=True).first()
    return last or 0


class ActivityHead(models.Model):
    """How far the chain goes: one row, locked while a row is added.

    Where rows are older than they are kept, the chain begins behind the anchor.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    key = SealedTextField(owner="pk")
    number = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=BEFORE_THE_FIRST)
    anchor_number = models.BigIntegerField(default=0)
    anchor_hash = models.CharField(max_length=64, default=BEFORE_THE_FIRST)
    seal = models.CharField(max_length=64)
    """HMAC of both numbers and both hashes, so that an older head does not fit a younger chain."""
    checked_at = models.DateTimeField(null=True)
    """When the whole chain was last verified by a worker."""

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    def true_seal(self) -> str:
        """Return the seal that the head must have for what it says."""
        said = [self.number, self.hash, self.anchor_number, self.anchor_hash]
        return mac(self.key, "head", said)

    def save_sealed(self) -> None:
        """Save the head with a seal over what it says now."""
        self.seal = self.true_seal()
        self.save(update_fields=["number", "hash", "anchor_number", "anchor_hash", "seal"])

    @classmethod
    def locked(cls) -> ActivityHead:
        """Return the head, locked until this transaction ends; it is made where there is none yet.

        Whoever takes a lock after this one may wait for somebody who waits for the head: add rows
        last in a transaction. Made anew over rows that are there, it leaves them outside the chain,
        and verifying says so.
        """
        # SQLite knows no locks of rows: there the transaction has the whole database.
        heads = cls.objects.select_for_update()
        fresh = {
            "key": new_key,
            "number": last_number,
            "anchor_number": last_number,
        }
        head, created = heads.get_or_create(pk=cls.ONLY, defaults=fresh)
        if created:
            head.save_sealed()
        return head


COLUMNS = (
    "number", "at", "kind", "person_id", "person_email", "seller_id", "seller_name", "subject",
    "origin", "detail",
)  # fmt: skip
"""What a row's hash covers, in this order."""


def row_hash(key: str, previous: str, values: tuple[Any, ...]) -> str:
    """Return the hash of a row with these `COLUMNS` that follows the row with hash ``previous``."""
    return mac(key, previous, list(values))


def mac(key: str, purpose: str, values: list[Any]) -> str:
    """Return the HMAC-SHA256 of values, in hexadecimal digits.

    The values are brought into one form first, as databases show the same value differently.
    """
    text = _JSON.encode([purpose, *values])
    return hmac.digest(bytes.fromhex(key), text.encode(), "sha256").hex()


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return str(value)


_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_plain)
