from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.utils import timezone

from dispatch.models import Invitation, Membership, Person, Seller
from dispatch.selectors.invitations import (
    hash_of_token,
    invitation_by_hash,
    invitation_for,
    still_open,
)
from dispatch.services.access import invitations
from dispatch.services.errors import CannotBeDone

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Role = Membership.Role
GOOD = "Quiet-Harbour-41"


def invite(seller: Seller | None, email: str = "dana@example.com", **more: Any) -> Invitation:
    said: dict[str, Any] = {"role": Role.DISPATCHER, "by": None, **more}
    return invitations.invite(email=email, seller=seller, **said).invitation


def accept_new(invitation: Invitation) -> Person:
    return invitations.accept_as_new(invitation=invitation, name="Dana", password=GOOD)


def test_it_makes_the_account_and_the_membership(seller: Seller) -> None:
    dana = accept_new(invite(seller, " Dana@Example.com "))
    assert (dana.email, dana.name) == ("dana@example.com", "Dana")
    assert dana.check_password(GOOD)
    assert dana.memberships.get().role == Role.DISPATCHER


def test_a_link_is_found_by_its_token_and_the_token_is_not_kept(seller: Seller) -> None:
    invited = invitations.invite(email="d@example.com", seller=seller, role=Role.OWNER, by=None)
    assert invitation_by_hash(hash_of_token(invited.token)) == invited.invitation
    row = Invitation.objects.filter(pk=invited.invitation.pk).values().get()
    assert invited.token not in str(row)
    assert invitation_by_hash(hash_of_token("another")) is None


def test_it_works_once(seller: Seller) -> None:
    invitation = invite(seller)
    dana = accept_new(invitation)
    dana.memberships.all().delete()
    with pytest.raises(CannotBeDone, match="used, withdrawn or has expired"):
        invitations.accept(invitation=invitation, person=dana)
    assert not dana.memberships.exists()


def test_not_after_seven_days(seller: Seller) -> None:
    invitation = invite(seller)
    with time_machine.travel(timezone.now() + dt.timedelta(days=7, minutes=1)):
        with pytest.raises(CannotBeDone):
            accept_new(invitation)
        assert still_open().count() == 0
    assert not Person.objects.filter(email="dana@example.com").exists()


def test_not_when_withdrawn(seller: Seller) -> None:
    invitation = invite(seller)
    invitations.withdraw(invitation=invitation)
    with pytest.raises(CannotBeDone):
        accept_new(invitation)


def test_not_by_somebody_else(seller: Seller, charlie: Person) -> None:
    with pytest.raises(CannotBeDone, match="invitation is for"):
        invitations.accept(invitation=invite(seller), person=charlie)
    assert not charlie.memberships.exists()


def test_one_account_a_person(seller: Seller, charlie: Person) -> None:
    with pytest.raises(CannotBeDone, match="has an account already"):
        accept_new(invite(seller, charlie.email.upper()))
    assert Person.objects.filter(email=charlie.email).count() == 1


def test_a_known_person_just_joins(seller: Seller, charlie: Person) -> None:
    invitations.accept(invitation=invite(seller, charlie.email), person=charlie)
    assert charlie.memberships.get().seller == seller


def test_a_new_one_makes_the_earlier_one_worthless(seller: Seller) -> None:
    first, second = invite(seller), invite(seller, role=Role.AUDITOR)
    assert list(still_open()) == [second]
    with pytest.raises(CannotBeDone):
        accept_new(first)
    assert accept_new(second).memberships.get().role == Role.AUDITOR


def test_nobody_is_invited_who_is_there(seller: Seller) -> None:
    with pytest.raises(CannotBeDone, match="belongs to Northlight US already"):
        invite(seller, "BOB@dispatch.example")


def test_the_first_owner_needs_no_seller() -> None:
    dana = accept_new(invite(None, role=Role.OWNER))
    assert not dana.memberships.exists()


def test_an_owner_finds_those_of_their_own_sellers(
    seller: Seller, alice: Person, charlie: Person, bob: Person
) -> None:
    invitation = invite(seller)
    assert invitation_for(alice, invitation.pk) == invitation
    assert invitation_for(charlie, invitation.pk) is None
    assert invitation_for(bob, invitation.pk) is None


def test_the_mail_holds_the_link(seller: Seller, alice: Person) -> None:
    assert invitations.send(invitation=invite(seller, by=alice), link="https://x.example/l/")
    sent = mail.outbox[0]
    assert sent.to == ["dana@example.com"]
    assert sent.subject == "Your invitation to Northlight US"
    assert "Alice invites you to Northlight US as dispatcher." in sent.body
    assert "https://x.example/l/" in sent.body


def test_without_a_mail_server_none_leaves(seller: Seller, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert not invitations.send(invitation=invite(seller), link="https://x.example/l/")


def test_a_mail_server_that_does_not_answer_stops_nothing(seller: Seller, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert not invitations.send(invitation=invite(seller), link="https://x.example/l/")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_the_same_time_one_gets_in(seller: Seller, charlie: Person) -> None:
    invitation = invite(seller, charlie.email)

    def attempt(_: int) -> bool:
        try:
            invitations.accept(invitation=invitation, person=charlie)
        except CannotBeDone:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1
    assert charlie.memberships.count() == 1
