"""Ten failed attempts lock an account for half an hour.

Counted in the shared database, so that all processes count together, by a keyed hash of the
log-in name, so that a name nobody has is treated like any other. An attempt is counted before it
is looked at: of many at the same time no more than ten are.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from dispatch.models import FailedLogIn, Person, Seller
from dispatch.selectors.lockouts import LOCKED, MOST_FAILURES, locked_among, name_hash
from dispatch.services.audit import activity

FORGOTTEN = dt.timedelta(days=1)
"""Failures this long ago no longer count."""


def reserve(name: str) -> bool:
    """Count an attempt as failed until `succeeded` says otherwise; False where it is locked."""
    key, now = name_hash(name), timezone.now()
    FailedLogIn.objects.get_or_create(name_hash=key, defaults={"last_at": now})
    over = _over(now)
    counted = FailedLogIn.objects.filter(over | Q(failures__lt=MOST_FAILURES), name_hash=key)
    return bool(
        counted.update(failures=Case(When(over, Value(1)), default=F("failures") + 1), last_at=now)
    )


def succeeded(name: str) -> None:
    """Take back the attempt that was counted; earlier failures stay until the log-in is whole."""
    counted = FailedLogIn.objects.filter(name_hash=name_hash(name), failures__gt=0)
    counted.update(failures=F("failures") - 1)


def failed(name: str) -> None:
    """The attempt that was counted failed; the one that locks is recorded."""
    if is_locked(name):
        person = Person.objects.filter(email__iexact=name.strip().replace("\0", "")).first()
        subject = "" if person else activity.unknown_account(name)
        activity.record(activity.Kind.LOCKED_OUT, person=person, subject=subject)


def lift(name: str) -> None:
    """Forget all failures: after a whole log-in, a new password, or at an owner's word."""
    now = timezone.now()
    FailedLogIn.objects.filter(name_hash=name_hash(name)).delete()
    FailedLogIn.objects.filter(last_at__lt=now - FORGOTTEN).delete()


@transaction.atomic
def lift_by_owner(*, person: Person, seller: Seller) -> None:
    """Let a person of this seller try again at once, and record that an owner said so."""
    lift(person.email)
    activity.record(activity.Kind.LOCK_LIFTED, seller=seller, subject=person.email)


def is_locked(name: str) -> bool:
    """Whether attempts under this name are refused now."""
    return bool(locked_among([name]))


def _over(now: dt.datetime) -> Q:
    """Where the count begins anew."""
    return Q(failures__gte=MOST_FAILURES, last_at__lte=now - LOCKED) | Q(
        last_at__lt=now - FORGOTTEN
    )
