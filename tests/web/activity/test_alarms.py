"""The banner: who sees it, and that it goes when an owner has looked."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.models import Activity, Alarm, Membership, Person, Seller
from tests.conftest import US

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def alarm(seller: Seller) -> Alarm:
    return Alarm.objects.create(key="one", kind="amazon_refuses", seller=seller)


def page(person: Person, path: str = "/jobs/") -> str:
    client = Client()
    client.force_login(person)
    return client.get(path).content.decode()


WORDS = "Amazon denies access for Northlight US"
BUTTON = "I have looked: Amazon denies access for Northlight US"


@pytest.mark.parametrize("path", ["/jobs/", "/sellers/", "/people/", "/activity/"])
def test_an_owner_sees_it_on_every_page(alarm: Alarm, alice: Person, path: str) -> None:
    shown = page(alice, path)
    assert WORDS in shown
    assert BUTTON in shown


def test_an_auditor_only_reads_it(alarm: Alarm, bob: Person) -> None:
    Membership.objects.filter(person=bob).update(role="auditor")
    assert WORDS in page(bob)
    assert BUTTON not in page(bob)


@pytest.mark.parametrize("name", ["bob", "tom", "charlie"])
def test_others_do_not_see_it(alarm: Alarm, people: dict[str, Person], name: str) -> None:
    assert WORDS not in page(people[name])


def test_another_sellers_owner_sees_only_what_concerns_them(
    alarm: Alarm, charlie: Person, bob: Person
) -> None:
    other = Seller.objects.create(owner=charlie, name="Theirs", marketplace_id=US)
    Membership.objects.create(person=charlie, seller=other, role="owner")
    Alarm.objects.create(key="two", kind="failures", person=bob, count=5)
    Alarm.objects.create(key="three", kind="many_failures", count=30)
    shown = page(charlie)
    assert WORDS not in shown
    assert "Log-ins as Bob" not in shown
    assert "Many log-ins fail" in shown


def test_it_is_not_in_what_htmx_swaps(alarm: Alarm, client: Client, alice: Person) -> None:
    client.force_login(alice)
    assert WORDS not in client.get("/jobs/", HTTP_HX_REQUEST="true").content.decode()


def test_an_owner_has_looked(alarm: Alarm, client: Client, alice: Person) -> None:
    client.force_login(alice)
    answer = client.post(f"/activity/alarms/{alarm.pk}/", {"next": "/people/"})
    assert answer["Location"] == "/people/"
    assert WORDS not in page(alice)
    assert Activity.objects.get().kind == "alarm_acknowledged"
    assert client.post(f"/activity/alarms/{alarm.pk}/").status_code == 404


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", ""])
def test_it_leads_nowhere_else(alarm: Alarm, client: Client, alice: Person, target: str) -> None:
    client.force_login(alice)
    answer = client.post(f"/activity/alarms/{alarm.pk}/", {"next": target})
    assert answer["Location"] == "/activity/"


@pytest.mark.parametrize("role", ["auditor", "dispatcher", "technician", None])
def test_only_owners_may_say_so(
    alarm: Alarm, client: Client, bob: Person, role: str | None
) -> None:
    mine = Membership.objects.filter(person=bob)
    mine.update(role=role) if role else mine.delete()
    client.force_login(bob)
    assert client.post(f"/activity/alarms/{alarm.pk}/").status_code == 404
    assert Alarm.objects.get().acknowledged_at is None


def test_it_is_only_posted(alarm: Alarm, client: Client, alice: Person) -> None:
    client.force_login(alice)
    assert client.get(f"/activity/alarms/{alarm.pk}/").status_code == 405


def test_many_alarms_leave_room_for_the_page(seller: Seller, alice: Person) -> None:
    for number in range(9):
        Alarm.objects.create(key=str(number), kind="many_failures", count=number)
    assert page(alice).count("Many log-ins fail</p>") == 5
