"""Looks for what is unusual and raises an alarm, once: a row, a banner, one mail to the owners.

What is counted is the log of activity, so nothing here sees buyer data.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext

from dispatch.models import Activity, ActivityHead, Alarm, Membership, Person, Seller
from dispatch.models.keyring import SealBroken
from dispatch.services.audit import activity, alarm_words, evidence

log = logging.getLogger(__name__)

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)

MOST_A_DAY = 1_000
"""Buyers whose data one person may open and export of one seller in a day, whatever is usual."""
NOTICED_FROM = 50
"""Fewer than this is never unusual: a new dispatcher's first days are all beyond the usual."""
USUAL_TIMES = 5
"""A day is unusual at this many times the person's own usual day."""
USUAL_DAYS = 28
"""Days before today from which the usual day is taken."""
DAYS_TO_KNOW = 5
"""Of those days, at least so many must have opened anything: a week's work."""

FAILURES_OF_ONE = 5
"""Failed log-ins of one account in an hour that raise an alarm; it is locked after ten."""
FAILURES_OF_ALL = 30
"""Failed log-ins in an hour, under any name, that raise an alarm."""
REFUSALS = 3
"""Writes in an hour answered with 403 by Amazon that raise an alarm."""

SECRET_LIVES = dt.timedelta(days=180)
AUTHORISATION_LIVES = dt.timedelta(days=365)
SECRET_WARNINGS = (dt.timedelta(days=90), dt.timedelta(days=14))
"""Warnings come this long before the end. Amazon itself begins to remind 90 days before."""
AUTHORISATION_WARNINGS = (dt.timedelta(days=30), dt.timedelta(days=7))

EXPIRING = (Alarm.Kind.SECRET_EXPIRES, Alarm.Kind.AUTHORISATION_EXPIRES)
DENIED = ("no_role", "revoked", "wrong_secret")


def look(now: dt.datetime) -> int:
    """Raise an alarm for everything unusual that is new, and mail it; returns how many are new.

    Any number of processes may look at the same time. Once a day one of them verifies the log
    itself, writes its head to the host's log, and removes rows that are kept no longer.
    """
    expiring = list(_expiring(now))
    found = [*_volume(now), *_failures(now), *_refusals(now), *expiring, *_log(now)]
    raised = sum(_raise(alarm, now) for alarm in found)
    _settle({alarm.key for alarm in expiring}, now)
    _send(now)
    return raised


@transaction.atomic
def acknowledge(*, alarm: Alarm, person: Person, now: dt.datetime) -> None:
    """Keep that a person has looked at an alarm; only the first person is kept."""
    still_open = Alarm.objects.filter(pk=alarm.pk, acknowledged_at=None)
    if still_open.update(acknowledged_at=now, acknowledged_by=person):
        activity.record(
            activity.Kind.ALARM_ACKNOWLEDGED, person=person, seller=alarm.seller, alarm=alarm.kind
        )


# --- What is unusual ------------------------------------------------------------------------------

_Taker = tuple[int, Any]
"""The ids of a person, and of the seller whose buyers' data they took."""


def _volume(now: dt.datetime) -> Iterator[Alarm]:
    for (person, seller), count in _taken(now - DAY, now).items():
        if count < NOTICED_FROM:
            continue
        if count >= MOST_A_DAY or count > USUAL_TIMES * _usual(person, seller, now):
            yield Alarm(
                key=f"volume:{person}:{seller}:{now:%Y-%m-%d}",
                kind=Alarm.Kind.VOLUME,
                person_id=person,
                seller_id=seller,
                count=count,
            )


def _taken(since: dt.datetime, until: dt.datetime) -> Counter[_Taker]:
    """Return of how many buyers each person opened or exported the data, by person and seller."""
    rows = Activity.objects.filter(
        at__gt=since, at__lte=until, person_id__isnull=False, seller_id__isnull=False
    )
    by_whom = ("person_id", "seller_id")
    taken: Counter[_Taker] = Counter()
    opened = rows.filter(kind=activity.Kind.BUYER_DATA_OPENED).values_list(*by_whom)
    for person, seller, count in opened.annotate(count=Count("pk")):
        taken[person, seller] += count
    for person, seller, detail in rows.filter(kind=activity.Kind.EXPORTED).values_list(
        *by_whom, "detail"
    ):
        taken[person, seller] += _buyers(activity.Kind.EXPORTED, detail)
    return taken


