"""Adds rows to the log of what people and Dispatch did. `dispatch.models.activity` chains them.

Call `record` last in the transaction of what it records: both are kept, or neither. Who asks, and
from where, comes from the request that is being answered, unless the caller knows better.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from dispatch.models import Activity, ActivityHead, Person, Seller, ServiceJob
from dispatch.models.activity import COLUMNS, row_hash
from dispatch.models.keyring import keyring
from dispatch.models.networks import network_of

Kind = Activity.Kind
UNREADABLE = "?"
OPENED_AGAIN_AFTER = dt.timedelta(hours=1)
"""A person who opens the same buyer's data within this time is not recorded again.

An open page asks again after every change: with a row each time, the one that matters would drown.
With one an hour it still says who saw whose data, and when."""

_CODE = re.compile(r"(?![\d.:/-]{7,}\Z)[A-Za-z0-9_.:/-]{1,100}")
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_MOST_CODES = 50


def _code(value: Any) -> str:
    """Return an id or a machine's name, or `UNREADABLE` for a text that might be a person's."""
    return text if _CODE.fullmatch(text := str(value)) else UNREADABLE


def _codes(values: Iterable[Any]) -> list[str]:
    return sorted(map(_code, values))[:_MOST_CODES]


def _key_id(value: Any) -> str:
    return text if _KEY_ID.fullmatch(text := str(value)) else UNREADABLE


_number = int
_flag = bool

_Rules = dict[str, Callable[[Any], Any]]
DETAILS: dict[Kind, _Rules] = {
    Kind.LOG_IN: {},
    Kind.LOG_IN_FAILED: {},
    Kind.LOGGED_OUT: {},
    Kind.SECOND_FACTOR_FAILED: {"factor": _code},
    Kind.SECOND_FACTOR_CHANGED: {"factor": _code, "change": _code},
    Kind.PASSWORD_CHANGED: {"change": _code},
    Kind.WRITE: {
        "action": _code,
        "write": _code,
        "state": _code,
        "status": _number,
        "request": _code,
        "errors": _codes,
        "warnings": _codes,
    },
    Kind.BUYER_DATA_OPENED: {},
    Kind.EXPORTED: {"what": _code, "rows": _number, "buyers": _flag},
    Kind.LOCKED_OUT: {},
    Kind.LOCK_LIFTED: {},
    Kind.SESSIONS_ENDED: {"why": _code, "sessions": _number},
    Kind.PERSON_INVITED: {"role": _code},
    Kind.INVITATION_WITHDRAWN: {},
    Kind.PERSON_ADDED: {"role": _code, "new": _flag},
    Kind.PASSWORD_LINK_MADE: {},
    Kind.ROLE_CHANGED: {"role": _code, "before": _code},
    Kind.PERSON_REMOVED: {"role": _code},
    Kind.TECHNICIAN_SAVED: {"logs_in": _number, "resources": _codes, "new": _flag},
    Kind.TECHNICIAN_REMOVED: {},
    Kind.SELLER_CONNECTED: {"marketplace": _code, "credentials": _codes},
    Kind.SELLER_CHANGED: {"fields": _codes},
    Kind.CREDENTIALS_CHANGED: {"fields": _codes},
    Kind.CONNECTION_CHANGED: {"state": _code, "before": _code},
    Kind.SELLER_DISCONNECTED: {},
    Kind.SWITCHES_CHANGED: {"off": _codes},
    Kind.REASONS_CHANGED: {"change": _code, "list": _code, "reason": _code},
    Kind.SETTINGS_CHANGED: {"fields": _codes},
    Kind.KEY_ROTATED: {"key": _key_id, "before": _key_id, "values": _number},
    Kind.REVIEW_SIGNED: {"review": _number, "people": _number, "removed": _number},
    Kind.ERASED: {"why": _code, "jobs": _number},
    Kind.ALARM: {"alarm": _code, "count": _number, "days": _number},
    Kind.ALARM_ACKNOWLEDGED: {"alarm": _code},
    Kind.PRUNED: {"rows": _number, "through": _number},
}
"""What a row's detail may hold for each kind, and the function that makes each value harmless."""

