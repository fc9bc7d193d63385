from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import QuerySet

from dispatch.models import Membership, Person, Seller, Technician, TechnicianResource
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


def save(
    seller: Seller, name: str = "Tom", ids: tuple[str, ...] = ("R1",), **more: object
) -> Technician:
    said: dict[str, object] = {"skills": [], "colour": 1, "person": None, **more}
    return people.save_technician(seller=seller, name=name, resource_ids=ids, **said)  # type: ignore[arg-type]


class TestTechnicians:
    def test_it_keeps_everything(self, northlight: Seller, alice: Person) -> None:
        tom = add(northlight, "tom@example.com", Role.TECHNICIAN).person
        save(northlight, ids=("R1", "R2"), skills=["TV", "Tyres"], colour=4, person=tom)
        kept = people_read.teams_of(alice)[0].technicians[0]
        assert (kept.name, kept.skills, kept.colour, kept.person) == (
            "Tom",
            ["TV", "Tyres"],
            4,
            tom,
        )
        assert sorted(r.resource_id for r in kept.resources.all()) == ["R1", "R2"]

    def test_an_id_belongs_to_one_technician_of_a_seller(self, northlight: Seller) -> None:
        save(northlight)
        with pytest.raises(CannotBeDone, match="R1 belongs to Tom already"):
            save(northlight, "Maya", ("R2", "R1"))
        assert Technician.objects.count() == 1

    def test_another_seller_may_have_the_same_id(self, northlight: Seller, charlie: Person) -> None:
        save(northlight)
        save(make_seller(charlie, "Other"))
        assert TechnicianResource.objects.filter(resource_id="R1").count() == 2

    def test_changing_replaces_the_ids(self, northlight: Seller) -> None:
        tom = save(northlight, ids=("R1", "R2"))
        kept = tom.resources.get(resource_id="R2")
        save(northlight, "Thomas", ("R2", "R3"), technician=tom)
        assert sorted(tom.resources.values_list("resource_id", flat=True)) == ["R2", "R3"]
        assert tom.resources.get(resource_id="R2") == kept
        assert Technician.objects.get().name == "Thomas"

    def test_a_refused_change_changes_nothing(self, northlight: Seller) -> None:
        save(northlight)
        maya = save(northlight, "Maya", ("R2",))
        with pytest.raises(CannotBeDone):
            save(northlight, "Maya!", ("R1",), technician=maya)
        maya.refresh_from_db()
        assert maya.name == "Maya"
        assert maya.resources.get().resource_id == "R2"

    def test_removing_frees_the_id(self, northlight: Seller) -> None:
        people.remove_technician(technician=save(northlight))
        save(northlight, "Maya")
        assert Technician.objects.get().name == "Maya"


class TestReading:
    def test_a_stranger_finds_nothing(
        self, northlight: Seller, alice: Person, charlie: Person
    ) -> None:
        bob, tom = add(northlight), save(northlight)
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
            save(northlight, f"T{number}", (f"R{number}",), person=person)
        with django_assert_num_queries(7):  # type: ignore[attr-defined]
            team = people_read.teams_of(alice)[0]
            assert len(team.members) == 11
            assert all(t.resources.all() and t.person for t in team.technicians)
