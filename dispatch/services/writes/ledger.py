"""The write ledger: nothing reaches Amazon without a row made before, and no row sends twice.

A write goes pending → sent → accepted, warned, refused or unknown. An unknown outcome is settled by
reading the job back, never by sending again.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from dispatch.models import Action, Appointment, JobStatus, Person, Seller, ServiceJob
from dispatch.services.amazon import metrics
from dispatch.services.amazon.client import FAULTS, connect
from dispatch.services.amazon.definition import only_objects
from dispatch.services.amazon.words import in_words
from dispatch.services.audit import activity
from dispatch.services.mirror import one_job
from dispatch.spapi import (
    ApiResponse,
    SellingApiException,
    SellingApiOutcomeUnknown,
    Services,
    ThrottledLocally,
)

log = logging.getLogger(__name__)

Call = Callable[[Services], ApiResponse]
Payload = dict[str, Any]

PATIENCE = 10.0
"""Seconds a repeated submit waits for the answer to the first."""
SETTLE_AFTER = dt.timedelta(seconds=30)
"""How long Amazon may take, after the answer was lost, to show a write; then it did not happen."""
ABANDONED_AFTER = dt.timedelta(minutes=3)
"""A row still waiting after this belonged to a process that died.

The longest call takes less: 20 s for the token's lock, 50 s for the token, 2 s for the rate plan,
55 s for all attempts.
"""
OWED = {
    Action.Kind.ADD_APPOINTMENT: "appointmentId",
    Action.Kind.RESCHEDULE: "appointmentId",
    Action.Kind.CREATE_RESERVATION: "reservationId",
}
"""What Amazon's answer must name; one without it proves nothing."""


class KeyReused(Exception):
    """The form's key was spent on a different write; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the ledger keeps it: who asks what of Amazon, for which job if any.

    ``payload`` is what is sent, by Amazon's names, without buyer data.
    """

    key: uuid.UUID
    person: Person
    seller: Seller
    kind: Action.Kind
    payload: Payload
    job: ServiceJob | None = None

    def is_same(self, action: Action) -> bool:
        """Whether a row with this key is this write."""
        mine = (self.person.pk, self.seller.pk, self.job and self.job.pk, self.kind, self.payload)
        kept = (action.person_id, action.seller_id, action.job_id, action.kind, action.payload)
        return mine == kept


def carry_out(write: Write, call: Call) -> Action:
    """Write to Amazon once for this key, and return the row with what Amazon said.

    ``call`` sends the write. A second submit with the same key waits for the first and returns
    its row. Raises `KeyReused` when the key belongs to another write.
    """
    action, created = _open(write)
    if not created:
        return _await_first(action, write)
    _send(action, call)
    return action


def _open(write: Write) -> tuple[Action, bool]:
    try:
        with transaction.atomic():
            action = Action.objects.create(
                key=write.key,
                person=write.person,
                seller=write.seller,
                job=write.job,
                kind=write.kind,
                payload=write.payload,
            )
            _record(action)
    except IntegrityError:
        return Action.objects.get(key=write.key), False
    return action, True


def _await_first(action: Action, write: Write) -> Action:
    if not write.is_same(action):
        raise KeyReused
    deadline = time.monotonic() + PATIENCE
    while action.state in (Action.State.PENDING, Action.State.SENT):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
        action.refresh_from_db()
    return action


def _send(action: Action, call: Call) -> None:
    if not _claim(action):
        return
    try:
        with connect(action.seller, interactive=True) as client:
            response = call(client)
    except FAULTS as error:
        if isinstance(error, SellingApiOutcomeUnknown):
            _doubt(action, **_said(error))
        else:
            _mark(action, state=Action.State.REFUSED, settled_at=timezone.now(), **_said(error))
    else:
        result = _kept_result(response.payload)
        owed = OWED.get(Action.Kind(action.kind))
        if owed and owed not in result:
            _doubt(action, request_id=response.request_id or "")
        else:
            _accept(action, response, result)


