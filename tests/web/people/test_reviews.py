from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from dispatch.models import AccessReview, Activity, Person, Seller

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client, alice: Person, seller: Seller) -> Client:
    client.force_login(alice)
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def decisions(seller: Seller, **others: str) -> dict[str, str]:
    return {
        f"decision_{m.pk}": others.get(m.person.name, "keep")
        for m in seller.memberships.select_related("person")
    } | {"signed": "on"}


def test_everybody_is_shown_with_role_and_last_log_in(owner: Client, seller: Seller) -> None:
    page = text(owner.get(f"/people/review/{seller.pk}/"))
    assert "<h1>Access review</h1>" in page
    for words in ("Alice", "Bob", "bob@dispatch.example", "Technician", "never", "none"):
        assert words in page
    assert page.count('type="radio"') == 6


def test_signing_keeps_and_removes(owner: Client, seller: Seller, bob: Person) -> None:
    answer = owner.post(
        f"/people/review/{seller.pk}/", decisions(seller, Bob="remove"), follow=True
    )
    assert "The access review of Northlight US is signed." in text(answer)
    assert not bob.memberships.exists()
    assert AccessReview.objects.get().rows.filter(decision="remove").get().name == "Bob"


def test_everybody_needs_a_decision_and_the_page_a_signature(owner: Client, seller: Seller) -> None:
    chosen = decisions(seller, Bob="remove")
    unsigned = {name: value for name, value in chosen.items() if name != "signed"}
    for sent in (unsigned, dict(list(chosen.items())[1:])):
        answer = owner.post(f"/people/review/{seller.pk}/", sent)
        assert answer.status_code == 422
    assert text(owner.post(f"/people/review/{seller.pk}/", unsigned)).count("checked") >= 3
    assert not AccessReview.objects.exists()


def test_the_last_owner_is_not_removed(owner: Client, seller: Seller) -> None:
    answer = owner.post(f"/people/review/{seller.pk}/", decisions(seller, Alice="remove"))
    assert answer.status_code == 422
    assert "is the last owner of Northlight US" in text(answer)


def test_a_notice_until_it_is_signed(owner: Client, seller: Seller) -> None:
    assert "Nobody reviewed the access to Northlight US yet." in text(owner.get("/people/"))
    owner.post(f"/people/review/{seller.pk}/", decisions(seller))
    page = text(owner.get("/people/"))
    assert "Nobody reviewed" not in page
    AccessReview.objects.update(signed_at="2026-01-01T00:00:00Z")
    assert "is older than 90 days." in text(owner.get("/people/"))
    assert "is older than 90 days." in text(owner.get(f"/people/review/{seller.pk}/"))


def test_the_export_is_a_safe_file(owner: Client, seller: Seller, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(name="=1+1")
    owner.post(f"/people/review/{seller.pk}/", decisions(seller))
    review = AccessReview.objects.get()
    answer: Any = owner.get(f"/people/reviews/{review.pk}/export.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [row["Name"] for row in rows] == ["'=1+1", "Alice", "Tom"]
    assert {row["Decision"] for row in rows} == {"Keep"}
    own = Activity.objects.get(kind="exported")
    assert (own.person_id, own.seller_id) == (seller.owner_id, seller.pk)
    assert own.detail == {"what": "access_review", "rows": 3, "buyers": False}


@pytest.mark.parametrize("who", ["bob", "charlie", "tom"])
def test_only_owners_review(
    client: Client, people: dict[str, Person], seller: Seller, who: str
) -> None:
    review = AccessReview.objects.create(seller=seller, reviewer=people["alice"])
    client.force_login(people[who])
    assert client.get(f"/people/review/{seller.pk}/").status_code == 404
    assert client.post(f"/people/review/{seller.pk}/", decisions(seller)).status_code == 404
    assert client.get(f"/people/reviews/{review.pk}/export.csv").status_code == 404
