"""Every address: nobody gets in without logging in, and a stranger finds nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from dispatch.models import (
    AccessReview,
    Alarm,
    Membership,
    Person,
    ReasonCode,
    SavedView,
    Seller,
    Technician,
)
from dispatch.services.access.invitations import invite
from dispatch.services.mirror import store
from tests.conftest import NOW, MakeJob

pytestmark = pytest.mark.django_db
DISPATCHER = Membership.Role.DISPATCHER

OPEN = {
    "healthz", "readyz", "metrics", "home",
    "account_login", "account_logout", "account_signup", "account_inactive",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "account_email_verification_sent",
    "account_confirm_email", "account_confirm_login_code", "account_request_login_code",
    "invitation", "invitation_link", "mfa_login_webauthn", "mfa_authenticate",
}  # fmt: skip
"""Reached without logging in, by design: the log-in itself, and what machines ask."""


def patterns(found: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for entry in get_resolver().url_patterns if found is None else found:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        else:
            yield entry


NAMES = sorted({str(pattern.name) for pattern in patterns() if pattern.name})


@pytest.fixture
def things(seller: Seller, alice: Person, make_job: MakeJob) -> dict[str, object]:
    """One of Alice's for every argument that an address takes."""
    store.store(seller, [make_job()], fetched_at=NOW)
    return {
        "service_job_id": "JOB-0001",
        "seller_id": seller.pk,
        "view_id": SavedView.objects.create(person=alice, name="Mine").pk,
        "membership_id": Membership.objects.filter(person__name="Bob").get().pk,
        "technician_id": Technician.objects.get(name="Tom").pk,
        "alarm_id": Alarm.objects.create(key="one", kind="volume", seller=seller).pk,
        "reason_id": ReasonCode.objects.filter(kind="cancel").get().pk,
        "person_id": alice.pk,
        "action_id": uuid.UUID(int=1),
        "appointment_id": "APPT-1",
        "document_id": uuid.UUID(int=1),
        "resource_id": "TECH-TOM",
        "key": "x-y",
        "session_id": 1,
        "invitation_id": invite(
            email="x@example.com", seller=seller, role=DISPATCHER, by=alice
        ).invitation.pk,
        "review_id": AccessReview.objects.create(seller=seller, reviewer=alice).pk,
        "uidb36": "1",
        "kind": "cancel",
        "pk": 1,
        "uid": "1",
        "token": "x",
    }


def addresses(things: dict[str, object], *, with_object: bool) -> Iterator[tuple[str, str]]:
    """Every named address with its arguments filled in."""
    for pattern in patterns():
        wanted = set(pattern.pattern.converters) | set(pattern.pattern.regex.groupindex)
        name = str(pattern.name)
        if with_object and not wanted & things.keys():
            continue
        arguments = {key: things[key] for key in wanted if key in things}
        assert len(arguments) == len(wanted), f"{name} takes {wanted}: tell the test what that is"
        try:
            yield name, reverse(name, kwargs=arguments)
        except NoReverseMatch:  # A resolver above it takes an argument of its own.
            above = "pk" if name.startswith("mfa_") else "seller_id"
            yield name, reverse(name, kwargs={**arguments, above: things[above]})


def test_every_address_has_a_name() -> None:
    assert all(pattern.name for pattern in patterns())


def test_nobody_gets_in_without_logging_in(client: Client, things: dict[str, object]) -> None:
    for name, address in addresses(things, with_object=False):
        if name in OPEN:
            continue
        for method in (client.get, client.post):
            response = method(address)
            if response.status_code == 405:
                continue
            assert response.status_code == 302, f"{method.__name__} {address}"
            assert response["Location"].startswith("/account/login/"), address


def test_a_stranger_finds_nothing(
    client: Client, charlie: Person, things: dict[str, object]
) -> None:
    client.force_login(charlie)
    for name, address in addresses(things, with_object=True):
        if name in OPEN or address.startswith("/account/"):
            continue
        for method in (client.get, client.post):
            response = method(address)
            assert response.status_code in (404, 405), f"{method.__name__} {address}"


@pytest.mark.parametrize("name", sorted(OPEN & set(NAMES)))
def test_the_open_addresses_show_nothing_of_anybody(
    client: Client, things: dict[str, object], name: str
) -> None:
    for found, address in addresses(things, with_object=False):
        if found == name:
            text = client.get(address).content.decode()
            for word in ("Northlight", "Jordan", "JOB-0001", "Atzr", "bob@dispatch.example"):
                assert word not in text


@pytest.mark.parametrize("role", ["technician", "auditor"])
def test_who_does_not_own_a_seller_does_not_reach_its_screens(
    client: Client, charlie: Person, seller: Seller, things: dict[str, object], role: str
) -> None:
    Membership.objects.create(person=charlie, seller=seller, role=role)
    client.force_login(charlie)
    for _, address in addresses(things, with_object=True):
        if not address.startswith(("/sellers/", "/people/")):
            continue
        for method in (client.get, client.post):
            response = method(address)
            assert response.status_code in (403, 404, 405), f"{method.__name__} {address}"
