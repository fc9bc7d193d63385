from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dispatch.models import Person, Seller
from dispatch.selectors.sessions import device_in_words, sessions_of
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605 Version/18 Safari/6"


def log_in(person: Person, device: str = "") -> Client:
    client = Client(headers={"User-Agent": device})
    client.post("/account/login/", {"login": person.email, "password": PASSWORD})
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def lives(client: Client) -> bool:
    return bool(client.get("/jobs/").status_code == 200)


def test_one_sees_where_one_is_logged_in(bob: Person, seller: Seller) -> None:
    desk, _ = log_in(bob, FIREFOX), log_in(bob, PHONE)
    page = text(desk.get("/account/sessions/"))
    assert "Firefox on Windows" in page
    assert "Safari on iPhone" in page
    assert page.count("this one") == 2
    assert page.index("Firefox on Windows") < page.index("Safari on iPhone")


def test_one_session_is_ended(bob: Person, seller: Seller) -> None:
    desk, phone = log_in(bob, FIREFOX), log_in(bob, PHONE)
    other = next(one for one in sessions_of(bob, desk.session.session_key) if not one.here)
    desk.post(f"/account/sessions/{other.row.pk}/end/")
    assert (lives(desk), lives(phone)) == (True, False)


def test_all_others_are_ended(bob: Person, alice: Person, seller: Seller) -> None:
    desk, *others = (log_in(bob, FIREFOX) for _ in range(3))
    owner = log_in(alice)
    page = text(desk.post("/account/sessions/end/", follow=True))
    assert "2 sessions ended." in page
    assert [lives(one) for one in (desk, *others, owner)] == [True, False, False, True]


def test_nobody_ends_another_s(bob: Person, charlie: Person, seller: Seller) -> None:
    desk, stranger = log_in(bob), log_in(charlie)
    row = sessions_of(bob)[0].row
    assert stranger.post(f"/account/sessions/{row.pk}/end/").status_code == 404
    assert lives(desk)


def test_an_owner_ends_all_of_a_person_of_theirs(
    alice: Person, bob: Person, seller: Seller
) -> None:
    owner, *both = log_in(alice), log_in(bob, FIREFOX), log_in(bob, PHONE)
    address = f"/people/{bob.memberships.get().pk}/sessions/end/"
    asked = text(owner.get(address))
    assert "Log Bob out everywhere?" in asked
    assert "Safari on iPhone" in asked
    assert "2 sessions ended" in text(owner.post(address, follow=True))
    assert [lives(one) for one in (owner, *both)] == [True, False, False]


@pytest.mark.parametrize("who", ["bob", "charlie", "tom"])
def test_nobody_else_does(people: dict[str, Person], seller: Seller, who: str) -> None:
    owner, other = log_in(people["alice"]), log_in(people[who])
    address = f"/people/{people['alice'].memberships.get().pk}/sessions/end/"
    assert other.post(address).status_code == 404
    assert lives(owner)


def test_a_new_password_ends_the_others_and_this_one_stays_listed(
    bob: Person, seller: Seller
) -> None:
    desk, phone = log_in(bob, FIREFOX), log_in(bob, PHONE)
    new = {
        "oldpassword": PASSWORD,
        "password1": "Quiet-Harbour-41",
        "password2": "Quiet-Harbour-41",
    }
    desk.post("/account/password/change/", new)
    assert (lives(desk), lives(phone)) == (True, False)
    here = [one for one in sessions_of(bob, desk.session.session_key) if one.here]
    assert [one.device for one in here] == ["Firefox on Windows"]


def test_what_was_logged_out_is_no_longer_listed(bob: Person, seller: Seller) -> None:
    desk, phone = log_in(bob, FIREFOX), log_in(bob, PHONE)
    phone.post("/account/logout/")
    assert [one.device for one in sessions_of(bob)] == ["Firefox on Windows"]
    assert lives(desk)


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("", "A browser"),
        ("curl/8", "A browser"),
        ("X <script> Chrome/140 Linux", "Chrome on Linux"),
    ],
)
def test_any_device_is_told_in_words(device: str, words: str) -> None:
    assert device_in_words(device) == words


def test_a_device_of_any_length_is_kept(bob: Person, seller: Seller) -> None:
    assert lives(log_in(bob, "Firefox \x00" + "x" * 5000))
