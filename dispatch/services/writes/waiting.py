"""Writes that wait for their turn: kept and answered at once, sent by the worker.

A row, its payload and its files are kept in one transaction before anybody is told. The rows are
the truth, and the bell only says which lane to look at: it may ring twice, or not at all. Whoever
takes a write out of a lane holds the lane, so that any number of workers send each write once, in
order. Rate plans hold: background work leaves half of each to people.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import cache as once

from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatch.models import Action, ActionFile, Person
from dispatch.services.amazon.documents import Document
from dispatch.services.mirror import tasks
from dispatch.services.mirror.queue import RING_AGAIN, Bell
from dispatch.services.writes import lanes, ledger, rights, sending
from dispatch.services.writes.kinds import kind_of
from dispatch.services.writes.ledger import Write

TAKEN_BACK = _("It was taken back before it was sent.")
FILES_GONE = _("Its files were erased before it could be sent.")
_WITH = ("job__seller", "seller", "person")


@once
def bell() -> Bell:
    """Return the queue that tells workers which lane to look at."""
    return Bell("dispatch-writes", answer)


def take_in(write: Write, files: Sequence[Document] = ()) -> Action:
    """Keep a write and its files for the worker, and return its row.

    The same write under the same key is kept once. Raises `ledger.KeyReused`.
    """
    with transaction.atomic():
        lanes.hold(write.seller, write.job)
        action, created = ledger.enter(
            write,
            turn=lanes.next_turn(write.seller, write.job),
            stopped_by=lanes.obstacle(write.kind, write.seller, write.job),
        )
        if created:
            for place, file in enumerate(files):
                ActionFile.objects.create(
                    action=action,
                    place=place,
                    kind=file.kind,
                    sha256=file.sha256,
                    content=file.content,
                )
            transaction.on_commit(lambda: bell().answer(str(action.pk)))
    return action


def tick() -> int:
    """Ring for the lanes that have something to send; returns for how many.

    Any number of processes may tick.
    """
    now = timezone.now()
    due = Q(not_before=None) | Q(not_before__lte=now)
    unheard = Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN)
    waiting = Action.objects.filter(
        due, unheard, state=Action.State.PENDING, turn__isnull=False, stopped_by=None
    )
    if not waiting.exists():
        return 0
    with transaction.atomic():
        rows = waiting.select_for_update(skip_locked=True).order_by("created_at")
        found = list(rows.values_list("pk", "seller", "job")[: bell().room()])
        Action.objects.filter(pk__in=[key for key, _, _ in found]).update(rung_at=now)
    first_of_lane = {(seller, job): key for key, seller, job in reversed(found)}
    for key in first_of_lane.values():
        bell().answer(str(key))
    return len(first_of_lane)


def answer(action_id: str) -> None:
    """Do what a worker does when it is rung: send what the lane of a write has to send."""
    close_old_connections()
    try:
        send_lane(action_id)
    finally:
        close_old_connections()


def send_lane(action_id: str) -> None:
    """Send the writes of the lane that a write is in, one after the other, while there are any."""
    one = Action.objects.select_related(*_WITH).filter(pk=uuid.UUID(action_id)).first()
    while one is not None and not tasks.stopping.is_set() and (action := _take_next(one)):
        files = _files(action)
        if files is None:
            ledger.refuse_in_words(action, FILES_GONE)
        else:
            sending.send(action, files, interactive=False)


def go_on(action: Action, person: Person) -> None:
    """Let a stopped write go on although the one before it was refused.

    Raises `rights.NotAllowed`.
    """
    rights.require(person, action.seller, kind_of(action.kind))
    Action.objects.filter(pk=action.pk, state=Action.State.PENDING).update(
        stopped_by=None, rung_at=None
    )
    bell().answer(str(action.pk))


def take_back(action: Action, person: Person) -> bool:
    """Refuse a write that was not sent yet; returns False where it is too late.

    Raises `rights.NotAllowed`.
    """
    rights.require(person, action.seller, kind_of(action.kind))
    with transaction.atomic():
        lanes.hold(action.seller, action.job)
        action.refresh_from_db()
        if action.state != Action.State.PENDING:
            return False
        ledger.refuse_in_words(action, TAKEN_BACK)
    return True


def _take_next(one: Action) -> Action | None:
    """Claim the next write of the lane that a write is in; None where none may be sent now."""
    with transaction.atomic():
        lanes.hold(one.seller, one.job)
        lane = lanes.open_writes(one.seller, one.job).select_related(*_WITH)
        action = lanes.next_of(lane, timezone.now())
        return action if action and ledger.claim(action) else None


def _files(action: Action) -> list[Document] | None:
    """Return the files that go with a write; None where they were erased with their buyer."""
    kept = [Document(one.content, one.kind) for one in action.files.order_by("place")]
    return kept if len(kept) == len(action.payload.get("documents", [])) else None
