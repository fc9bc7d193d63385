"""Ten failed log-ins lock an account, and nothing tells which kind of failure it was."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from dispatch.models import Person, Seller
from dispatch.services.access import lockout
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


def attempt(email: str, password: str) -> Any:
    return Client().post(LOGIN, {"login": email, "password": password})


def fail(email: str, times: int = 10) -> None:
    for _ in range(times):
        attempt(email, "wrong")


def got_in(answer: Any) -> bool:
    return "_auth_user_id" in answer.client.session


def said(answer: Any) -> list[str]:
    return [str(problem) for problem in answer.context["form"].non_field_errors()]


def test_the_right_password_does_not_help_a_locked_account(bob: Person) -> None:
    fail(bob.email, 9)
    assert got_in(attempt(bob.email, PASSWORD))
    fail(bob.email)
    assert not got_in(attempt(bob.email, PASSWORD))
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=31)):
        assert got_in(attempt(bob.email, PASSWORD))


def test_unknown_wrong_and_locked_are_told_alike(bob: Person, tom: Person) -> None:
    fail(tom.email)
    fail("nobody@dispatch.example")
    answers = [
        attempt(bob.email, "wrong"),
        attempt("another@dispatch.example", "wrong"),
        attempt(tom.email, "wrong"),
        attempt(tom.email, PASSWORD),
        attempt("nobody@dispatch.example", "wrong"),
    ]
    assert {tuple(said(one)) for one in answers} == {tuple(said(answers[0]))}
    assert "The e-mail address or the password is wrong." in said(answers[0])[0]
    assert len({one.status_code for one in answers}) == 1


@pytest.mark.parametrize("kind", ["unknown", "wrong", "locked"])
def test_each_hashes_one_password(bob: Person, tom: Person, kind: str, settings: Any) -> None:
    """Hashing is what takes the time: as often for everybody."""
    hashed: list[str] = []
    settings.PASSWORD_HASHERS = ["tests.web.test_lockout.Counting"]
    Counting.hashed = hashed
    for person in (bob, tom):
        person.set_password(PASSWORD)
        person.save()
    for _ in range(10):
        lockout.take_attempt(tom.email)
    hashed.clear()
    email = {"unknown": "no@dispatch.example", "wrong": bob.email, "locked": tom.email}[kind]
    attempt(email, PASSWORD if kind == "locked" else "wrong")
    assert len(hashed) == 1


def test_a_real_hasher_takes_as_long_for_each(bob: Person, tom: Person, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    for person in (bob, tom):
        person.set_password(PASSWORD)
        person.save()
    for _ in range(10):
        lockout.take_attempt(tom.email)
    took = {
        email: min(_seconds(email) for _ in range(3))
        for email in (bob.email, tom.email, "no@dispatch.example")
    }
    assert max(took.values()) < 1.6 * min(took.values()), took


def _seconds(email: str) -> float:
    """Of this thread alone: a busy machine tells nothing."""
    began = time.thread_time()
    attempt(email, "wrong")
    return time.thread_time() - began


def test_a_whole_log_in_forgets_earlier_failures(bob: Person) -> None:
    fail(bob.email, 9)
    attempt(bob.email, PASSWORD)
    fail(bob.email, 9)
    assert got_in(attempt(bob.email, PASSWORD))


def test_processes_count_together(bob: Person) -> None:
    """Every client is another process's: nothing but the database knows of the others."""
    fail(bob.email, 5)
    for _ in range(5):
        lockout.take_attempt(bob.email)
    assert not got_in(attempt(bob.email, PASSWORD))


def test_an_owner_lifts_it(alice: Person, bob: Person, seller: Seller) -> None:
    fail(bob.email)
    owner = Client()
    owner.force_login(alice)
    page = owner.get("/people/").content.decode()
    assert page.count("locked out") == 1
    member = bob.memberships.get()
    owner.post(f"/people/{member.pk}/lift/")
    assert got_in(attempt(bob.email, PASSWORD))


def test_another_s_owner_does_not(bob: Person, charlie: Person, seller: Seller) -> None:
    fail(bob.email)
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.post(f"/people/{bob.memberships.get().pk}/lift/").status_code == 404
    assert lockout.is_locked(bob.email)


def test_the_old_password_is_guessed_no_more_often(client: Client, bob: Person) -> None:
    client.force_login(bob)
    new = {"password1": "Quiet-Harbour-41", "password2": "Quiet-Harbour-41"}
    for _ in range(10):
        lockout.take_attempt(bob.email)
    client.post("/account/password/change/", {"oldpassword": PASSWORD, **new})
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_a_password_reset_lifts_it(bob: Person, mailoutbox: list[Any]) -> None:
    fail(bob.email)
    client = Client()
    client.post("/account/password/reset/", {"email": bob.email})
    link = next(w for w in mailoutbox[0].body.split() if "/password/reset/key/" in w)
    target = client.get(link, follow=True).redirect_chain[-1][0]
    new = {"password1": "Quiet-Harbour-41", "password2": "Quiet-Harbour-41"}
    client.post(target, new)
    assert got_in(attempt(bob.email, "Quiet-Harbour-41"))


def test_too_many_from_one_address_get_a_page_of_ours(bob: Person) -> None:
    answers = [attempt(f"n{number}@dispatch.example", "wrong") for number in range(62)]
    assert answers[-1].status_code == 429
    assert "Too many at once" in answers[-1].content.decode()
    assert not list(get_messages(answers[-1].wsgi_request))


from django.contrib.auth.hashers import MD5PasswordHasher  # noqa: E402


class Counting(MD5PasswordHasher):
    """Notes every hash it makes."""

    algorithm = "counting"
    hashed: list[str] = []

    def encode(self, password: str, salt: str) -> str:
        self.hashed.append(salt)
        return super().encode(password, salt)
