"""Every log-in and every failure of one is recorded, with its origin."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.test import Client

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


def test_a_new_password_and_a_link_for_one(client: Client, alice: Person, seller: Seller) -> None:
    client.force_login(alice)
    answer = client.post(
        "/people/new/",
        {"seller": seller.pk, "email": "dana@dispatch.example", "name": "Dana", "role": "auditor"},
    )
    link = answer.context["link"].removeprefix("http://testserver")
    theirs = Client()
    form = theirs.get(link, follow=True)
    new = {"password1": "Another-Horse-8-Battery", "password2": "Another-Horse-8-Battery"}
    theirs.post(form.redirect_chain[-1][0], new)
    kinds = [(row.kind, row.subject) for row in Activity.objects.order_by("number")]
    assert kinds[:2] == [
        ("person_added", "dana@dispatch.example"),
        ("password_link_made", "dana@dispatch.example"),
    ]
    changed = Activity.objects.get(kind="password_changed")
    assert changed.person_email == "dana@dispatch.example"
    assert link.split("/")[-2] not in str(list(Activity.objects.values_list()))


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
