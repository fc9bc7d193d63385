"""Which log-in names are locked after too many failed attempts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils import timezone

from dispatch.models import FailedLogIn
from dispatch.models.keyring import keyring

MOST_FAILURES = 10
"""This many failed attempts in a row lock a name."""
LOCKED = dt.timedelta(minutes=30)
"""A name stays locked for this long after its last failed attempt."""


def name_hash(name: str) -> str:
    """Return the keyed hash under which the failures of a log-in name are counted."""
    return keyring().digest(name.strip().casefold(), "log-in name")


def locked_among(names: Iterable[str]) -> set[str]:
    """Return those of the log-in names under which attempts are refused now."""
    hashes = {name_hash(name): name for name in names}
    locked = FailedLogIn.objects.filter(
        name_hash__in=hashes, failures__gte=MOST_FAILURES, last_at__gt=timezone.now() - LOCKED
    )
    return {hashes[key] for key in locked.values_list("name_hash", flat=True)}
