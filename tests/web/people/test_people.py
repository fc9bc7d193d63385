from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dispatch.models import Membership, Person, Seller, Technician
from dispatch.spapi import Marketplaces

pytestmark = pytest.mark.django_db

Role = Membership.Role
DIALOG = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-body"}


def logged_in(name: str) -> tuple[Person, Client]:
    who = Person.objects.create_user(f"{name.lower()}@example.com", "x", name=name)
    client = Client()
    client.force_login(who)
    return who, client


def make_seller(owner: Person, name: str = "Northlight") -> Seller:
    seller = Seller.objects.create(
        owner=owner, name=name, marketplace_id=Marketplaces.US.marketplace_id
    )
    Membership.objects.create(person=owner, seller=seller, role=Role.OWNER)
    return seller


@pytest.fixture
def owner() -> tuple[Person, Client]:
    return logged_in("Alice")


@pytest.fixture
def alice(owner: tuple[Person, Client]) -> Client:
    return owner[1]


@pytest.fixture
def seller(owner: tuple[Person, Client]) -> Seller:
    return make_seller(owner[0])


@pytest.fixture
def others(seller: Seller) -> list[Client]:
    """Charlie with a seller of his own, Bob and Tom who work for Alice's."""
    charlie, stranger = logged_in("Charlie")
    make_seller(charlie, "Other")
    clients = [stranger]
    for name, role in (("Bob", Role.DISPATCHER), ("Tom", Role.TECHNICIAN)):
        who, client = logged_in(name)
        Membership.objects.create(person=who, seller=seller, role=role)
        clients.append(client)
    return clients


def text(response: Any) -> str:
    return str(response.content.decode())


def technician_form(seller: Seller, **said: Any) -> dict[str, Any]:
    return {"seller": seller.pk, "name": "Tom", "resource_ids": "R1", "colour": "2", **said}


class TestAccess:
    def test_it_refuses_strangers_and_other_roles(
        self, alice: Client, seller: Seller, others: list[Client]
    ) -> None:
        alice.post("/people/technicians/new/", technician_form(seller))
        member = seller.memberships.get(person__name="Bob")
        technician = Technician.objects.get()
        addresses = [
            reverse("person_role", args=[member.pk]),
            reverse("person_remove", args=[member.pk]),
            reverse("person_sessions_end", args=[member.pk]),
            reverse("person_lift", args=[member.pk]),
            reverse("review", args=[seller.pk]),
            reverse("technician", args=[technician.pk]),
            reverse("technician_remove", args=[technician.pk]),
        ]
        for client in others:
            for address in addresses:
                assert client.post(address, {"role": "owner"}).status_code == 404, address
        assert seller.memberships.get(person__name="Bob").role == Role.DISPATCHER
        assert Technician.objects.exists()

    def test_only_owners_have_the_page(self, seller: Seller, others: list[Client]) -> None:
        stranger, *workers = others
        assert "Northlight" not in text(stranger.get("/people/"))
        for client in workers:
            assert client.get("/people/").status_code == 404
            assert client.get("/people/invite/").status_code == 404

    def test_nobody_is_added_to_another_s_seller(
        self, seller: Seller, others: list[Client]
    ) -> None:
        answer = others[0].post("/people/technicians/new/", technician_form(seller))
        assert answer.status_code == 422
        assert seller.memberships.count() == 3

    def test_it_asks_to_log_in_first(self) -> None:
        assert "/account/login/" in Client().get("/people/")["Location"]

    def test_without_a_seller_it_says_where_to_begin(self, alice: Client) -> None:
        page = text(alice.get("/people/"))
        assert "<h1>People</h1>" in page
        assert "Connect a seller first." in page

    def test_an_id_beyond_all_ids_is_not_found(self, alice: Client, seller: Seller) -> None:
        assert alice.get(f"/people/{10**30}/role/").status_code == 404
        assert alice.get(f"/people/technicians/{10**30}/").status_code == 404