def _claim(action: Action) -> bool:
    """From waiting to sent; False when the row was given up meanwhile, and must not be sent."""
    now = timezone.now()
    mine = Action.objects.filter(pk=action.pk, state=Action.State.PENDING)
    claimed = mine.update(state=Action.State.SENT, sent_at=now) == 1
    action.refresh_from_db()
    return claimed


def _doubt(action: Action, **said: Any) -> None:
    """Nobody can say what became of it: look, and go on looking for `SETTLE_AFTER` from now.

    Counted from the sending, a time-out would have used up all of that already.
    """
    _mark(action, state=Action.State.UNKNOWN, sent_at=timezone.now(), **said)
    _settle_alone(action, interactive=True)


def _accept(action: Action, response: ApiResponse, result: dict[str, Any]) -> None:
    warnings = list(response.warnings or [])
    _mark(
        action,
        state=Action.State.WARNED if warnings else Action.State.ACCEPTED,
        warnings=warnings,
        result=result,
        request_id=response.request_id or "",
        status_code=200,
        settled_at=timezone.now(),
    )


def _kept_result(payload: Any) -> dict[str, Any]:
    """The ids that Amazon gave: of the appointment, of the reservation, which may be a new one."""
    if not isinstance(payload, dict):
        return {}
    found = {"appointmentId": payload.get("appointmentId")}
    reservation = payload.get("reservation")
    if isinstance(reservation, dict):
        found["reservationId"] = reservation.get("reservationId")
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _mark(action: Action, **changes: Any) -> None:
    if "state" in changes:
        metrics.ACTIONS.labels(action.kind, changes["state"]).inc()
    for name, value in changes.items():
        setattr(action, name, value)
    with transaction.atomic():
        action.save(update_fields=list(changes))
        _record(action)


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
        errors=_said_codes(action.errors),
        warnings=_said_codes(action.warnings),
    )


def _said_codes(said: list[Any]) -> list[str] | None:
    """Amazon's codes without its words, which may quote what was sent; None for none."""
    return [code for one in only_objects(said) if (code := one.get("code"))] or None


def _said(error: Exception) -> dict[str, Any]:
    """What a refusal leaves in the ledger: Amazon's own words where it spoke, then ours.

    Of its quota Amazon speaks to programmers: there the words are ours.
    """
    said: list[Any] = []
    if isinstance(error, SellingApiException) and 200 <= error.code < 500:
        quota = error.code == 429 and not isinstance(error, ThrottledLocally)
        said = [] if quota else error.error
    return {
        "errors": said or [{"code": "", "message": in_words(error)}],
        "status_code": getattr(error, "code", None),
        "request_id": getattr(error, "request_id", None) or "",
    }


def settle_open() -> int:
    """Settle what a lost answer or a dead process left open; returns how many are settled now."""
    now = timezone.now()
    lost = Q(state=Action.State.UNKNOWN) | Q(
        state=Action.State.SENT, sent_at__lt=now - ABANDONED_AFTER
    )
    settled = _give_up(now)
    silent: set[uuid.UUID] = set()
    for action in Action.objects.filter(lost).select_related("job__seller", "seller"):
        # Where Amazon just did not answer for a seller, its other rows do not wait for it too.
        if action.seller_id in silent:
            continue
        found = _settle_alone(action, interactive=False)
        settled += found is True
        if found is None:
            silent.add(action.seller_id)
    return settled


@transaction.atomic
def _give_up(now: dt.datetime) -> int:
    """Refuse what was never sent, before anybody still sends it; returns how many."""
    never_sent = Action.objects.filter(
        state=Action.State.PENDING, created_at__lt=now - ABANDONED_AFTER
    )
    # Locked: a process that is only slow, not dead, may be about to claim one.
    abandoned = list(never_sent.select_for_update())
    for action in abandoned:
        _mark(
            action,
            state=Action.State.REFUSED,
            settled_at=now,
            errors=[{"code": "", "message": "It was never sent. It is safe to send it again."}],
        )
    return len(abandoned)


