"""How people log in, and what they set for themselves."""

from __future__ import annotations

import pytest
from django.test import Client

from dispatch.models import Person, Seller
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
SETTINGS = "/account/settings/"


@pytest.fixture
def as_bob(client: Client, bob: Person, seller: Seller) -> Client:
    client.force_login(bob)
    return client


def body(**changes: str) -> dict[str, str]:
    return {
        "name": "Bob",
        "time_zone": "Europe/Berlin",
        "theme": "dark",
        "shortcuts": "on",
        **changes,
    }


def test_one_logs_in_with_address_and_password(client: Client, bob: Person) -> None:
    login = {"login": "BOB@dispatch.example", "password": PASSWORD}
    response = client.post("/account/login/", login)
    assert response["Location"] == "/jobs/"
    assert client.get("/jobs/").status_code == 200


@pytest.mark.parametrize("email", ["bob@dispatch.example", "nobody@dispatch.example"])
def test_a_wrong_password_and_an_unknown_address_are_told_alike(
    client: Client, bob: Person, email: str
) -> None:
    response = client.post("/account/login/", {"login": email, "password": "wrong"})
    assert "The e-mail address or the password is wrong." in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_one_comes_to_the_page_one_wanted(client: Client, bob: Person, seller: Seller) -> None:
    asked = client.get("/jobs/?view=late")
    assert asked["Location"] == "/account/login/?next=/jobs/%3Fview%3Dlate"
    login = {"login": bob.email, "password": PASSWORD}
    assert client.post(asked["Location"], login)["Location"] == "/jobs/?view=late"


def test_one_is_not_led_away_after_the_log_in(client: Client, bob: Person) -> None:
    login = {"login": bob.email, "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/account/login/", login)["Location"] == "/jobs/"


def test_who_was_put_out_cannot_log_in(client: Client, bob: Person) -> None:
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    client.post("/account/login/", {"login": bob.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_nobody_signs_up(client: Client, db: None) -> None:
    new = {"email": "new@dispatch.example", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/account/signup/", new)
    assert not Person.objects.filter(email="new@dispatch.example").exists()


def test_logging_out_ends_the_session(as_bob: Client) -> None:
    as_bob.post("/account/logout/")
    assert as_bob.get("/jobs/").status_code == 302


def test_settings_are_kept(as_bob: Client, bob: Person) -> None:
    assert as_bob.post(SETTINGS, body()).status_code == 302
    bob.refresh_from_db()
    assert (bob.time_zone, bob.theme, bob.shortcuts) == ("Europe/Berlin", "dark", True)
    page = as_bob.get("/jobs/").content.decode()
    assert 'data-theme="dark"' in page


def test_shortcuts_can_be_switched_off(as_bob: Client, bob: Person) -> None:
    kept = body()
    del kept["shortcuts"]
    as_bob.post(SETTINGS, kept)
    assert 'data-shortcuts="off"' in as_bob.get("/jobs/").content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Nowhere/At_All"), ("time_zone", "../etc/passwd"), ("time_zone", "x" * 500),
        ("time_zone", "a\0b"), ("theme", "pink"), ("name", ""), ("name", "x" * 101),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_marked_and_the_rest_is_kept(
    as_bob: Client, bob: Person, field: str, value: str
) -> None:
    response = as_bob.post(SETTINGS, body(**{field: value}))
    text = response.content.decode()
    assert response.status_code == 422
    assert 'aria-invalid="true"' in text
    assert field in response.context["form"].errors
    assert field == "time_zone" or 'value="Europe/Berlin"' in text
    bob.refresh_from_db()
    assert bob.time_zone == ""


def test_an_empty_form_is_answered_as_a_wrong_one(as_bob: Client) -> None:
    assert as_bob.post(SETTINGS, {}).status_code == 422


def test_nobody_sets_what_is_not_theirs_to_set(as_bob: Client, bob: Person) -> None:
    as_bob.post(SETTINGS, body(email="x@example.com", is_active="", password="x"))
    bob.refresh_from_db()
    assert bob.email == "bob@dispatch.example"
    assert bob.is_active


@pytest.mark.parametrize(
    ("theme", "kept"), [("dark", "dark"), ("light", "light"), ("pink", "system")]
)
def test_a_theme_is_chosen_from_any_page(
    as_bob: Client, bob: Person, theme: str, kept: str
) -> None:
    response = as_bob.post("/account/theme/", {"theme": theme, "next": "/jobs/?view=late"})
    assert response["Location"] == "/jobs/?view=late"
    bob.refresh_from_db()
    assert bob.theme == kept


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\\\evil.example"],
)
def test_choosing_a_theme_leads_nowhere_else(as_bob: Client, target: str) -> None:
    assert as_bob.post("/account/theme/", {"theme": "dark", "next": target})["Location"] == "/"


@pytest.mark.parametrize("target", ["jobs", "job", "nonsense", "0"])
def test_a_target_is_an_address_never_the_name_of_a_view(as_bob: Client, target: str) -> None:
    assert as_bob.post("/account/theme/", {"theme": "dark", "next": target})["Location"] == target
