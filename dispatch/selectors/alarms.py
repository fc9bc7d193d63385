"""The alarms somebody is shown: those of their sellers, of these sellers' people, and everybody's.

Owners and auditors see them; owners say that they have looked.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from dispatch.models import Alarm, Membership, Person

Role = Membership.Role


def open_for(
    person: Person, roles: tuple[Role, ...] = (Role.OWNER, Role.AUDITOR)
) -> QuerySet[Alarm]:
    """Return the alarms of a person in one of the roles that nobody has looked at yet."""
    mine = Membership.objects.filter(person=person, role__in=roles)
    sellers = list(mine.values_list("seller_id", flat=True))
    if not sellers:
        return Alarm.objects.none()
    people = Membership.objects.filter(seller__in=sellers).values("person_id")
    concerned = Q(seller__in=sellers) | Q(seller=None) & (Q(person=None) | Q(person__in=people))
    waiting = Alarm.objects.filter(concerned, acknowledged_at=None)
    return waiting.select_related("seller", "person")


def acknowledgeable(person: Person, alarm_id: int) -> Alarm | None:
    """Return an open alarm that this person may acknowledge as an owner; None for any other."""
    return open_for(person, (Role.OWNER,)).filter(pk=alarm_id).first()
