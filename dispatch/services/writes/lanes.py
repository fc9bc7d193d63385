"""The order in which writes that wait for their turn go to Amazon.

All waiting writes of a job are one lane, and so are those of a seller that are about no job. A
lane gives one write at a time, in the order of their turns. One that was refused, or of which
nobody knows yet, holds back those that need it, and no others.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable

from django.db.models import Max, QuerySet

from dispatch.models import Action, Seller, ServiceJob
from dispatch.services.writes.kind import Kind, Payload
from dispatch.services.writes.kinds import KINDS, kind_of
from dispatch.spapi import ThrottledLocally

LONGEST_PAUSE = 600.0
"""Seconds between two tries to send a write, at most."""


def hold(seller: Seller, job: ServiceJob | None) -> None:
    """Keep the lane of a job, or of a seller, for the transaction that asks for it.

    Whoever gives a turn or takes a write out of the lane holds it, so that both happen one by one.
    """
    rows: QuerySet[ServiceJob] | QuerySet[Seller]
    if job is not None:
        rows = ServiceJob.objects.filter(pk=job.pk)
    else:
        rows = Seller.objects.filter(pk=seller.pk)
    list(rows.select_for_update(no_key=True).values_list("pk"))


def waiting(seller: Seller, job: ServiceJob | None) -> QuerySet[Action]:
    """Return all writes of a lane, settled ones too, in the order of their turns."""
    return Action.objects.filter(seller=seller, job=job, turn__isnull=False).order_by("turn")


def next_turn(seller: Seller, job: ServiceJob | None) -> int:
    """Return the turn after the last one; the lane must be held."""
    last: int | None = waiting(seller, job).aggregate(last=Max("turn"))["last"]
    return (last or 0) + 1


def is_busy(job: ServiceJob) -> bool:
    """Tell whether a write of this job is on its way or waits to be: another one goes after it."""
    on_its_way = (Action.State.PENDING, Action.State.SENT)
    return waiting(job.seller, job).filter(state__in=on_its_way, stopped_by=None).exists()


def next_of(lane: Iterable[Action], now: dt.datetime) -> Action | None:
    """Return the write that may be sent now, of the open writes of a lane in order; else None."""
    held_back: set[str] = set()
    for action in lane:
        if action.state == Action.State.SENT:
            return None
        needed = kind_of(action.kind).needs
        uncertain = action.state == Action.State.UNKNOWN or action.stopped_by_id is not None
        if uncertain or needed & held_back:
            held_back.add(action.kind)
        elif action.not_before and action.not_before > now:
            return None
        else:
            return action
    return None


def open_writes(seller: Seller, job: ServiceJob | None) -> QuerySet[Action]:
    """Return the writes of a lane that are not settled, in the order of their turns."""
    return waiting(seller, job).filter(state__in=Action.OPEN)


def stop_what_needs(refused: Action) -> None:
    """Stop the waiting writes of the same lane that make no sense without a refused one."""
    if refused.turn is None:
        return
    missing = {refused.kind}
    later = open_writes(refused.seller, refused.job).filter(
        turn__gt=refused.turn, state=Action.State.PENDING, stopped_by=None
    )
    for action in later:
        if kind_of(action.kind).needs & missing:
            missing.add(action.kind)
            Action.objects.filter(pk=action.pk).update(stopped_by=refused)


def wake(settled: Action) -> None:
    """Let the worker be told again of the lane in which a write was settled."""
    rest = open_writes(settled.seller, settled.job).filter(state=Action.State.PENDING)
    rest.update(rung_at=None)


def obstacle(kind: Kind, seller: Seller, job: ServiceJob | None) -> Action | None:
    """Return the refused write without which a new one of this kind makes no sense, if any.

    A later write of the same kind that was not refused has taken its place.
    """
    for name in kind.needs:
        same = Action.objects.filter(seller=seller, job=job, kind=name)
        last = same.order_by("-created_at").first()
        if last and last.turn is not None and last.state == Action.State.REFUSED:
            return last
    return None


def up_to_date(action: Action) -> Payload:
    """Return a write's payload, its appointment followed through the writes before it.

    A reschedule gives the appointment a new id, which nobody knew when the next write came in; an
    appointment that was still to be added has the id "" there.
    """
    payload: Payload = action.payload
    if action.turn is None or "appointmentId" not in payload:
        return payload
    giving = [kind.name for kind in KINDS.values() if kind.owes == "appointmentId"]
    before = waiting(action.seller, action.job).filter(
        turn__lt=action.turn,
        kind__in=giving,
        state__in=(Action.State.ACCEPTED, Action.State.WARNED),
    )
    visit = payload["appointmentId"]
    for earlier in before:
        if earlier.payload.get("appointmentId", "") == visit:
            visit = earlier.result.get("appointmentId", visit)
    return {**payload, "appointmentId": visit}


def pause(attempts: int, error: Exception | None) -> dt.timedelta:
    """Return how long to wait before the next try: longer each time, and never all at once."""
    if isinstance(error, ThrottledLocally):
        return dt.timedelta(seconds=error.retry_after)
    longest = min(LONGEST_PAUSE, 2.0**attempts)
    return dt.timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311
