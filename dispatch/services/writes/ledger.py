"""The write ledger: nothing reaches Amazon without a row made before, and no row sends twice.

A write goes pending → sent → accepted, warned, refused or unknown. What becomes of an unknown one
is found out in `dispatch.services.writes.settling`, by reading back, never by sending again.
"""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.amazon import metrics
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.definition import only_objects
from dispatch.services.amazon.documents import Document
from dispatch.services.amazon.words import kept_words
from dispatch.services.audit import activity
from dispatch.services.writes import lanes
from dispatch.services.writes.kind import Kind, Payload, ReadBack, Sending, Words
from dispatch.services.writes.kinds import kind_of
from dispatch.spapi import ApiResponse, SellingApiException, ThrottledLocally

TRY_FOR = dt.timedelta(days=3)
"""How long the worker goes on trying to send a write that Amazon does not take up."""
GAVE_UP = _("Amazon could not be reached for three days. It is safe to send it again.")
PATIENCE = 10.0
"""Seconds a repeated submit waits for the answer to the first."""


class KeyReused(Exception):
    """The form's key was spent on a different write; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the ledger keeps it: who asks what of Amazon, for which job if any."""

    kind: Kind
    key: uuid.UUID
    person: Person
    seller: Seller
    payload: Payload
    job: ServiceJob | None = None

    def is_same(self, action: Action) -> bool:
        """Tell whether a row with this key is this write."""
        job = self.job and self.job.pk
        mine = (self.person.pk, self.seller.pk, job, self.kind.name, self.payload)
        kept = (action.person_id, action.seller_id, action.job_id, action.kind, action.payload)
        return mine == kept


def enter(write: Write, **more: Any) -> tuple[Action, bool]:
    """Return the row of a write, and whether it was made just now.

    ``more`` are further columns of a new row. Raises `KeyReused` when the key belongs to another
    write.
    """
    try:
        with transaction.atomic():
            action = Action.objects.create(
                key=write.key,
                person=write.person,
                seller=write.seller,
                job=write.job,
                kind=write.kind.name,
                payload=write.payload,
                **more,
            )
            _record(action)
    except IntegrityError:
        kept = Action.objects.get(key=write.key)
        if not write.is_same(kept):
            raise KeyReused from None
        return kept, False
    return action, True


def wait_for(action: Action) -> Action:
    """Return the row of a write that another request is sending, settled if that is done soon."""
    deadline = time.monotonic() + PATIENCE
    while action.state in (Action.State.PENDING, Action.State.SENT):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
        action.refresh_from_db()
    return action


def claim(action: Action) -> bool:
    """Take a row from pending to sent; False when it was given up, and must not be sent."""
    mine = Action.objects.filter(pk=action.pk, state=Action.State.PENDING)
    claimed = mine.update(state=Action.State.SENT, sent_at=timezone.now()) == 1
    action.refresh_from_db()
    return claimed


def send(action: Action, files: Sequence[Document] = (), *, interactive: bool) -> None:
    """Send a claimed row and keep Amazon's answer: accepted, warned, or unknown.

    An answer that does not name the id it owes proves nothing: the row is unknown then. Raises
    one of `client.FAULTS` where Amazon did not accept it; the row is still sent.
    """
    kind = kind_of(action.kind)
    job_id = action.job.service_job_id if action.job else ""
    with connect(action.seller, interactive=interactive) as client:
        response = kind.send(client, Sending(job_id, lanes.up_to_date(action), files))
    result = _ids(response.payload)
    if kind.owes and kind.owes not in result:
        doubt(action, request_id=response.request_id or "")
    else:
        _accept(action, response, result)


def doubt(action: Action, **said: Any) -> None:
    """Nobody can say what became of it: look for it from now on.

    Counted from the sending, a time-out would have used up all of the time to look already.
    """
    mark(action, state=Action.State.UNKNOWN, sent_at=timezone.now(), **said)


def refuse(action: Action, error: Exception) -> None:
    """Keep that Amazon, or we, did not take it, and why."""
    _refuse(action, said(error))


def refuse_in_words(action: Action, words: Words) -> None:
    """Keep that it did not happen, with a sentence of ours in English: see `words_of`."""
    with override(None):
        _refuse(action, {"errors": [{"code": "", "message": str(words)}]})


