"""The list of sessions is allauth's; what it must not keep or miss, we see to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from dispatch.models import Activity, Person, Seller
from dispatch.selectors.sessions import sessions_of
from dispatch.services.access import sessions
from dispatch.services.access.sessions import EndReason
from dispatch.services.audit import activity
from tests.conftest import NOW, PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def log_in(person: Person, address: str = "203.0.113.77", device: str = FIREFOX) -> Client:
    client = Client(headers={"User-Agent": device}, REMOTE_ADDR=address)
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    return client


@pytest.mark.parametrize(
    ("address", "kept", "shown"),
    [
        ("203.0.113.77", "203.0.113.0", "203.0.113.0/24"),
        ("2001:db8:1:2::77", "2001:db8:1::", "2001:db8:1::/48"),
    ],
)
def test_a_network_is_kept_and_no_address(bob: Person, address: str, kept: str, shown: str) -> None:
    client = log_in(bob, address)
    assert UserSession.objects.get().ip == kept
    assert shown in client.get("/account/sessions/").content.decode()


def test_allauth_itself_keeps_no_address_either(bob: Person) -> None:
    """After a new password it makes the row, not we."""
    UserSession.objects.create(user=bob, ip="203.0.113.77", session_key="k", user_agent="x\0y")
    row = UserSession.objects.get()
    assert (row.ip, row.user_agent) == ("203.0.113.0", "xy")


def test_a_log_in_from_nowhere_known_is_listed_too(bob: Person, client: Client) -> None:
    client.force_login(bob)
    (shown,) = sessions_of(bob)
    assert (shown.row.session_key, shown.network) == (client.session.session_key, "")


def test_a_session_goes_on_in_the_list_under_its_new_key(bob: Person) -> None:
    with activity.asked_by(activity.Asking(lambda: bob, "203.0.113.77")):
        sessions.begin(person=bob, key="old", device=FIREFOX)
    began = NOW - dt.timedelta(hours=2)
    UserSession.objects.update(created_at=began)
    sessions.begin(person=bob, key="new", device=FIREFOX)  # As allauth does after a new password.
    sessions.follow_new_key(person=bob, before="old", key="new")
    row = UserSession.objects.get()
    assert (row.session_key, row.created_at) == ("new", began)


def test_nobody_s_row_becomes_another_person_s(bob: Person, alice: Person) -> None:
    sessions.begin(person=bob, key="old", device=FIREFOX)
    sessions.begin(person=alice, key="new", device=FIREFOX)
    sessions.follow_new_key(person=alice, before="old", key="new")
    kept = dict(UserSession.objects.values_list("session_key", "user__email"))
    assert kept == {"old": bob.email, "new": alice.email}


def test_what_is_ended_leaves_no_row_and_one_line_in_the_log(bob: Person, seller: Seller) -> None:
    log_in(bob)
    log_in(bob)
    assert sessions.end(person=bob, why=EndReason.BY_AN_OWNER, seller=seller) == 2
    assert not Session.objects.exists()
    assert not UserSession.objects.exists()
    recorded = Activity.objects.get(kind="sessions_ended")
    assert recorded.detail == {"why": "by_an_owner", "sessions": 2}


def test_a_session_of_somebody_switched_off_is_ended_for_good(bob: Person) -> None:
    """allauth's own clearing would drop its row and leave the session for the day of their return.

    It asks who the session's person is, and finds nobody.
    """
    client = log_in(bob)
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    assert sessions.end(person=bob, why=EndReason.REMOVED) == 1
    Person.objects.filter(pk=bob.pk).update(is_active=True)
    assert client.get("/account/sessions/").status_code == 302


def test_rows_of_sessions_that_are_gone_are_cleared_at_the_next_log_in(bob: Person) -> None:
    log_in(bob)
    Session.objects.all().delete()
    log_in(bob)
    assert UserSession.objects.count() == 1


def test_the_list_costs_as_many_queries_for_many_sessions(
    bob: Person, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        log_in(bob, device=f"Firefox/{number}")
    with django_assert_num_queries(2):
        assert len(sessions_of(bob)) == 5
