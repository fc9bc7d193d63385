from __future__ import annotations

import pytest

from dispatch.models import Membership, Person, Seller, Technician, TechnicianResource
from dispatch.selectors.people import teams_of
from dispatch.services import technicians
from dispatch.services.errors import CannotBeDone
from tests.conftest import US

pytestmark = pytest.mark.django_db


def make_seller(owner: Person, name: str = "Northlight") -> Seller:
    seller = Seller.objects.create(owner=owner, name=name, marketplace_id=US)
    Membership.objects.create(person=owner, seller=seller, role=Membership.Role.OWNER)
    return seller


@pytest.fixture
def northlight(alice: Person) -> Seller:
    return make_seller(alice)


def save(
    seller: Seller, name: str = "Tom", ids: tuple[str, ...] = ("R1",), **more: object
) -> Technician:
    said: dict[str, object] = {"skills": [], "colour": 1, "person": None, **more}
    return technicians.save(seller=seller, name=name, resource_ids=ids, **said)  # type: ignore[arg-type]


def test_it_keeps_everything(northlight: Seller, alice: Person, tom: Person) -> None:
    save(northlight, ids=("R1", "R2"), skills=["TV", "Tyres"], colour=4, person=tom)
    kept = teams_of(alice)[0].technicians[0]
    assert (kept.name, kept.skills, kept.colour, kept.person) == (
        "Tom",
        ["TV", "Tyres"],
        4,
        tom,
    )
    assert sorted(r.resource_id for r in kept.resources.all()) == ["R1", "R2"]


def test_an_id_belongs_to_one_technician_of_a_seller(northlight: Seller) -> None:
    save(northlight)
    with pytest.raises(CannotBeDone, match="R1 belongs to Tom already"):
        save(northlight, "Maya", ("R2", "R1"))
    assert Technician.objects.count() == 1


def test_another_seller_may_have_the_same_id(northlight: Seller, charlie: Person) -> None:
    save(northlight)
    save(make_seller(charlie, "Other"))
    assert TechnicianResource.objects.filter(resource_id="R1").count() == 2


def test_changing_replaces_the_ids(northlight: Seller) -> None:
    tom = save(northlight, ids=("R1", "R2"))
    kept = tom.resources.get(resource_id="R2")
    save(northlight, "Thomas", ("R2", "R3"), technician=tom)
    assert sorted(tom.resources.values_list("resource_id", flat=True)) == ["R2", "R3"]
    assert tom.resources.get(resource_id="R2") == kept
    assert Technician.objects.get().name == "Thomas"


def test_a_refused_change_changes_nothing(northlight: Seller) -> None:
    save(northlight)
    maya = save(northlight, "Maya", ("R2",))
    with pytest.raises(CannotBeDone):
        save(northlight, "Maya!", ("R1",), technician=maya)
    maya.refresh_from_db()
    assert maya.name == "Maya"
    assert maya.resources.get().resource_id == "R2"


def test_removing_frees_the_id(northlight: Seller) -> None:
    technicians.remove(technician=save(northlight))
    save(northlight, "Maya")
    assert Technician.objects.get().name == "Maya"