WITH_ADDRESS = frozenset(
    {Kind.LOG_IN, Kind.LOG_IN_FAILED, Kind.LOCKED_OUT, Kind.SECOND_FACTOR_FAILED}
)
"""Kinds whose whole client address is kept: it tells an attack from a typing mistake.

For all others only the network is kept. It shows an access from elsewhere, not a person's days."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and from which address. The person is looked up only when something is recorded."""

    person: Callable[[], Person | None]
    origin: str = ""


_asking: ContextVar[Asking] = ContextVar("asking", default=Asking(lambda: None))  # noqa: B039


@contextmanager
def asked_by(asking: Asking) -> Iterator[None]:
    """Record everything within the block as asked for by this person, from this address."""
    token = _asking.set(asking)
    try:
        yield
    finally:
        _asking.reset(token)


def asking() -> Asking:
    """Return who asks now, to be kept for work that goes on when the request is answered."""
    return _asking.get()


@transaction.atomic(savepoint=False)
def record(
    kind: Kind,
    *,
    person: Person | None = None,
    seller: Seller | None = None,
    subject: str = "",
    asked: Asking | None = None,
    **detail: Any,
) -> Activity:
    """Add a row to the log, in the transaction around it if there is one.

    ``person`` is who did it; without one, who asks. Raises `TypeError` for a detail that the kind
    does not have. A value that is none of its sort is kept as `UNREADABLE`: what others send us
    must not hinder the work that is recorded.
    """
    asked = asked or asking()
    person = person or asked.person()
    head = ActivityHead.locked()
    row = Activity(
        number=head.number + 1,
        at=timezone.now(),
        kind=kind.value,
        person_id=person.pk if person else None,
        person_email=_text(person.email) if person else "",
        seller_id=seller.pk if seller else None,
        seller_name=_text(seller.name) if seller else "",
        subject=_text(subject),
        origin=asked.origin if kind in WITH_ADDRESS else network_of(asked.origin),
        detail=_harmless(kind, detail),
    )
    row.hash = row_hash(head.key, head.hash, tuple(getattr(row, name) for name in COLUMNS))
    row.save(force_insert=True)
    head.number, head.hash = row.number, row.hash
    head.save_sealed()
    return row


def opened(*, person: Person, job: ServiceJob) -> None:
    """Record that a page shows a job's buyer to a person, once within `OPENED_AGAIN_AFTER`."""
    if not _says_anything(job.buyer_data):
        return
    seen = Activity.objects.filter(
        person_id=person.pk,
        at__gt=timezone.now() - OPENED_AGAIN_AFTER,
        kind=Kind.BUYER_DATA_OPENED,
        seller_id=job.seller_id,
        subject=_text(job.service_job_id),
    )
    if not seen.exists():
        record(Kind.BUYER_DATA_OPENED, person=person, seller=job.seller, subject=job.service_job_id)


def _says_anything(buyer: dict[str, Any]) -> bool:
    return bool(buyer.get("name") or buyer.get("phone") or any(buyer.get("address", {}).values()))


def whose_account(typed: str) -> tuple[Person | None, str]:
    """Return whose account a typed log-in name is, and what to record as the subject.

    A name that is nobody's may be anything, a password even: the subject then is its fingerprint.
    """
    person = Person.objects.filter(email__iexact=typed.strip().replace("\0", "")).first()
    return person, "" if person else unknown_account(typed)


def unknown_account(typed: str) -> str:
    """Return a fingerprint of a log-in name that is nobody's, from which it cannot be told."""
    return f"unknown:{keyring().digest(typed.strip().casefold(), 'log-in')[:16]}"


def _harmless(kind: Kind, detail: dict[str, Any]) -> dict[str, Any]:
    rules = DETAILS[kind]
    if unknown := detail.keys() - rules.keys():
        raise TypeError(f"{kind} has no detail named {', '.join(sorted(unknown))}")
    return {name: rules[name](value) for name, value in detail.items() if value is not None}


def _text(text: str) -> str:
    """Return a text as one line of at most 254 signs that every database can keep."""
    return "".join(sign for sign in text if sign.isprintable())[:254]