def _buyers(kind: str, detail: dict[str, Any]) -> int:
    """Return of how many buyers the data was taken, by one row of the log."""
    if kind == activity.Kind.EXPORTED:
        return int(detail.get("rows", 0)) if detail.get("buyers") else 0
    return 1


def _usual(person: int, seller: Any, now: dt.datetime) -> float:
    """Return how many buyers' data a person takes on a usual day on which they take any.

    Infinity where there are too few such days to know.
    """
    rows = Activity.objects.filter(
        person_id=person,
        seller_id=seller,
        at__gt=now - (USUAL_DAYS + 1) * DAY,
        at__lte=now - DAY,
        kind__in=(activity.Kind.BUYER_DATA_OPENED, activity.Kind.EXPORTED),
    )
    days: Counter[int] = Counter()
    for at, kind, detail in rows.values_list("at", "kind", "detail"):
        if taken := _buyers(kind, detail):
            days[(now - at) // DAY] += taken
    return days.total() / len(days) if len(days) >= DAYS_TO_KNOW else float("inf")


def _failures(now: dt.datetime) -> Iterator[Alarm]:
    failed = Activity.objects.filter(
        at__gt=now - HOUR,
        at__lte=now,
        kind__in=(activity.Kind.LOG_IN_FAILED, activity.Kind.SECOND_FACTOR_FAILED),
    )
    of_one = failed.filter(person_id__isnull=False).values_list("person_id")
    total = failed.count()
    for person, count in of_one.annotate(count=Count("pk")).filter(count__gte=FAILURES_OF_ONE):
        yield Alarm(
            key=f"failures:{person}:{now:%Y-%m-%d}",
            kind=Alarm.Kind.FAILURES,
            person_id=person,
            count=count,
        )
    if total >= FAILURES_OF_ALL:
        yield Alarm(key=f"many_failures:{now:%Y-%m-%d}", kind=Alarm.Kind.MANY_FAILURES, count=total)


def _refusals(now: dt.datetime) -> Iterator[Alarm]:
    recent = Activity.objects.filter(at__gt=now - HOUR, at__lte=now, seller_id__isnull=False)
    refused = recent.filter(kind=activity.Kind.WRITE, detail__status=403)
    denied = recent.filter(kind=activity.Kind.CONNECTION_CHANGED, detail__state__in=DENIED)
    count = Counter(refused.values_list("seller_id", flat=True))
    # What Amazon says of the credentials themselves needs no repetition.
    for seller in denied.values_list("seller_id", flat=True):
        count[seller] += REFUSALS
    for seller, number in count.items():
        if number >= REFUSALS:
            yield Alarm(
                key=f"amazon_refuses:{seller}:{now:%Y-%m-%d}",
                kind=Alarm.Kind.AMAZON_REFUSES,
                seller_id=seller,
            )


# --- What runs out --------------------------------------------------------------------------------


def _expiring(now: dt.datetime) -> Iterator[Alarm]:
    sellers = Seller.objects.exclude(state=Seller.State.DISCONNECTED)
    for seller in sellers.only("pk", "secret_rotated_at", "authorised_at").order_by("pk"):
        clocks = (
            (EXPIRING[0], seller.secret_rotated_at, SECRET_LIVES, SECRET_WARNINGS),
            (EXPIRING[1], seller.authorised_at, AUTHORISATION_LIVES, AUTHORISATION_WARNINGS),
        )
        for kind, since, lives, warnings in clocks:
            if since and (stage := _stage(since + lives - now, warnings)):
                yield Alarm(
                    key=f"{kind}:{seller.pk}:{since:%Y-%m-%dT%H:%M:%S}:{stage}",
                    kind=kind,
                    seller_id=seller.pk,
                    due_at=since + lives,
                )


def _stage(left: dt.timedelta, warnings: Iterable[dt.timedelta]) -> int:
    """Return how many of the warnings are due, so that each one raises an alarm of its own."""
    return sum(left <= before for before in warnings)


def _settle(current: set[str], now: dt.datetime) -> None:
    """Close the alarms of what has been renewed, or what a later warning says more urgently."""
    waiting = Alarm.objects.filter(acknowledged_at=None, kind__in=EXPIRING)
    waiting.exclude(key__in=current).update(acknowledged_at=now)


# --- The log itself -------------------------------------------------------------------------------


def _log(now: dt.datetime) -> Iterator[Alarm]:
    if not _is_due(now):
        return
    try:
        evidence.verify()
    except evidence.Broken as damage:
        yield Alarm(
            key=f"log_broken:{now:%Y-%m-%d}", kind=Alarm.Kind.LOG_BROKEN, finding=str(damage)
        )
        # Nothing is removed that may be evidence of how it was broken.
        return
    evidence.prune(now)
    evidence.note_head()


def _is_due(now: dt.datetime) -> bool:
    """Return True for the one process that verifies the log today.

    A last check that lies in the future is not believed: a clock was wrong.
    """
    due = Q(checked_at=None) | Q(checked_at__lt=now - DAY) | Q(checked_at__gt=now)
    if ActivityHead.objects.filter(due, pk=ActivityHead.ONLY).update(checked_at=now):
        return True
    return not ActivityHead.objects.exists() and Activity.objects.exists()


# --- Raising and telling --------------------------------------------------------------------------


@transaction.atomic
def _raise(found: Alarm, now: dt.datetime) -> bool:
    """Keep an alarm and return True, unless it was raised before or is about somebody gone."""
    if Alarm.objects.filter(key=found.key).exists() or not _is_about_somebody(found):
        return False
    about = {
        name: getattr(found, name)
        for name in ("kind", "seller_id", "person_id", "count", "due_at", "finding")
    }
    alarm, created = Alarm.objects.get_or_create(
        key=found.key, defaults={**about, "raised_at": now}
    )
    if created:
        _record(alarm)
    return created


def _is_about_somebody(found: Alarm) -> bool:
    seller = found.seller_id is None or Seller.objects.filter(pk=found.seller_id).exists()
    person = found.person_id is None or Person.objects.filter(pk=found.person_id).exists()
    return seller and person


def _record(alarm: Alarm) -> None:
    subject = alarm.person.email if alarm.person else ""
    try:
        with transaction.atomic():
            activity.record(
                activity.Kind.ALARM,
                seller=alarm.seller,
                subject=subject,
                alarm=alarm.kind,
                count=alarm.count,
            )
    except SealBroken:
        # That the log cannot be written is what this alarm says.
        log.exception("an alarm could not be recorded")


def _send(now: dt.datetime) -> None:
    """Mail each new alarm once. One that cannot be sent is tried again at the next look."""
    for alarm in Alarm.objects.filter(mailed_at=None, acknowledged_at=None):
        mine = Alarm.objects.filter(pk=alarm.pk, mailed_at=None).update(mailed_at=now)
        if not mine:
            continue
        try:
            _mail(alarm)
        except OSError:
            log.warning("alarm %s could not be mailed; trying again", alarm.pk, exc_info=True)
            Alarm.objects.filter(pk=alarm.pk).update(mailed_at=None)


def _mail(alarm: Alarm) -> None:
    owners = [person.email for person in owners_of(alarm)]
    if owners:
        what_to_do = gettext("Log in to Dispatch and open Activity to look at it.")
        body = f"{alarm_words.text(alarm)}\n\n{what_to_do}"
        # Blind copies: owners of several sellers need not know of each other.
        EmailMessage(f"[Dispatch] {alarm_words.title(alarm)}", body, bcc=owners).send()


def owners_of(alarm: Alarm) -> list[Person]:
    """Return the owners to tell: of the alarm's seller, of its person's sellers, or of all."""
    of_owners = Membership.objects.filter(role=Membership.Role.OWNER)
    if alarm.seller_id:
        of_owners = of_owners.filter(seller=alarm.seller_id)
    elif alarm.person_id:
        sellers = Membership.objects.filter(person=alarm.person_id).values("seller_id")
        of_owners = of_owners.filter(seller__in=sellers)
    people = Person.objects.filter(pk__in=of_owners.values("person_id"), is_active=True)
    return list(people.order_by("email"))
