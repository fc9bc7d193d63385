"""Ten failed attempts lock an account for half an hour.

Failures are counted in the shared database, so that all processes count together, and by a keyed
hash of the log-in name, so that a name nobody has is treated like any other. An attempt is counted
before its password or code is looked at, so of many at the same time no more than ten are tried.
See ``docs/decisions/lock-out.md``.
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
"""After this time without another failure, earlier ones no longer count."""


def take_attempt(name: str) -> bool:
    """Take one of the ten attempts; returns False where none is left and nothing may be tried.

    It counts as failed until `give_attempt_back` is called.
    """
    key, now = name_hash(name), timezone.now()
    FailedLogIn.objects.get_or_create(name_hash=key, defaults={"last_at": now})
    anew = _counts_anew(now)
    counted = FailedLogIn.objects.filter(anew | Q(failures__lt=MOST_FAILURES), name_hash=key)
    return bool(
        counted.update(failures=Case(When(anew, Value(1)), default=F("failures") + 1), last_at=now)
    )


def give_attempt_back(name: str) -> None:
    """Uncount the attempt that was taken, because it succeeded.

    Earlier failures stay until the whole log-in is through, second factor included.
    """
    counted = FailedLogIn.objects.filter(name_hash=name_hash(name), failures__gt=0)
    counted.update(failures=F("failures") - 1)


def note_failure(name: str) -> None:
    """Record that an account is locked, when the attempt that just failed was its tenth."""
    if is_locked(name):
        person, subject = activity.whose_account(name)
        activity.record(activity.Kind.LOCKED_OUT, person=person, subject=subject)


def lift(name: str) -> None:
    """Forget all failures of this name, and those of any name that no longer count."""
    now = timezone.now()
    FailedLogIn.objects.filter(name_hash=name_hash(name)).delete()
    FailedLogIn.objects.filter(last_at__lt=now - FORGOTTEN).delete()


@transaction.atomic
def lift_by_owner(*, person: Person, seller: Seller) -> None:
    """Let a person of this seller try again at once, and record that an owner said so."""
    lift(person.email)
    activity.record(activity.Kind.LOCK_LIFTED, seller=seller, subject=person.email)


def is_locked(name: str) -> bool:
    """Return True while no attempt under this name is looked at."""
    return bool(locked_among([name]))


def _counts_anew(now: dt.datetime) -> Q:
    """Return the condition for rows whose count begins anew at the next attempt."""
    return Q(failures__gte=MOST_FAILURES, last_at__lte=now - LOCKED) | Q(
        last_at__lt=now - FORGOTTEN
    )
