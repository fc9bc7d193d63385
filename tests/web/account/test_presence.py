"""Idle sessions end, a technician's phone is locked, and nothing is lost without a word."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.models import Membership, Person, Seller
from dispatch.services.access import people
from dispatch.services.mirror import store
from tests.conftest import NOW, PASSWORD, US, MakeJob

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
POLL = {"HX-Request": "true", "X-Dispatch-Poll": "true"}
LOGIN = "/account/login/"
LOCK = "/account/reauthenticate/"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def desk(clock: Any, client: Client, bob: Person, seller: Seller, make_job: MakeJob) -> Client:
    store.store(seller, [make_job()], fetched_at=NOW)
    client.force_login(bob)
    return client


@pytest.fixture
def phone(clock: Any, tom: Person, seller: Seller) -> Client:
    client = Client()
    client.force_login(tom)
    return client


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def text(answer: Any) -> str:
    return str(answer.content.decode())


class TestIdle:
    def test_a_session_ends_after_fifteen_idle_minutes(self, desk: Client, clock: Any) -> None:
        clock.shift(minutes(14.9))
        assert desk.get("/jobs/").status_code == 200
        clock.shift(minutes(15.1))
        answer = desk.get("/jobs/?view=late")
        assert answer["Location"] == f"{LOGIN}?next=%2Fjobs%2F%3Fview%3Dlate"
        assert "nothing happened for 15 minutes" in text(desk.get(answer["Location"]))
        assert "_auth_user_id" not in desk.session

    def test_why_it_ended_is_said_until_somebody_logs_in(
        self, desk: Client, clock: Any, bob: Person
    ) -> None:
        clock.shift(minutes(16))
        log_in = desk.get("/jobs/")["Location"]
        # A browser that was sent there twice shows only the second.
        for _ in range(2):
            assert text(desk.get(log_in)).count("nothing happened for 15 minutes") == 1
        after = desk.post(log_in, {"login": bob.email, "password": PASSWORD}, follow=True)
        assert after.wsgi_request.user == bob
        assert "nothing happened" not in text(after)
        desk.post("/account/logout/")
        assert "nothing happened" not in text(desk.get(LOGIN))

    def test_who_works_stays(self, desk: Client, clock: Any) -> None:
        for _ in range(20):
            clock.shift(minutes(14))
            assert desk.get("/jobs/").status_code == 200

    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            ("/jobs/changes/?since=2026-11-24T15:00:00Z", HTMX),
            ("/jobs/JOB-0001/changes/", HTMX),
            ("/jobs/JOB-0001/", POLL),
            ("/account/presence/", POLL),
        ],
    )
    def test_what_a_page_asks_by_itself_does_not_count(
        self, desk: Client, clock: Any, address: str, headers: dict[str, str]
    ) -> None:
        for _ in range(3):
            clock.shift(minutes(5))
            assert desk.get(address, headers=headers).status_code in (200, 204, 304)
        clock.shift(minutes(0.1))
        answer = desk.get(address, headers=headers)
        assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")
        assert answer.content == b""

    def test_keys_and_taps_count(self, desk: Client, clock: Any) -> None:
        for _ in range(3):
            clock.shift(minutes(10))
            assert desk.post("/account/presence/", headers=HTMX).status_code == 204
        assert desk.get("/jobs/").status_code == 200

    def test_it_says_how_long_is_left(self, desk: Client, clock: Any) -> None:
        assert desk.get("/account/presence/", headers=POLL)["X-Left"] == "900"
        clock.shift(minutes(4))
        assert desk.get("/account/presence/", headers=POLL)["X-Left"] == "660"

    def test_a_part_asked_for_too_late_loads_the_page_anew(self, desk: Client, clock: Any) -> None:
        clock.shift(minutes(16))
        answer = desk.get("/jobs/?q=tv", headers=HTMX)
        assert (answer.status_code, answer["HX-Refresh"], answer.content) == (401, "true", b"")
        assert desk.get("/jobs/?q=tv")["Location"].startswith(LOGIN)

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_a_form_sent_too_late_is_not_lost_silently(
        self, desk: Client, clock: Any, headers: dict[str, str]
    ) -> None:
        clock.shift(minutes(16))
        page = {"Referer": "http://testserver/jobs/?view=late"}
        answer = desk.post("/jobs/refresh/", headers=headers | page)
        if not headers:
            assert answer["Location"] == f"{LOGIN}?next=%2Fjobs%2F%3Fview%3Dlate"
        said = text(desk.get(LOGIN))
        assert "What you sent did not go through" in said
        assert "nothing happened for 15 minutes" in said

    def test_one_is_not_led_elsewhere_by_a_referer(self, desk: Client, clock: Any) -> None:
        clock.shift(minutes(16))
        answer = desk.post("/jobs/refresh/", headers={"Referer": "https://evil.example/x"})
        assert answer["Location"] == f"{LOGIN}?next=%2F"

    def test_a_busy_minute_costs_no_write(self, desk: Client, clock: Any) -> None:
        clock.shift(minutes(0.5))
        with CaptureQueriesContext(connection) as asked:
            desk.get("/account/settings/")
        assert not [q for q in asked.captured_queries if q["sql"].startswith(("UPDATE", "INSERT"))]

    def test_a_session_that_says_nothing_of_itself_is_over(self, desk: Client) -> None:
        session = desk.session
        del session["seen"]
        session.save()
        assert desk.get("/jobs/").status_code == 302

    def test_a_log_out_says_only_that(self, desk: Client) -> None:
        page = text(desk.post("/account/logout/", follow=True))
        assert "has ended" not in page


class TestAPhone:
    def test_it_is_locked_after_five_idle_minutes(self, phone: Client, clock: Any) -> None:
        clock.shift(minutes(4.9))
        assert phone.get("/jobs/").status_code == 200
        clock.shift(minutes(5.1))
        answer = phone.get("/jobs/?view=today")
        assert answer["Location"] == f"{LOCK}?next=%2Fjobs%2F%3Fview%3Dtoday"
        page = text(phone.get(answer["Location"]))
        assert "<h1>Locked</h1>" in page
        assert "Jordan" not in page

    def test_it_stays_locked_until_the_password(self, phone: Client, clock: Any) -> None:
        clock.shift(minutes(6))
        phone.get("/jobs/")
        for address in ("/jobs/", "/account/settings/", "/account/sessions/", "/account/2fa/"):
            assert phone.get(address)["Location"].startswith(LOCK)
        phone.post(LOCK, {"password": "wrong"})
        assert phone.get("/jobs/").status_code == 302
        there = {"password": PASSWORD, "next": "/jobs/?view=today"}
        assert phone.post(LOCK, there)["Location"] == "/jobs/?view=today"
        assert phone.get("/jobs/?view=today").status_code == 200

    def test_a_part_asked_for_loads_the_lock(self, phone: Client, clock: Any) -> None:
        clock.shift(minutes(6))
        answer = phone.get("/jobs/changes/", headers=HTMX)
        assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")
        assert phone.get("/account/presence/", headers=POLL).status_code == 401

    def test_a_form_sent_on_a_locked_phone_is_not_lost_silently(
        self, phone: Client, clock: Any
    ) -> None:
        clock.shift(minutes(6))
        answer = phone.post("/jobs/refresh/")
        assert answer["Location"] == f"{LOCK}?next=%2F"
        assert "What you sent did not go through" in text(phone.get(LOCK))

    def test_ten_wrong_passwords_lock_the_account(self, phone: Client, clock: Any) -> None:
        clock.shift(minutes(6))
        phone.get("/jobs/")
        for _ in range(10):
            clock.shift(minutes(0.2))
            phone.post(LOCK, {"password": "wrong"})
        phone.post(LOCK, {"password": PASSWORD})
        assert phone.get("/jobs/").status_code == 302

    def test_it_stays_logged_in_for_a_shift_and_no_longer(self, phone: Client, clock: Any) -> None:
        for _ in range(11):
            clock.shift(minutes(60))
            phone.get("/jobs/")
            phone.post(LOCK, {"password": PASSWORD})
            assert phone.get("/jobs/").status_code == 200
        clock.shift(minutes(61))
        answer = phone.get("/jobs/")
        assert answer["Location"].startswith(LOGIN)
        assert "after 12 hours" in text(phone.get(LOGIN))

    def test_how_long_is_a_setting(self, phone: Client, clock: Any, settings: Any) -> None:
        settings.TECHNICIAN_SESSION_HOURS = 2
        clock.shift(minutes(121))
        assert phone.get("/jobs/")["Location"].startswith(LOGIN)

    def test_who_is_more_than_a_technician_is_treated_as_everybody(
        self, phone: Client, clock: Any, tom: Person, seller: Seller
    ) -> None:
        people.change_role(membership=tom.memberships.get(), role=Membership.Role.DISPATCHER)
        clock.shift(minutes(10))
        assert phone.get("/jobs/").status_code == 200
        clock.shift(minutes(16))
        assert phone.get("/jobs/")["Location"].startswith(LOGIN)


class TestEnding:
    def test_a_removed_person_is_out_at_the_next_request(
        self, desk: Client, bob: Person, seller: Seller
    ) -> None:
        people.remove(membership=bob.memberships.get())
        answer = desk.get("/jobs/")
        assert answer["Location"].startswith(LOGIN)
        assert "Your session has ended." in text(desk.get(LOGIN))

    def test_who_works_for_another_seller_stays(
        self, desk: Client, bob: Person, charlie: Person, seller: Seller
    ) -> None:
        other = Seller.objects.create(owner=charlie, name="Other", marketplace_id=US)
        people.join(person=bob, seller=other, role=Membership.Role.DISPATCHER)
        people.remove(membership=bob.memberships.get(seller=seller))
        assert desk.get("/jobs/").status_code == 200
        assert desk.get("/jobs/JOB-0001/").status_code == 404

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_who_is_switched_off_is_out_at_the_next_request(
        self, desk: Client, bob: Person, headers: dict[str, str]
    ) -> None:
        Person.objects.filter(pk=bob.pk).update(is_active=False)
        answer = desk.get("/jobs/", headers=headers)
        assert answer.status_code == (401 if headers else 302)
        assert answer.content == b""

    def test_a_changed_role_acts_at_once(self, desk: Client, bob: Person, seller: Seller) -> None:
        assert desk.get("/jobs/JOB-0001/cancel/").status_code == 200
        people.change_role(membership=bob.memberships.get(), role=Membership.Role.AUDITOR)
        assert desk.get("/jobs/JOB-0001/cancel/").status_code == 404
