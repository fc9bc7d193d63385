from __future__ import annotations

import pytest

from dispatch.models import Person, ReasonCode, Seller
from dispatch.selectors.sellers import reasons_of
from dispatch.services import reason_codes
from dispatch.services.errors import CannotBeDone
from tests.conftest import US

pytestmark = pytest.mark.django_db

Kind = ReasonCode.Kind
DE = "A1PA6795UKMFR9"


@pytest.fixture
def seller(alice: Person) -> Seller:
    return Seller.objects.create(owner=alice, name="Northlight", marketplace_id=US)


def add(seller: Seller, *codes: str, kind: Kind = Kind.CANCEL) -> list[ReasonCode]:
    return [reason_codes.add(seller=seller, kind=kind, code=code, description="") for code in codes]


def listed(seller: Seller, kind: Kind = Kind.CANCEL) -> list[str]:
    return [reason.code for reason in reasons_of(seller, kind)]


def test_each_kind_and_marketplace_has_its_own_list(seller: Seller) -> None:
    add(seller, "V1", "V2")
    add(seller, "V1", kind=Kind.RESCHEDULE)
    assert listed(seller) == ["V1", "V2"]
    assert listed(seller, Kind.RESCHEDULE) == ["V1"]
    seller.marketplace_id = DE
    assert listed(seller) == []


def test_a_code_is_listed_once(seller: Seller) -> None:
    add(seller, "V1")
    with pytest.raises(CannotBeDone, match="V1 is in the list already"):
        add(seller, "V1")


def test_it_moves_a_code_one_place(seller: Seller) -> None:
    first, _, third = add(seller, "A", "B", "C")
    reason_codes.move(reason=third, up=True)
    assert listed(seller) == ["A", "C", "B"]
    reason_codes.move(reason=first, up=False)
    assert listed(seller) == ["C", "A", "B"]


def test_the_ends_of_the_list_hold(seller: Seller) -> None:
    first, second = add(seller, "A", "B")
    reason_codes.move(reason=first, up=True)
    reason_codes.move(reason=second, up=False)
    assert listed(seller) == ["A", "B"]


def test_it_describes_and_removes(seller: Seller) -> None:
    reason = add(seller, "A")[0]
    reason_codes.describe(reason=reason, description="Buyer asked")
    assert str(ReasonCode.objects.get()) == "A — Buyer asked"
    reason_codes.remove(reason=reason)
    assert listed(seller) == []
