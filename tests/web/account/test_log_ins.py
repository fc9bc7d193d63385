"""Every log-in and every failure of one is recorded, with its origin."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dispatch.models import Activity, Person, Seller
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

HOME = {"REMOTE_ADDR": "203.0.113.77"}


@pytest.fixture(autouse=True)
def _no_limits() -> None:
    cache.clear()


def rows() -> list[tuple[str, int | None, str]]:
    found = Activity.objects.order_by("number")
    return [(row.kind, row.person_id, row.origin) for row in found]


def try_log_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post("/account/login/", {"login": email, "password": password})


def test_log_in_and_log_out(client: Client, bob: Person) -> None:
    client.defaults.update(HOME)
    assert try_log_in(client, bob.email).status_code == 302
    client.post("/account/logout/")
    assert rows() == [("log_in", bob.pk, "203.0.113.77"), ("logged_out", bob.pk, "203.0.113.0/24")]


def test_a_wrong_password_is_a_failure_of_that_account(client: Client, bob: Person) -> None:
    client.defaults.update(HOME)
    try_log_in(client, bob.email.upper(), "wrong")
    assert rows() == [("log_in_failed", bob.pk, "203.0.113.77")]
    assert Activity.objects.get().person_email == bob.email


def test_an_address_that_is_nobody_s_is_kept_as_a_hash(client: Client, bob: Person) -> None:
    for typed in ("jordan@example.com", "JORDAN@example.com", "5550142@example.com"):
        try_log_in(client, typed)
    first, second, third = Activity.objects.order_by("number")
    assert first.person_id is None
    assert first.subject.startswith("unknown:")
    assert first.subject == second.subject != third.subject
    shown = str(list(Activity.objects.values_list()))
    assert "example.com" not in shown
    assert PASSWORD not in shown


def test_a_second_factor_that_fails_is_recorded(client: Client, bob: Person) -> None:
    secret = generate_totp_secret()
    TOTP.activate(bob, secret)
    try_log_in(client, bob.email)
    assert rows() == []
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    counter = next(iter(yield_hotp_counters_from_time()))
    client.post(
        "/account/2fa/authenticate/", {"code": format_hotp_value(hotp_value(secret, counter))}
    )
    assert [kind for kind, _, _ in rows()] == ["second_factor_failed", "log_in"]


def test_an_invitation_and_who_came_by_it(client: Client, alice: Person, seller: Seller) -> None:
    client.force_login(alice)
    form = {"seller": seller.pk, "email": "dana@dispatch.example", "role": "auditor"}
    link = client.post("/people/invite/", form).context["link"].removeprefix("http://testserver")
    theirs = Client()
    theirs.get(link)
    good = "Another-Horse-8-Battery"
    new = {"name": "Dana", "password1": good, "password2": good}
    theirs.post("/account/invitation/", new)
    kept = Activity.objects.order_by("number")
    assert [(row.kind, row.person_email) for row in kept] == [
        ("person_invited", "alice@dispatch.example"),
        ("person_added", "dana@dispatch.example"),
        ("log_in", "dana@dispatch.example"),
    ]
    assert link.split("/")[-2] not in str(list(Activity.objects.values_list()))


def test_a_forgotten_password(bob: Person, client: Client, mailoutbox: list[Any]) -> None:
    client.post("/account/password/reset/", {"email": bob.email})
    link = next(w for w in mailoutbox[0].body.split() if "/password/reset/key/" in w)
    target = client.get(link, follow=True).redirect_chain[-1][0]
    new = {"password1": "Another-Horse-8-Battery", "password2": "Another-Horse-8-Battery"}
    client.post(target, new)
    changed = Activity.objects.get(kind="password_changed")
    assert (changed.person_email, changed.detail) == (bob.email, {"change": "reset"})


def test_without_mail_the_command_makes_the_link(bob: Person, client: Client) -> None:
    said = io.StringIO()
    call_command("password_link", "BOB@dispatch.example", stdout=said)
    target = client.get(said.getvalue().strip(), follow=True).redirect_chain[-1][0]
    new = {"password1": "Another-Horse-8-Battery", "password2": "Another-Horse-8-Battery"}
    client.post(target, new)
    bob.refresh_from_db()
    assert bob.check_password("Another-Horse-8-Battery")
    kinds = Activity.objects.order_by("number").values_list("kind", flat=True)
    assert list(kinds) == ["password_link_made", "password_changed"]
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("password_link", "nobody@dispatch.example")


def test_the_failure_that_locks_is_recorded_once(client: Client, bob: Person) -> None:
    for _ in range(12):
        try_log_in(client, bob.email, "wrong")
    assert Activity.objects.filter(kind="log_in_failed").count() == 12
    assert Activity.objects.get(kind="locked_out").person_email == bob.email
    try_log_in(client, bob.email)
    assert Activity.objects.filter(kind="log_in_failed").count() == 13
    assert Activity.objects.filter(kind="locked_out").count() == 1


def test_a_session_that_ran_out_is_recorded(client: Client, bob: Person, seller: Seller) -> None:
    client.force_login(bob)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=16)):
        client.get("/jobs/")
    row = Activity.objects.get()
    assert (row.kind, row.subject) == ("sessions_ended", bob.email)
    assert row.detail == {"why": "idle", "sessions": 1}


def test_settings_are_recorded_by_name(client: Client, bob: Person) -> None:
    client.force_login(bob)
    form = {"name": "Robert", "time_zone": "", "theme": "dark", "shortcuts": "on"}
    client.post("/account/settings/", form)
    client.post("/account/settings/", form)
    row = Activity.objects.get()
    assert (row.kind, row.person_id, row.detail) == (
        "settings_changed",
        bob.pk,
        {"fields": ["name", "theme"]},
    )