def _refuse(action: Action, told: Payload) -> None:
    with transaction.atomic():
        mark(action, state=Action.State.REFUSED, settled_at=timezone.now(), **told)
        lanes.stop_what_needs(action)


def accept_as_shown(action: Action, back: ReadBack) -> None:
    """Keep that what was read back shows it, with the id that the lost answer would have named."""
    of_visit = kind_of(action.kind).owes == "appointmentId"
    result = {"appointmentId": back.job.appointment_id} if of_visit else {}
    mark(
        action,
        state=Action.State.ACCEPTED,
        errors=[],
        result=result,
        settled_at=timezone.now(),
    )


def put_back(action: Action, error: Exception | None = None) -> None:
    """Let a write that waits for its turn, and did not happen now, be sent again later.

    It is refused once that has gone on for `TRY_FOR`. The log of activity hears nothing of it:
    nothing has become of the write.
    """
    if timezone.now() - action.created_at > TRY_FOR:
        refuse_in_words(action, GAVE_UP)
        return
    action.state = Action.State.PENDING
    action.attempts += 1
    action.not_before = timezone.now() + lanes.pause(action.attempts, error)
    action.rung_at = None
    changes = ["state", "attempts", "not_before", "rung_at"]
    if error is not None:
        told = said(error)
        action.errors = told["errors"]
        changes.append("errors")
    action.save(update_fields=changes)


def said(error: Exception) -> dict[str, Any]:
    """Return the columns of what a fault says: Amazon's own words where it spoke, else ours.

    Of its quota Amazon speaks to programmers: there the words are ours.
    """
    errors: list[Any] = []
    if isinstance(error, SellingApiException) and 200 <= error.code < 500:
        quota = error.code == 429 and not isinstance(error, ThrottledLocally)
        errors = [] if quota else error.error
    return {
        "errors": errors or [{"code": "", "message": kept_words(error)}],
        "status_code": getattr(error, "code", None),
        "request_id": getattr(error, "request_id", None) or "",
    }


def words_of(one: Payload) -> str:
    """Return an error or warning of a row in words: Amazon's as they came, ours translated.

    Ours are kept in English and have no code.
    """
    message, code = str(one.get("message") or ""), str(one.get("code") or "")
    return gettext(message) if message and not code else message or code


def mark(action: Action, **changes: Any) -> None:
    """Write columns of a row, and what has become of it into the log of activity.

    Once it is settled its files are not needed any more, and those that wait for it may go on.
    """
    if "state" in changes:
        metrics.ACTIONS.labels(action.kind, changes["state"]).inc()
    for name, value in changes.items():
        setattr(action, name, value)
    with transaction.atomic():
        if action.turn is not None:
            # Before anything else is locked: whoever takes a write in does the same.
            lanes.hold(action.seller, action.job)
        action.save(update_fields=list(changes))
        _record(action)
        if action.turn is not None and action.settled:
            action.files.all().delete()
            lanes.wake(action)


def _accept(action: Action, response: ApiResponse, result: Payload) -> None:
    warnings = list(response.warnings or [])
    mark(
        action,
        state=Action.State.WARNED if warnings else Action.State.ACCEPTED,
        errors=[],
        warnings=warnings,
        result=result,
        request_id=response.request_id or "",
        status_code=200,
        settled_at=timezone.now(),
    )


def _ids(payload: Any) -> Payload:
    """Return the ids that Amazon gave: of the appointment, of the reservation, perhaps new ones."""
    if not isinstance(payload, dict):
        return {}
    found = {"appointmentId": payload.get("appointmentId")}
    reservation = payload.get("reservation")
    if isinstance(reservation, dict):
        found["reservationId"] = reservation.get("reservationId")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _record(action: Action) -> None:
    """Keep in the log of activity what has become of a write so far."""
    activity.record(
        activity.Kind.WRITE,
        person=action.person,
        seller=action.seller,
        subject=action.job.service_job_id if action.job else "",
        action=action.pk,
        write=action.kind,
        state=action.state,
        status=action.status_code,
        request=action.request_id or None,
        errors=_codes(action.errors),
        warnings=_codes(action.warnings),
    )


def _codes(said: list[Any]) -> list[str] | None:
    """Return Amazon's codes without its words, which may quote what was sent; None for none."""
    return [code for one in only_objects(said) if (code := one.get("code"))] or None
