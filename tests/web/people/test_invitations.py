"""An owner invites; whoever opens the link joins."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from dispatch.models import Invitation, Membership, Person, Seller
from dispatch.services.access import invitations
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
DIALOG = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-body"}
GOOD = "Quiet-Harbour-41"
JOIN = {"name": "Dana", "password1": GOOD, "password2": GOOD}
HERE = "/account/invitation/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def owner(client: Client, alice: Person, seller: Seller) -> Client:
    client.force_login(alice)
    return client


def form(seller: Seller, **said: Any) -> dict[str, Any]:
    return {"seller": seller.pk, "email": "dana@example.com", "role": "dispatcher", **said}


def link_in(page: str) -> str:
    found = re.search(r'value="http://testserver(/account/invitation/[^"]+)"', page)
    assert found, "no link on the page"
    return found[1]


def invite(seller: Seller, email: str = "dana@example.com") -> tuple[Invitation, str]:
    role = Membership.Role.DISPATCHER
    made = invitations.invite(email=email, seller=seller, role=role, by=seller.owner)
    return made.invitation, f"{HERE}{made.token}/"


class TestInviting:
    def test_the_link_is_shown_once_and_mailed(self, owner: Client, seller: Seller) -> None:
        page = text(owner.post("/people/invite/", form(seller)))
        link = link_in(page)
        assert "mailed to them as well" in page
        assert link in mail.outbox[0].body
        listed = text(owner.get("/people/"))
        assert "dana@example.com" in listed
        assert link.split("/")[-2] not in listed

    def test_without_mail_it_says_so(self, owner: Client, seller: Seller, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
        assert "No mail was sent" in text(owner.post("/people/invite/", form(seller)))

    def test_in_a_dialog_the_link_stays_in_the_dialog(self, owner: Client, seller: Seller) -> None:
        page = text(owner.post("/people/invite/", form(seller), **DIALOG))
        assert "<html" not in page
        assert link_in(page)

    def test_nobody_is_invited_who_is_there(self, owner: Client, seller: Seller) -> None:
        answer = owner.post("/people/invite/", form(seller, email="BOB@dispatch.example"))
        assert answer.status_code == 422
        assert "belongs to Northlight US already" in text(answer)

    def test_not_to_another_s_seller(self, client: Client, charlie: Person, seller: Seller) -> None:
        other = Seller.objects.create(owner=charlie, name="Other", marketplace_id="x")
        Membership.objects.create(person=charlie, seller=other, role="owner")
        client.force_login(charlie)
        assert client.post("/people/invite/", form(seller)).status_code == 422
        assert not Invitation.objects.exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "no address"), ("email", "x" * 500 + "@example.com"),
            ("email", "a\0@example.com"), ("role", "king"), ("seller", "no-uuid"), ("seller", "\0"),
        ],
    )  # fmt: skip
    def test_bad_input_is_explained(
        self, owner: Client, seller: Seller, field: str, value: str
    ) -> None:
        answer = owner.post("/people/invite/", form(seller) | {field: value})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in text(answer)

    def test_it_can_be_withdrawn(self, owner: Client, seller: Seller) -> None:
        invitation, link = invite(seller)
        address = f"/people/invitations/{invitation.pk}/withdraw/"
        assert "Withdraw the invitation for dana@example.com?" in text(owner.get(address))
        page = text(owner.post(address, follow=True))
        assert "is withdrawn." in page
        assert Client().get(link, follow=True).status_code == 404


class TestJoining:
    def test_it_makes_the_account_and_logs_in(self, seller: Seller) -> None:
        dana = Client()
        page = dana.get(invite(seller)[1], follow=True)
        assert page.redirect_chain[-1][0] == HERE
        assert "Join Northlight US" in text(page)
        assert "Alice invites you as dispatcher" in text(page)
        assert dana.post(HERE, JOIN)["Location"] == "/jobs/"
        assert dana.get("/jobs/").status_code == 200
        person = Person.objects.get(email="dana@example.com")
        assert (person.name, person.memberships.get().role) == ("Dana", "dispatcher")

    def test_the_token_leaves_the_address_bar(self, seller: Seller) -> None:
        answer = Client().get(invite(seller)[1])
        assert answer["Location"] == HERE
        assert answer["Referrer-Policy"] == "same-origin"

    def test_it_works_once(self, seller: Seller) -> None:
        _, link = invite(seller)
        first, second = Client(), Client()
        for client in (first, second):
            client.get(link)
        first.post(HERE, JOIN)
        assert second.post(HERE, JOIN | {"name": "Eve"}).status_code == 404
        assert Client().get(link, follow=True).status_code == 404
        assert Person.objects.filter(email="dana@example.com").count() == 1

    @pytest.mark.parametrize("token", ["wrong", "x" * 500, "%00", "..%2F"])
    def test_a_wrong_link_says_what_to_do(self, token: str, seller: Seller) -> None:
        answer = Client().get(f"{HERE}{token}/", follow=True)
        assert answer.status_code == 404

    def test_without_a_link_there_is_nothing(self, seller: Seller) -> None:
        invite(seller)
        assert Client().get(HERE).status_code == 404
        assert Client().post(HERE, JOIN).status_code == 404

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""), ("name", "x" * 101), ("name", "Da\0na"), ("password1", "short"),
            ("password1", "Dana-Dana-Dana-41"), ("password1", "all-small-letters-41"),
            ("password2", "Another-Harbour-41"), ("password1", "\0" * 12),
        ],
    )  # fmt: skip
    def test_bad_input_is_explained_and_the_name_stays(
        self, seller: Seller, field: str, value: str
    ) -> None:
        dana = Client()
        dana.get(invite(seller)[1])
        answer = dana.post(HERE, JOIN | {field: value})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in text(answer)
        assert GOOD not in text(answer)
        assert field == "name" or 'value="Dana"' in text(answer)
        assert not Person.objects.filter(email="dana@example.com").exists()

    def test_the_address_cannot_be_changed(self, seller: Seller) -> None:
        dana = Client()
        dana.get(invite(seller)[1])
        dana.post(HERE, JOIN | {"email": "eve@example.com", "username": "eve@example.com"})
        assert not Person.objects.filter(email="eve@example.com").exists()
        assert Person.objects.filter(email="dana@example.com").exists()

    def test_a_known_person_logs_in_and_accepts(self, seller: Seller, charlie: Person) -> None:
        client = Client()
        page = client.get(invite(seller, charlie.email)[1], follow=True)
        assert "There is an account with this address already." in text(page)
        assert client.post(HERE, JOIN).status_code == 200
        assert not charlie.memberships.exists()
        login = {"login": charlie.email, "password": PASSWORD, "next": HERE}
        assert client.post("/account/login/", login)["Location"] == HERE
        client.post(HERE)
        assert charlie.memberships.get().seller == seller

    def test_somebody_else_is_told_whose_it_is(self, seller: Seller, charlie: Person) -> None:
        client = Client()
        client.force_login(charlie)
        page = client.get(invite(seller)[1], follow=True)
        assert "dana@example.com" in text(page)
        assert "with another address" in text(page)
        assert client.post(HERE).status_code == 422
        assert not charlie.memberships.exists()


class TestTheFirstOwner:
    def test_the_command_prints_a_link(self) -> None:
        said = io.StringIO()
        call_command("add_person", "First@Example.com", stdout=said)
        link = said.getvalue().splitlines()[-1]
        first = Client()
        assert "Welcome to Dispatch" in text(first.get(link, follow=True))
        first.post(HERE, JOIN)
        assert Person.objects.get().email == "first@example.com"
        assert first.get("/sellers/").status_code == 200

    def test_it_refuses_nonsense_and_accounts(self, bob: Person) -> None:
        with pytest.raises(CommandError, match="not an e-mail address"):
            call_command("add_person", "nonsense")
        with pytest.raises(CommandError, match="has an account already"):
            call_command("add_person", "BOB@dispatch.example")

    def test_there_is_no_account_by_default(self, db: None) -> None:
        assert not Person.objects.exists()

    def test_demo_people_belong_to_a_demo(self, db: None) -> None:
        with pytest.raises(CommandError, match="DISPATCH_DEMO is off"):
            call_command("seed_demo")
        assert not Person.objects.exists()
