"""The sessions of people: kept for the list, and ended at once.

The list is that of `allauth.usersessions`; a session itself is Django's and lives as long as its
row there. What allauth would keep whole, the client's address, is cut to its network here, whoever
saves the row. See ``docs/decisions/sessions.md``.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models.signals import pre_save
from django.dispatch import receiver

from dispatch.models import Person, Seller
from dispatch.models.networks import UNKNOWN_ADDRESS, network_of
from dispatch.services.audit import activity

LONGEST_DEVICE = 200


class EndReason(StrEnum):
    """What ended a session."""

    IDLE = "idle"
    SHIFT_OVER = "shift_over"
    BY_THEMSELVES = "by_themselves"
    BY_AN_OWNER = "by_an_owner"
    REMOVED = "removed"


@receiver(pre_save, sender=UserSession)
def keep_the_network_only(instance: UserSession, **_: Any) -> None:
    """Cut the address to its network (/24 or /48), and the browser's name to readable signs."""
    network = network_of(instance.ip or "").partition("/")[0]
    instance.ip = network or UNKNOWN_ADDRESS
    readable = (sign for sign in instance.user_agent if sign.isprintable())
    instance.user_agent = "".join(readable)[:LONGEST_DEVICE]


def begin(*, person: Person, key: str, device: str) -> None:
    """List a session that has just begun under this key; ``device`` is the browser's own name.

    allauth lists a log-in that went through its own pages; this lists every other one too, so that
    there is no session that could not be ended.
    """
    UserSession.objects.update_or_create(
        session_key=key,
        defaults={"user": person, "ip": activity.asking().origin, "user_agent": device},
    )


def note_seen(*, key: str, at: dt.datetime) -> None:
    """Keep when the person of this session was last there."""
    UserSession.objects.filter(session_key=key).update(last_seen_at=at)


@transaction.atomic
def follow_new_key(*, person: Person, before: str, key: str) -> None:
    """Keep the row of a person's session that goes on under a new key, as after a new password.

    Without it the list would show a session that began just now.
    """
    row = UserSession.objects.filter(user=person, session_key=before).first()
    if row is not None:
        UserSession.objects.filter(session_key=key).delete()  # allauth's, as of a new session.
        UserSession.objects.filter(pk=row.pk).update(session_key=key)


@transaction.atomic
def ended_by_itself(*, person: Person, key: str, why: EndReason) -> None:
    """Take a session that ended by itself off the list, and record why it ended."""
    UserSession.objects.filter(session_key=key).delete()
    _record(person, why, 1)


@transaction.atomic
def end(
    *,
    person: Person,
    why: EndReason,
    seller: Seller | None = None,
    only: int | None = None,
    but: str | None = None,
) -> int:
    """End sessions of a person at once, and return how many.

    ``only`` is the id of one row; ``but`` is the key of a session that goes on. ``seller`` is for
    whom an owner ended them.
    """
    rows = UserSession.objects.filter(user=person)
    if only is not None:
        rows = rows.filter(pk=only)
    if but is not None:
        rows = rows.exclude(session_key=but)
    ending = list(rows)
    for row in ending:
        row.end()
    if ending:
        _record(person, why, len(ending), seller)
    return len(ending)


def _record(person: Person, why: EndReason, count: int, seller: Seller | None = None) -> None:
    activity.record(
        activity.Kind.SESSIONS_ENDED,
        seller=seller,
        subject=person.email,
        why=why,
        sessions=count,
    )
