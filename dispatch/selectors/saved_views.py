"""Saved views: filters of the list that a person gave a name."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from dispatch.models import Person, SavedView, Seller


def saved_views(person: Person, sellers: Iterable[Seller]) -> list[SavedView]:
    """Return a person's own views and those shared with the people of these sellers, by name."""
    own_or_shared = Q(person=person) | Q(seller__in=list(sellers))
    return list(SavedView.objects.filter(own_or_shared).order_by("name", "pk"))
