"""A password alone opens nothing, but for the first log-in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.totp.internal.auth import yield_hotp_counters_from_time as counters
from django.test import Client
from django.utils import timezone

from dispatch.models import Person, Seller
from dispatch.selectors.people import second_factors
from dispatch.services.access import lockout
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
ASK = "/account/second-factor/"
CODE = "/account/2fa/authenticate/"


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


def log_in(person: Person) -> Client:
    client = Client()
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def set_up(person: Person) -> str:
    """An authenticator app; its secret."""
    secret = generate_totp_secret()
    TOTP.activate(person, secret)
    return secret


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, next(iter(counters())))))


class TestAsking:
    def test_the_first_log_in_may_go_on_once(self, bob: Person, seller: Seller) -> None:
        client = log_in(bob)
        assert client.get("/jobs/")["Location"] == ASK
        page = text(client.get(ASK))
        assert "Later" in page
        assert "nothing opens without it" in page
        assert client.post(ASK)["Location"] == "/"
        assert client.get("/jobs/").status_code == 200

    def test_from_the_second_on_nothing_else_opens(self, bob: Person, seller: Seller) -> None:
        log_in(bob)
        client = log_in(bob)
        for address in ("/jobs/", "/account/settings/", "/account/sessions/", "/people/"):
            assert client.get(address)["Location"] == ASK, address
        assert client.post("/jobs/refresh/")["Location"] == ASK
        answer = client.get("/jobs/", headers={"HX-Request": "true"})
        assert (answer.status_code, answer["HX-Refresh"]) == (401, "true")
        assert "Later" not in text(client.get(ASK))
        client.post(ASK)
        assert client.get("/jobs/")["Location"] == ASK

    def test_looking_at_the_page_is_not_going_on(self, bob: Person, seller: Seller) -> None:
        client = log_in(bob)
        client.get(ASK)
        assert client.get("/jobs/")["Location"] == ASK

    def test_one_can_always_leave(self, bob: Person) -> None:
        client = log_in(bob)
        assert client.post("/account/logout/")["Location"] == "/account/login/"

    def test_the_demo_does_not_ask(self, bob: Person, seller: Seller, settings: Any) -> None:
        settings.SECOND_FACTOR_REQUIRED = False
        assert log_in(bob).get("/jobs/").status_code == 200

    def test_a_new_account_is_asked_at_once(self, seller: Seller) -> None:
        from dispatch.models import Membership
        from dispatch.services.access.invitations import invite

        role = Membership.Role.OWNER
        made = invite(email="dana@example.com", seller=seller, role=role, by=None)
        client = Client()
        client.get(f"/account/invitation/{made.token}/")
        good = "Quiet-Harbour-41"
        client.post("/account/invitation/", {"name": "D", "password1": good, "password2": good})
        assert client.get("/jobs/")["Location"] == ASK
        # Whoever has just chosen a password is not asked for it again.
        assert client.get("/account/2fa/totp/activate/").status_code == 200


class TestAnAuthenticatorApp:
    @pytest.mark.django_db(transaction=True)
    def test_setting_it_up_opens_everything_and_shows_the_codes_once(
        self, bob: Person, seller: Seller
    ) -> None:
        log_in(bob)
        client = log_in(bob)
        client.get("/account/2fa/totp/activate/")
        secret = client.session["mfa.totp.secret"]
        answer = client.post("/account/2fa/totp/activate/", {"code": code_of(secret)})
        codes = text(client.get(answer["Location"]))
        assert codes.count("<li><code>") == 10
        assert "<li><code>" not in text(client.get(answer["Location"]))
        assert client.get("/jobs/").status_code == 200
        assert second_factors([bob.pk]) == {bob.pk: "Authenticator app"}

    def test_secrets_are_sealed_at_rest(self, bob: Person) -> None:
        secret = set_up(bob)
        kept = Authenticator.objects.get().data["secret"]
        assert secret not in kept
        assert kept.startswith("v1.")

    def test_the_password_alone_no_longer_opens(self, bob: Person, seller: Seller) -> None:
        secret = set_up(bob)
        client = log_in(bob)
        assert client.get("/jobs/")["Location"].startswith("/account/login/")
        client.post(CODE, {"code": code_of(secret)})
        assert client.get("/jobs/").status_code == 200

    def test_a_code_works_once(self, bob: Person, seller: Seller) -> None:
        code = code_of(set_up(bob))
        log_in(bob).post(CODE, {"code": code})
        again = log_in(bob)
        assert "did not work" in text(again.post(CODE, {"code": code}))

    def test_ten_wrong_codes_lock_the_account(self, bob: Person, seller: Seller) -> None:
        secret = set_up(bob)
        client = log_in(bob)
        for number in range(10):
            page = client.post(CODE, {"code": f"{number:06}"})
        assert lockout.is_locked(bob.email)
        assert "did not work" in text(page)
        assert "did not work" in text(client.post(CODE, {"code": code_of(secret)}))
        assert "_auth_user_id" not in client.session
        assert not any("_auth_user_id" in c.session for c in [log_in(bob)])

    def test_knowing_the_password_buys_no_more_codes(self, bob: Person, seller: Seller) -> None:
        set_up(bob)
        for _ in range(3):
            client = log_in(bob)
            for number in range(4):
                client.post(CODE, {"code": f"{number:06}"})
        assert lockout.is_locked(bob.email)

    def test_who_removes_the_last_one_is_asked_at_once(self, bob: Person, seller: Seller) -> None:
        secret = set_up(bob)
        client = log_in(bob)
        client.post(CODE, {"code": code_of(secret)})
        client.post("/account/2fa/totp/deactivate/")
        assert not Authenticator.objects.exists()
        assert client.get("/jobs/")["Location"] == ASK
        assert "Later" not in text(client.get(ASK))

    def test_something_sensitive_asks_again_after_a_while(
        self, bob: Person, seller: Seller
    ) -> None:
        secret = set_up(bob)
        client = log_in(bob)
        client.post(CODE, {"code": code_of(secret)})
        with time_machine.travel(timezone.now() + dt.timedelta(minutes=6)):
            answer = client.get("/account/2fa/totp/deactivate/")
            assert answer["Location"].startswith("/account/reauthenticate/")
            assert "Use a code" in text(client.get(answer["Location"]))


class TestAYearOldPassword:
    @pytest.fixture
    def old(self, bob: Person, settings: Any) -> Person:
        settings.SECOND_FACTOR_REQUIRED = False
        Person.objects.filter(pk=bob.pk).update(
            password_changed_at=timezone.now() - dt.timedelta(days=366)
        )
        return bob

    def test_nothing_opens_before_a_new_one_is_chosen(self, old: Person, seller: Seller) -> None:
        client = log_in(old)
        assert client.get("/jobs/")["Location"] == "/account/password/change/"
        assert "older than a year" in text(client.get("/account/password/change/"))
        same = {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD}
        assert "last 10 passwords" in text(client.post("/account/password/change/", same))
        assert client.get("/jobs/").status_code == 302
        new = same | {"password1": "Quiet-Harbour-41", "password2": "Quiet-Harbour-41"}
        client.post("/account/password/change/", new)
        assert client.get("/jobs/").status_code == 200
        again = Client()
        again.post("/account/login/", {"login": old.email, "password": "Quiet-Harbour-41"})
        assert again.get("/jobs/").status_code == 200