class TestRoles:
    def test_a_role_changes(self, alice: Client, seller: Seller, others: list[Client]) -> None:
        bob = seller.memberships.get(person__name="Bob")
        page = text(alice.post(f"/people/{bob.pk}/role/", {"role": "auditor"}, follow=True))
        assert "Bob is now auditor." in page

    def test_the_last_owner_stays(self, alice: Client, seller: Seller) -> None:
        own = seller.memberships.get()
        for address, data in (("role", {"role": "auditor"}), ("remove", {})):
            answer = alice.post(f"/people/{own.pk}/{address}/", data)
            assert answer.status_code == 422
            assert "is the last owner of Northlight" in text(answer)
        assert seller.memberships.get().role == Role.OWNER

    def test_removing_asks_first_and_ends_all_access(
        self, alice: Client, seller: Seller, others: list[Client]
    ) -> None:
        member = seller.memberships.get(person__name="Bob")
        Membership.objects.filter(pk=member.pk).update(role=Role.OWNER)
        bob = others[1]
        assert bob.get(f"/sellers/{seller.pk}/").status_code == 200
        assert "Remove Bob?" in text(alice.get(f"/people/{member.pk}/remove/"))
        alice.post(f"/people/{member.pk}/remove/")
        answer = bob.get(f"/sellers/{seller.pk}/", follow=True)
        assert answer.redirect_chain[0][0].startswith("/account/login/")
        assert "Your session has ended." in text(answer)

    def test_a_dialog_goes_on_to_the_page(
        self, alice: Client, seller: Seller, others: list[Client]
    ) -> None:
        bob = seller.memberships.get(person__name="Bob")
        answer = alice.post(f"/people/{bob.pk}/role/", {"role": "auditor"}, **DIALOG)
        assert answer["HX-Redirect"] == "/people/"


class TestTechnicians:
    def test_it_keeps_ids_skills_colour_and_log_in(
        self, alice: Client, seller: Seller, others: list[Client]
    ) -> None:
        tom = Person.objects.get(name="Tom")
        data = technician_form(
            seller, resource_ids="R1\r\nR2, R1", skills="TV mounting, Tyres\n", person=tom.pk
        )
        page = text(alice.post("/people/technicians/new/", data, follow=True))
        kept = Technician.objects.get()
        assert sorted(r.resource_id for r in kept.resources.all()) == ["R1", "R2"]
        assert (kept.skills, kept.colour, kept.person) == (["TV mounting", "Tyres"], 2, tom)
        assert "<code>R2</code>" in page

    def test_the_form_shows_what_is_kept(self, alice: Client, seller: Seller) -> None:
        alice.post("/people/technicians/new/", technician_form(seller, skills="TV"))
        page = text(alice.get(reverse("technician", args=[Technician.objects.get().pk])))
        assert "R1</textarea>" in page
        assert "TV</textarea>" in page

    def test_an_id_that_is_taken_is_said_whose(self, alice: Client, seller: Seller) -> None:
        alice.post("/people/technicians/new/", technician_form(seller))
        data = technician_form(seller, name="Maya")
        for headers in ({}, DIALOG):
            answer = alice.post("/people/technicians/new/", data, **headers)
            assert answer.status_code == 422
            assert "R1 belongs to Tom already." in text(answer)
        assert "Maya" in text(answer)

    def test_changing_and_removing(self, alice: Client, seller: Seller) -> None:
        alice.post("/people/technicians/new/", technician_form(seller))
        tom = Technician.objects.get()
        alice.post(f"/people/technicians/{tom.pk}/", technician_form(seller, name="Thomas"))
        assert Technician.objects.get().name == "Thomas"
        assert "Remove Thomas?" in text(alice.get(f"/people/technicians/{tom.pk}/remove/"))
        alice.post(f"/people/technicians/{tom.pk}/remove/")
        assert not Technician.objects.exists()

    def test_somebody_from_elsewhere_cannot_be_linked(
        self, owner: tuple[Person, Client], seller: Seller
    ) -> None:
        second = make_seller(owner[0], "Second")
        dana = Person.objects.create_user("dana@example.com", name="Dana")
        Membership.objects.create(person=dana, seller=second, role=Role.TECHNICIAN)
        data = technician_form(seller, person=dana.pk)
        answer = owner[1].post("/people/technicians/new/", data)
        assert answer.status_code == 422
        assert "Dana does not belong to Northlight." in text(answer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("resource_ids", ""),
            ("resource_ids", " , ,\n"),
            ("resource_ids", "x" * 500),
            ("resource_ids", "R\0"),
            ("resource_ids", "R\x071"),
            ("resource_ids", "\n".join(str(n) for n in range(51))),
            ("skills", "x" * 101),
            ("colour", "99"),
            ("colour", "💥"),
            ("person", "10" * 40),
            ("person", "x"),
            ("name", "x" * 101),
        ],
    )
    def test_bad_input_is_explained(
        self, alice: Client, seller: Seller, field: str, value: str
    ) -> None:
        data = technician_form(seller) | {field: value}
        answer = alice.post("/people/technicians/new/", data)
        assert answer.status_code == 422
        assert not Technician.objects.exists()