def _settle_alone(action: Action, *, interactive: bool) -> bool | None:
    """Whether it is settled, None where Amazon did not say; no other row hangs on this one."""
    try:
        return settle(action, interactive=interactive)
    except FAULTS as error:
        log.warning("action %s cannot be settled yet: %s", action.pk, in_words(error))
        return None
    except DatabaseError:
        raise
    except Exception:
        log.exception("action %s broke the settling", action.pk)
        return False


def settle(action: Action, *, interactive: bool) -> bool:
    """Read back and decide what became of a write without an answer.

    Accepted as soon as Amazon shows it; refused, and safe to send again, when Amazon still does
    not show it `SETTLE_AFTER` the answer was lost; otherwise it stays unknown. Raises one of
    `client.FAULTS` where Amazon does not say.
    """
    if _seen(action, interactive=interactive):
        _mark(action, state=Action.State.ACCEPTED, errors=[], settled_at=timezone.now())
        return True
    if action.sent_at and action.sent_at < timezone.now() - SETTLE_AFTER:
        words = REPLACES if action.kind in NEVER_SHOWN else NOT_DONE
        _mark(
            action,
            state=Action.State.REFUSED,
            errors=[{"code": "", "message": words}],
            settled_at=timezone.now(),
        )
        return True
    return False


NOT_DONE = "Amazon did not carry it out. It is safe to send it again."
REPLACES = (
    "Amazon does not show whether it arrived. It is safe to send it again: "
    "it replaces what was sent before."
)
NEVER_SHOWN = frozenset(
    {
        Action.Kind.ON_MY_WAY,
        Action.Kind.RECORD_WORK,
        Action.Kind.ADD_PROOF,
        Action.Kind.UPDATE_SCHEDULE,
        Action.Kind.UPDATE_RESERVATION,
        Action.Kind.CANCEL_RESERVATION,
    }
)


def _seen(action: Action, *, interactive: bool) -> bool:
    """Whether Amazon shows it now."""
    if action.job:
        return _shows(one_job.refresh_job(action.job, interactive=interactive), action)
    return _reserved(action, interactive=interactive)


def _reserved(action: Action, *, interactive: bool) -> bool:
    """Whether the time a new reservation asked for is taken: no operation lists reservations."""
    if action.kind != Action.Kind.CREATE_RESERVATION:
        return False
    span = action.payload["reservation"]["availability"]
    with connect(action.seller, interactive=interactive) as client:
        answer = client.get_range_slot_capacity(
            action.payload["resourceId"],
            capacityTypes=["RESERVED_CAPACITY"],
            startDateTime=span["startTime"],
            endDateTime=span["endTime"],
        )
    payload = answer.payload if isinstance(answer.payload, dict) else {}
    parts = only_objects(payload.get("capacities"))
    taken = [slot.get("capacity") for part in parts for slot in only_objects(part.get("slots"))]
    # Another reservation may cover a part of it.
    return bool(taken) and all(taken)


def _shows(job: ServiceJob, action: Action) -> bool:
    """Whether the job, as Amazon has it now, shows what the action asked for."""
    kind, payload = action.kind, action.payload
    if kind in NEVER_SHOWN:
        return False
    if kind == Action.Kind.COMPLETE:
        return job.status == JobStatus.COMPLETED
    if kind == Action.Kind.CANCEL:
        return job.status == JobStatus.CANCELLED
    active = job.appointments.filter(status=Appointment.Status.ACTIVE)
    if kind == Action.Kind.ASSIGN:
        wanted = {resource["resourceId"] for resource in payload["resources"]}
        visit = active.filter(appointment_id=payload["appointmentId"]).first()
        return visit is not None and {t["technicianId"] for t in visit.technicians} == wanted
    start = dt.datetime.fromisoformat(payload["appointmentTime"]["startTime"])
    # A reschedule to the time it already had shows only by its new id.
    replaced = payload.get("appointmentId", "")
    return active.filter(start=start).exclude(appointment_id=replaced).exists()
