from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import QuerySet

from dispatch.models import Membership, Person, Seller, Technician
from dispatch.selectors import people as people_read
from dispatch.services.access import people
from dispatch.services.errors import CannotBeDone
from dispatch.spapi import Marketplaces

pytestmark = pytest.mark.django_db

Role = Membership.Role


def make_seller(owner: Person, name: str = "Northlight") -> Seller:
    seller = Seller.objects.create(
        owner=owner, name=name, marketplace_id=Marketplaces.US.marketplace_id
    )
    Membership.objects.create(person=owner, seller=seller, role=Role.OWNER)
    return seller


@pytest.fixture
def alice() -> Person:
    return Person.objects.create_user("alice@example.com", "x", name="Alice")


@pytest.fixture
def charlie() -> Person:
    return Person.objects.create_user("charlie@example.com", "x", name="Charlie")


@pytest.fixture
def northlight(alice: Person) -> Seller:
    return make_seller(alice)


def add(seller: Seller, email: str = "bob@example.com", role: Role = Role.DISPATCHER) -> Membership:
    person = Person.objects.filter(email=email).first()
    person = person or Person.objects.create_user(email, "x", name="Bob")
    return people.join(person=person, seller=seller, role=role)


def owners(seller: Seller) -> QuerySet[Membership]:
    return seller.memberships.filter(role=Role.OWNER)


def test_nobody_joins_twice(northlight: Seller) -> None:
    add(northlight)
    with pytest.raises(CannotBeDone, match="belongs to Northlight already"):
        add(northlight, role=Role.OWNER)
    assert Membership.objects.get(person__email="bob@example.com").role == Role.DISPATCHER


class TestTheLastOwner:
    def test_cannot_be_removed(self, northlight: Seller) -> None:
        with pytest.raises(CannotBeDone, match="last owner"):
            people.remove(membership=owners(northlight).get())
        assert owners(northlight).exists()

    def test_cannot_become_something_else(self, northlight: Seller) -> None:
        with pytest.raises(CannotBeDone, match="last owner"):
            people.change_role(membership=owners(northlight).get(), role=Role.AUDITOR)
        assert owners(northlight).exists()

    def test_may_go_when_another_is_there(self, northlight: Seller, alice: Person) -> None:
        bob = add(northlight, role=Role.OWNER)
        people.remove(membership=owners(northlight).get(person=alice))
        northlight.refresh_from_db()
        assert owners(northlight).get() == bob
        assert northlight.owner == bob.person

    def test_may_stay_an_owner(self, northlight: Seller) -> None:
        people.change_role(membership=owners(northlight).get(), role=Role.OWNER)
        assert owners(northlight).exists()


class TestRoles:
    def test_a_role_changes(self, northlight: Seller) -> None:
        bob = add(northlight)
        people.change_role(membership=bob, role=Role.AUDITOR)
        bob.refresh_from_db()
        assert bob.role == Role.AUDITOR

    def test_a_removed_person_keeps_the_account(self, northlight: Seller) -> None:
        people.remove(membership=add(northlight))
        assert not Person.objects.get(email="bob@example.com").memberships.exists()

    def test_the_seller_s_owner_changes_only_when_they_go(
        self, northlight: Seller, alice: Person
    ) -> None:
        bob = add(northlight, role=Role.OWNER)
        people.remove(membership=bob)
        northlight.refresh_from_db()
        assert northlight.owner == alice


def add_technician(
    seller: Seller, resource_id: str = "R1", person: Person | None = None
) -> Technician:
    technician = Technician.objects.create(seller=seller, name=resource_id, person=person)
    technician.resources.create(seller=seller, resource_id=resource_id)
    return technician


class TestReading:
    def test_a_stranger_finds_nothing(
        self, northlight: Seller, alice: Person, charlie: Person
    ) -> None:
        bob, tom = add(northlight), add_technician(northlight)
        for reader in (charlie, bob.person):
            assert people_read.teams_of(reader) == []
            assert people_read.membership_for(reader, bob.pk) is None
            assert people_read.technician_for(reader, tom.pk) is None
        assert people_read.membership_for(alice, bob.pk) == bob
        assert people_read.technician_for(alice, tom.pk) == tom

    def test_many_people_cost_as_many_queries_as_few(
        self, northlight: Seller, alice: Person, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        for number in range(10):
            person = add(northlight, f"p{number}@example.com").person
            add_technician(northlight, f"R{number}", person)
        with django_assert_num_queries(7):  # type: ignore[attr-defined]
            team = people_read.teams_of(alice)[0]
            assert len(team.members) == 11
            assert all(t.resources.all() and t.person for t in team.technicians)
