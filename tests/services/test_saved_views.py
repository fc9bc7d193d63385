from __future__ import annotations

import pytest

from dispatch.models import Person, SavedView, Seller
from dispatch.services import saved_views

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def save(person: Person, query: str = "view=late", seller: Seller | None = None) -> SavedView:
    return saved_views.save(person=person, name="Late TVs", query=query, seller=seller)


def test_a_filter_is_kept_under_its_name(bob: Person, seller: Seller) -> None:
    save(bob, seller=seller)
    kept = SavedView.objects.get()
    assert (kept.person, kept.name, kept.query, kept.seller) == (
        bob,
        "Late TVs",
        "view=late",
        seller,
    )


def test_the_same_name_is_replaced_and_no_longer_shared(bob: Person, seller: Seller) -> None:
    first = save(bob, seller=seller)
    again = save(bob, query="view=done")
    assert again.pk == first.pk
    assert (again.query, again.seller) == ("view=done", None)


def test_another_s_view_of_the_same_name_stays(bob: Person, alice: Person) -> None:
    save(bob)
    save(alice, query="view=done")
    assert SavedView.objects.get(person=bob).query == "view=late"


def test_one_forgets_ones_own_views_only(bob: Person, alice: Person) -> None:
    kept, mine = save(bob), save(alice)
    assert not saved_views.delete(person=alice, view_id=kept.pk)
    assert saved_views.delete(person=alice, view_id=mine.pk)
    assert list(SavedView.objects.all()) == [kept]
