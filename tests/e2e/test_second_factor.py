"""Passkeys, codes and invitations in a real browser, with a virtual authenticator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dispatch.models import Membership, Person, Seller
from dispatch.selectors.people import second_factors
from dispatch.services.access.invitations import invite
from tests.conftest import PASSWORD
from tests.e2e import steps
from tests.e2e.conftest import OpenBrowser, Watch
from tests.e2e.test_pages import RULES, check_narrow, code_of, settle, violations

pytestmark = pytest.mark.e2e
GOOD = "Quiet-Harbour-41"


@pytest.fixture(autouse=True)
def required(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


Device = Callable[[Page], None]


@pytest.fixture
def device() -> Device:
    """Gives a page's browser an authenticator that says yes, as a fingerprint would."""

    def give(page: Page) -> None:
        browser = page.context.new_cdp_session(page)
        browser.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    return give


def log_in(page: Page, person: Person) -> None:
    page.goto("/account/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def check(page: Page, watch: Watch) -> None:
    """Nobody is shut out, in either theme."""
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        settle(page)
        with watch.looking_away():
            assert violations(page, rules) == []
    page.emulate_media(color_scheme="light")


@steps.AT_BOTH
def test_a_passkey_is_made_and_opens_alone_and_after_the_password(
    screen: str,
    open_browser: OpenBrowser,
    bob: Person,
    seller: Seller,
    device: Device,
    watch: Watch,
) -> None:
    page = open_browser(screen)
    device(page)
    log_in(page, bob)
    heading(page, "Set up a second factor")
    check(page, watch)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work phone")
    page.get_by_role("button", name="Make the passkey").click()
    heading(page, "Recovery codes")
    expect(page.locator(".codes li")).to_have_count(10)
    check(page, watch)
    page.get_by_role("link", name="I have kept them").click()
    heading(page, "Jobs")
    assert second_factors([bob.pk]) == {bob.pk: "Passkey"}

    log_out(page)
    page.get_by_role("button", name="Log in with a passkey").click()
    heading(page, "Jobs")

    log_out(page)
    log_in(page, bob)
    heading(page, "Your second factor")
    check(page, watch)
    page.get_by_role("button", name="Use a passkey").click()
    heading(page, "Jobs")

    page.goto("/account/2fa/")
    expect(page.get_by_text("Work phone")).to_be_visible()
    page.get_by_role("link", name="Rename Work phone").click()
    heading(page, "Rename the passkey")
    check(page, watch)
    page.get_by_label("Name").fill("Old phone")
    page.get_by_role("button", name="Save").click()
    heading(page, "Passkeys")
    page.goto("/account/2fa/")
    page.get_by_role("link", name="Remove Old phone").click()
    heading(page, "Remove Old phone?")
    check(page, watch)
    page.get_by_role("button", name="Remove", exact=True).click()
    heading(page, "Passkeys")
    page.goto("/jobs/")
    heading(page, "Set up a second factor")
    expect(page.get_by_role("button", name="Later")).to_have_count(0)


def test_a_passkey_that_is_not_used_is_said_in_words(
    open_browser: OpenBrowser, bob: Person, seller: Seller
) -> None:
    page = open_browser("desk")
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
               "hasUserVerification": True, "isUserVerified": False}  # fmt: skip
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/account/login/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="No passkey was used")).to_be_visible()
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_enabled()


@pytest.mark.parametrize("script", [True, False])
def test_an_authenticator_app_with_and_without_script(
    open_browser: OpenBrowser, bob: Person, seller: Seller, script: bool
) -> None:
    page = open_browser("phone", java_script_enabled=script)
    log_in(page, bob)
    page.get_by_role("link", name="Set up an authenticator app").click()
    secret = page.get_by_label("Key, if you cannot scan").input_value()
    page.get_by_label("Authenticator code").fill("000000")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("This did not work.")).to_be_visible()
    assert page.get_by_label("Key, if you cannot scan").input_value() == secret
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Switch on").click()
    heading(page, "Recovery codes")
    recovery = page.locator(".codes li").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    log_out(page)
    log_in(page, bob)
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Log in", exact=True).click()
    heading(page, "Jobs")


def test_later_works_once(open_browser: OpenBrowser, bob: Person, seller: Seller) -> None:
    page = open_browser("desk")
    log_in(page, bob)
    page.get_by_role("button", name="Later").click()
    heading(page, "Jobs")
    log_out(page)
    log_in(page, bob)
    heading(page, "Set up a second factor")
    expect(page.get_by_role("button", name="Later")).to_have_count(0)
    page.goto("/jobs/")
    heading(page, "Set up a second factor")


@steps.AT_BOTH
def test_an_invited_person_joins_by_keyboard(
    screen: str, open_browser: OpenBrowser, seller: Seller, watch: Watch
) -> None:
    role = Membership.Role.TECHNICIAN
    made = invite(email="dana@example.com", seller=seller, role=role, by=seller.owner)
    page = open_browser(screen)
    page.goto(f"/account/invitation/{made.token}/")
    heading(page, "Join Northlight US")
    assert made.token not in page.url
    check(page, watch)
    check_narrow(page)
    page.get_by_label("Your name").focus()
    for words in ("Dana", "too short", "too short"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Your name")).to_have_value("Dana")
    check(page, watch)
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("The same password again").fill(GOOD)
    page.get_by_role("button", name="Make my account").click()
    heading(page, "Set up a second factor")


def test_a_used_link_is_said_in_words(
    open_browser: OpenBrowser, seller: Seller, watch: Watch
) -> None:
    watch.expect("status of 404")
    page = open_browser("desk")
    page.goto("/account/invitation/nonsense/")
    heading(page, "This link no longer works")
    check(page, watch)
