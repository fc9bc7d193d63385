"""Saved views: a filter under a name, one's own or shared with the team."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.models import Membership, Person, SavedView, Seller
from tests.conftest import US

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def as_bob(client: Client, bob: Person, seller: Seller) -> Client:
    client.force_login(bob)
    return client


def shown(client: Client) -> list[str]:
    return [view.name for view in client.get("/jobs/").context["saved"]]


def save(client: Client, name: str = "Late TVs", query: str = "view=late&q=tv", **more: str) -> str:
    response = client.post("/jobs/views/", {"name": name, "query": query, **more})
    assert response.status_code == 302
    location: str = response["Location"]
    return location


def test_a_view_is_kept_and_leads_back_to_its_list(as_bob: Client) -> None:
    assert save(as_bob) == "/jobs/?view=late&q=tv"
    page = as_bob.get("/jobs/?view=late&q=tv").content.decode()
    assert 'href="/jobs/?view=late&amp;q=tv" aria-current="page"' in page
    assert "Late TVs" in page


def test_the_page_one_stood_on_is_not_part_of_a_view(as_bob: Client) -> None:
    save(as_bob, query="view=late&page=abc")
    assert SavedView.objects.get().query == "view=late"


def test_the_same_name_is_replaced(as_bob: Client) -> None:
    save(as_bob, query="view=late")
    save(as_bob, query="view=done")
    assert SavedView.objects.get().query == "view=done"


def test_two_people_may_use_the_same_name(as_bob: Client, alice: Person) -> None:
    save(as_bob)
    as_bob.force_login(alice)
    save(as_bob)
    assert SavedView.objects.count() == 2


def test_a_private_view_is_ones_own(as_bob: Client, alice: Person) -> None:
    save(as_bob)
    assert shown(as_bob) == ["Late TVs"]
    as_bob.force_login(alice)
    assert shown(as_bob) == []


@pytest.mark.parametrize(("name", "sees"), [("alice", True), ("tom", True), ("charlie", False)])
def test_a_shared_view_is_the_teams(
    as_bob: Client, people: dict[str, Person], name: str, sees: bool
) -> None:
    save(as_bob, shared="on")
    as_bob.force_login(people[name])
    assert shown(as_bob) == (["Late TVs"] if sees else [])


@pytest.mark.parametrize("role", ["technician", "auditor"])
def test_only_who_dispatches_shares(
    client: Client, charlie: Person, alice: Person, seller: Seller, role: str
) -> None:
    Membership.objects.create(person=charlie, seller=seller, role=role)
    client.force_login(charlie)
    save(client, shared="on")
    client.force_login(alice)
    assert shown(client) == []


def test_a_view_is_shared_with_ones_own_seller_only(as_bob: Client, charlie: Person) -> None:
    theirs = Seller.objects.create(owner=charlie, name="A first name", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=theirs, role="owner")
    save(as_bob, shared="on")
    as_bob.force_login(charlie)
    assert shown(as_bob) == []


def test_one_forgets_ones_own(as_bob: Client) -> None:
    save(as_bob)
    view = SavedView.objects.get()
    assert as_bob.post(f"/jobs/views/{view.pk}/delete/").status_code == 302
    assert shown(as_bob) == []


@pytest.mark.parametrize("name", ["alice", "charlie"])
def test_nobody_forgets_anothers(as_bob: Client, people: dict[str, Person], name: str) -> None:
    save(as_bob, shared="on")
    as_bob.force_login(people[name])
    view = SavedView.objects.get()
    assert as_bob.post(f"/jobs/views/{view.pk}/delete/").status_code == 404
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\0b"])
def test_a_name_that_is_none_is_said(as_bob: Client, name: str) -> None:
    response = as_bob.post("/jobs/views/", {"name": name, "query": "view=late"}, follow=True)
    assert "Give the view a name" in response.content.decode()
    assert SavedView.objects.count() == 0


@pytest.mark.parametrize("query", ["q=" + "x" * 1999, "q=" + "😀" * 300])
def test_a_filter_too_long_to_keep_is_refused_not_cut(as_bob: Client, query: str) -> None:
    response = as_bob.post("/jobs/views/", {"name": "Long", "query": query}, follow=True)
    assert response.status_code == 200
    assert SavedView.objects.count() == 0
    assert b"notice--refused" in response.content or b"error" in response.content


def test_a_view_cannot_lead_away(as_bob: Client) -> None:
    assert save(as_bob, query="//evil.example/?x=1").startswith("/jobs/?")


def test_a_name_is_text(as_bob: Client) -> None:
    save(as_bob, name="<script>alert(1)</script>")
    assert b"<script>alert(1)" not in as_bob.get("/jobs/").content


@pytest.mark.parametrize(
    "view_id", ["0", "999999", "9223372036854775808", "99999999999999999999999"]
)
def test_a_view_that_is_not_there_is_not_found(as_bob: Client, view_id: str) -> None:
    assert as_bob.post(f"/jobs/views/{view_id}/delete/").status_code == 404
