"""Saved views are ones own and those that are shared."""

from __future__ import annotations

import pytest

from dispatch.models import Person, SavedView, Seller
from dispatch.selectors.saved_views import saved_views

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_saved_views_are_ones_own_and_the_shared(
    seller: Seller, alice: Person, bob: Person, charlie: Person
) -> None:
    SavedView.objects.create(person=alice, name="Private", query="view=late")
    SavedView.objects.create(person=alice, name="Shared", query="view=done", seller=seller)
    assert [view.name for view in saved_views(alice, [seller])] == ["Private", "Shared"]
    assert [view.name for view in saved_views(bob, [seller])] == ["Shared"]
    assert saved_views(charlie, []) == []
