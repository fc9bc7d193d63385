"""What owners and auditors read of the log of activity.

Theirs are the rows of their sellers; of their sellers' people those that belong to no seller, such
as log-ins; and those of nobody at all, such as a log-in tried with an unknown address. What their
people do for somebody else's seller is not theirs to read.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from dispatch.models import Activity, Membership, Person, Seller
from dispatch.selectors.access import sellers_for
from dispatch.selectors.listing.cursors import moment, pack, unpack

Role = Membership.Role
READERS = (Role.OWNER, Role.AUDITOR)
Place = tuple[dt.datetime, int]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter of the log, from ``since`` to before ``until``; an empty part chooses everything."""

    kinds: tuple[str, ...] = ()
    person_email: str = ""
    seller: uuid.UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, the newest first, and the cursors of the neighbour pages, "" where there is none."""

    rows: list[Activity]
    previous: str
    next: str


@dataclass(frozen=True, slots=True)
class Log:
    """The rows a person may read, chosen by a filter, in parts that each lie in one index."""

    parts: tuple[QuerySet[Activity], ...] = field(repr=False)

    def page(self, cursor: str, size: int) -> Page:
        """Return the page that a cursor names; the first one for "" or an unreadable cursor."""
        side, place = _position(cursor)
        backward = side == "before"
        found = self._read(place, backward, size + 1)
        more, found = len(found) > size, found[:size]
        rows = found[::-1] if backward else found
        has_previous = more if backward else place is not None
        has_next = True if backward else more
        return Page(
            rows,
            _cursor("before", rows[0]) if rows and has_previous else "",
            _cursor("after", rows[-1]) if rows and has_next else "",
        )

    def every(self, size: int = 500) -> Iterator[Activity]:
        """Yield all rows, the newest first, read page by page."""
        place: Place | None = None
        while rows := self._read(place, False, size):
            yield from rows
            place = _place(rows[-1])

    def _read(self, place: Place | None, backward: bool, size: int) -> list[Activity]:
        """Return the next rows behind a place; no part is read further than that needs."""
        order = ("at", "number") if backward else ("-at", "-number")
        found = [
            row
            for part in self.parts
            for row in _beyond(part, place, backward).order_by(*order)[:size]
        ]
        return sorted(found, key=_place, reverse=not backward)[:size]


def _beyond(part: QuerySet[Activity], place: Place | None, backward: bool) -> QuerySet[Activity]:
    if place is None:
        return part
    at, number = place
    if backward:
        return part.filter(at__gte=at).filter(Q(at__gt=at) | Q(number__gt=number))
    return part.filter(at__lte=at).filter(Q(at__lt=at) | Q(number__lt=number))


def _place(row: Activity) -> Place:
    return row.at, row.number


def reads(person: Person) -> bool:
    """Return whether a person may read any part of the log."""
    return sellers_for(person, READERS).exists()


def log_for(person: Person, chosen: Chosen) -> Log:
    """Return the log as this person may read it."""
    sellers = [seller.pk for seller in sellers_for(person, READERS)]
    rows = _chosen(chosen)
    parts = [rows.filter(seller_id=seller) for seller in sellers if chosen.seller in (None, seller)]
    if sellers and chosen.seller is None:
        of_nobody = Q(person_id=None) | Q(person_id__in=[p.pk for p in people_of(person)])
        parts.append(rows.filter(of_nobody, seller_id=None))
    return Log(tuple(parts))


def sellers_of(person: Person) -> QuerySet[Seller]:
    """Return the sellers whose log this person may read, by name."""
    return sellers_for(person, READERS)


def people_of(person: Person) -> QuerySet[Person]:
    """Return the people of the sellers whose log this person may read, by e-mail address."""
    members = Membership.objects.filter(seller__in=sellers_for(person, READERS).order_by())
    return Person.objects.filter(pk__in=members.values("person_id")).order_by("email")


def _chosen(chosen: Chosen) -> QuerySet[Activity]:
    rows = Activity.objects.all()
    if chosen.kinds:
        rows = rows.filter(kind__in=chosen.kinds)
    if chosen.person_email:
        known = Person.objects.filter(email=chosen.person_email).first()
        # By id there is an index; who is gone is found by the address they had.
        if known:
            rows = rows.filter(person_id=known.pk)
        else:
            rows = rows.filter(person_email=chosen.person_email)
    if chosen.since:
        rows = rows.filter(at__gte=chosen.since)
    if chosen.until:
        rows = rows.filter(at__lt=chosen.until)
    if chosen.subject:
        rows = rows.filter(subject=chosen.subject)
    return rows


def _cursor(side: str, row: Activity) -> str:
    return pack(side, row.at, number=row.number)


def _position(cursor: str) -> tuple[str, Place | None]:
    """Read side and place from a cursor; the first page's for anything that is not our own."""
    try:
        side, (at,), number = unpack(cursor)
        return side, (moment(at), number)
    except ValueError:
        return "after", None
