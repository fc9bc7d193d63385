"""Saved views of the jobs list: a filter under a name, private or shared with a seller's people."""

from __future__ import annotations

from dispatch.models import Person, SavedView, Seller


def save(*, person: Person, name: str, query: str, seller: Seller | None) -> SavedView:
    """Keep a filter under a name; the person's view of the same name is replaced.

    ``query`` is the filter as it stands in the list's address. The people of ``seller`` see the
    view, or only this person where it is None.
    """
    view, _ = SavedView.objects.update_or_create(
        person=person, name=name, defaults={"query": query, "seller": seller}
    )
    return view


def delete(*, person: Person, view_id: int) -> bool:
    """Forget one of the person's own views; False where they have none with this id."""
    deleted, _ = SavedView.objects.filter(pk=view_id, person=person).delete()
    return bool(deleted)
