from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from dispatch.models import AccessReview, Membership, Person, ReviewedAccess, Seller
from dispatch.selectors.reviews import access_of_everybody, review_for, review_is_due
from dispatch.services.access import reviews
from dispatch.services.errors import CannotBeDone

pytestmark = pytest.mark.django_db
Decision = ReviewedAccess.Decision


def sign(seller: Seller, reviewer: Person, *removed: str) -> AccessReview:
    everybody = access_of_everybody(seller)
    decisions = {
        one.membership.pk: Decision.REMOVE
        if one.membership.person.name in removed
        else Decision.KEEP
        for one in everybody
    }
    return reviews.sign(seller=seller, reviewer=reviewer, everybody=everybody, decisions=decisions)


def test_it_keeps_everybody_as_they_were(seller: Seller, alice: Person, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(last_login=timezone.now())
    review = sign(seller, alice)
    row = review.rows.get(person=bob)
    assert (row.name, row.email, row.role, row.decision) == ("Bob", bob.email, "dispatcher", "keep")
    assert row.last_login is not None
    assert review.reviewer_name == "Alice"
    assert review.rows.count() == 3


def test_who_is_removed_loses_access_and_the_evidence_stays(
    seller: Seller, alice: Person, bob: Person
) -> None:
    review = sign(seller, alice, "Bob")
    assert not bob.memberships.exists()
    bob.delete()
    row = review.rows.get(name="Bob")
    assert (row.decision, row.person) == ("remove", None)


def test_the_last_owner_stays_and_nothing_is_kept(seller: Seller, alice: Person) -> None:
    with pytest.raises(CannotBeDone, match="last owner"):
        sign(seller, alice, "Bob", "Alice")
    assert seller.memberships.count() == 3
    assert not AccessReview.objects.exists()


def test_everybody_must_be_looked_at(seller: Seller, alice: Person, charlie: Person) -> None:
    everybody = access_of_everybody(seller)
    decisions = {one.membership.pk: Decision.KEEP for one in everybody[1:]}
    with pytest.raises(CannotBeDone, match="Please look at everybody again"):
        reviews.sign(seller=seller, reviewer=alice, everybody=everybody, decisions=decisions)


def test_it_says_when_each_was_last_reviewed(
    seller: Seller, alice: Person, charlie: Person
) -> None:
    review = sign(seller, alice)
    Membership.objects.create(person=charlie, seller=seller, role="auditor")
    found = {one.membership.person.name: one.reviewed_at for one in access_of_everybody(seller)}
    assert found["Bob"] == review.signed_at
    assert found["Charlie"] is None


def test_the_next_is_due_after_ninety_days(seller: Seller, alice: Person) -> None:
    assert review_is_due(None)
    signed = sign(seller, alice).signed_at
    assert not review_is_due(signed)
    with time_machine.travel(signed + dt.timedelta(days=90, minutes=1)):
        assert review_is_due(signed)


def test_the_file_calculates_nothing(seller: Seller, alice: Person, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(name="=cmd()")
    heading, *rows = reviews.rows(sign(seller, alice), person=alice)
    assert heading[3] == "Name"
    assert "'=cmd()" in [row[3] for row in rows]
    assert len(rows) == 3


def test_only_owners_find_a_review(seller: Seller, alice: Person, bob: Person) -> None:
    review = sign(seller, alice)
    assert review_for(alice, review.pk) == review
    assert review_for(bob, review.pk) is None
