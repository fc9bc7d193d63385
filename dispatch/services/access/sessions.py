"""The sessions of people: listed, and ended at once.

A session lives as long as Django's row for it does; ours says whose it is and from which device.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from dispatch.models import OpenSession, Person, Seller
from dispatch.services.audit import activity

LONGEST_DEVICE = 200


class Why(StrEnum):
    """What ended a session."""

    IDLE = "idle"
    SHIFT_OVER = "shift_over"
    BY_THEMSELVES = "by_themselves"
    BY_AN_OWNER = "by_an_owner"
    REMOVED = "removed"


def begin(*, person: Person, key: str, device: str) -> OpenSession:
    """Note a session that has just begun under this key."""
    _forget_gone(person)
    shown = "".join(sign for sign in device if sign.isprintable())[:LONGEST_DEVICE]
    row, _ = OpenSession.objects.update_or_create(
        key=key, defaults={"person": person, "device": shown, "seen_at": timezone.now()}
    )
    return row


def seen(*, row_id: int, at: dt.datetime) -> None:
    """Somebody was there."""
    OpenSession.objects.filter(pk=row_id).update(seen_at=at)


def renamed(*, row_id: int, key: str) -> None:
    """The same session goes on under a new key, as after a new password."""
    OpenSession.objects.filter(pk=row_id).update(key=key)


@transaction.atomic
def over(*, person: Person, row_id: int, why: Why) -> None:
    """A session ended by itself."""
    OpenSession.objects.filter(pk=row_id).delete()
    _record(person, why, 1)


@transaction.atomic
def end(
    *,
    person: Person,
    why: Why,
    seller: Seller | None = None,
    only: int | None = None,
    but: str | None = None,
) -> int:
    """End sessions of a person at once, and say how many.

    ``only`` is the id of one row; ``but`` is the key of a session that goes on. ``seller`` is for
    whom an owner ended them.
    """
    rows = OpenSession.objects.filter(person=person)
    if only is not None:
        rows = rows.filter(pk=only)
    if but is not None:
        rows = rows.exclude(key=but)
    keys = list(rows.values_list("key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    OpenSession.objects.filter(key__in=keys).delete()
    if keys:
        _record(person, why, len(keys), seller)
    return len(keys)


def _record(person: Person, why: Why, count: int, seller: Seller | None = None) -> None:
    activity.record(
        activity.Kind.SESSIONS_ENDED,
        seller=seller,
        subject=person.email,
        why=why,
        sessions=count,
    )


def _forget_gone(person: Person) -> None:
    """Rows of sessions that ended by themselves are not kept."""
    keys = OpenSession.objects.filter(person=person).values_list("key", flat=True)
    alive = Session.objects.filter(session_key__in=list(keys), expire_date__gt=timezone.now())
    gone = set(keys) - set(alive.values_list("session_key", flat=True))
    OpenSession.objects.filter(key__in=gone).delete()
