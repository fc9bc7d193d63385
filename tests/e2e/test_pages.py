"""Every page in both themes and at every size: nobody is shut out, nothing leaks or breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from dispatch.models import Person, Seller
from tests.conftest import PASSWORD, MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser, Watch

pytestmark = pytest.mark.e2e

BUYER = ("Jordan", "Sample Street", "555 0142", "5550142", "43017")
ACTIONS = {
    "Add appointment": "/jobs/JOB-0001/add-appointment/",
    "Cancel job": "/jobs/JOB-0001/cancel/",
    "Reschedule": "/jobs/JOB-0002/reschedule/",
    "Assign technicians": "/jobs/JOB-0002/assign/",
    "Complete job": "/jobs/JOB-0002/complete/",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True)
class Place:
    """An address, and what to open there before looking."""

    path: str
    opens: Callable[[Page], object] | None = None
    stranger: bool = False
    status: int = 200


def status_menu(page: Page) -> None:
    steps.open_filters(page)
    page.locator("#filters summary").first.click()


def account_menu(page: Page) -> None:
    page.locator("[popovertarget=account-menu]:visible").click()
    expect(page.locator("#account-menu")).to_be_visible()


def dialog_of(name: str) -> Callable[[Page], object]:
    return lambda page: steps.start(page, name)


def refused(page: Page) -> None:
    form = steps.start(page, "Cancel job")
    steps.send(form, "Cancel job")
    expect(form.get_by_label("Reason", exact=True)).to_have_attribute("aria-invalid", "true")


def done(page: Page) -> None:
    form = steps.start(page, "Assign technicians")
    form.get_by_role("checkbox").first.check()
    steps.send(form, "Assign technicians")
    expect(steps.notice(page)).to_be_visible()


def confirmed(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_role("heading", name="Is it you?")).to_have_count(0)


def unsigned(page: Page) -> None:
    page.get_by_role("button", name="Sign off").evaluate("one => one.form.noValidate = true")
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_text("Keep or remove?").first).to_be_visible()


def link_shown(page: Page) -> None:
    page.get_by_label("E-mail").fill("dana@example.com")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_label("Link of the invitation")).to_be_visible()


def recovery_codes(page: Page) -> None:
    confirmed(page)
    code = code_of(page.get_by_label("Key, if you cannot scan").input_value())
    page.get_by_label("Authenticator code").fill(code)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def code_of(secret: str) -> str:
    """What an authenticator app with this secret shows now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


PLACES = {
    "log in": Place("/account/login/", stranger=True),
    "forgotten password": Place("/account/password/reset/", stranger=True),
    "jobs": Place("/jobs/?view=all"),
    "filter": Place("/jobs/?view=all", status_menu),
    "filters in use": Place("/jobs/?status=HOLD&status=PENDING_SCHEDULE&q=TV"),
    "filters that cannot be read": Place(
        "/jobs/?scheduled_from=2026-11-24&scheduled_to=2026-11-01"
    ),
    "no jobs": Place("/jobs/?q=JOB-7777"),
    "account menu": Place("/jobs/", account_menu),
    "pending job": Place("/jobs/JOB-0001/"),
    "scheduled job": Place("/jobs/JOB-0002/"),
    "late job": Place("/jobs/JOB-0003/"),
    "bare job": Place("/jobs/JOB-0004/"),
    **{
        f"{name} dialog": Place(path.rsplit("/", 2)[0] + "/", dialog_of(name))
        for name, path in ACTIONS.items()
    },
    **{f"{name} page": Place(path) for name, path in ACTIONS.items()},
    "refused": Place("/jobs/JOB-0001/", refused),
    "done": Place("/jobs/JOB-0002/", done),
    "sellers": Place("/sellers/"),
    "connect a seller": Place("/sellers/new/"),
    "seller": Place("/sellers/{seller}/"),
    "edit a seller": Place("/sellers/{seller}/edit/"),
    "people": Place("/people/"),
    "activity": Place("/activity/"),
    "invite a person": Place("/people/invite/"),
    "invitation link": Place("/people/invite/", link_shown),
    "access review": Place("/people/review/{seller}/"),
    "access review, incomplete": Place("/people/review/{seller}/", unsigned),
    "settings": Place("/account/settings/"),
    "password": Place("/account/password/change/"),
    "two-factor": Place("/account/2fa/"),
    "is it you": Place("/account/2fa/totp/activate/"),
    "authenticator app": Place("/account/2fa/totp/activate/", confirmed),
    "add a passkey": Place("/account/2fa/webauthn/add/", confirmed),
    "recovery codes": Place("/account/2fa/totp/activate/", recovery_codes),
    "sessions": Place("/account/sessions/"),
    "log out": Place("/account/logout/"),
    "not found": Place("/jobs/JOB-9999/", status=404),
}


@pytest.fixture
def world(load: Load, make_job: MakeJob) -> None:
    """A job for every look: pending with wishes, scheduled, late, closed, and almost empty."""
    wishes = [{"startTime": steps.utc(steps.soon(2)), "durationInMinutes": 240}]
    load(
        make_job(preferredAppointmentTimes=wishes),
        make_job("JOB-0002", appointments=[visit(3)], serviceJobStatus="NOT_SERVICED"),
        make_job("JOB-0003", appointments=[visit(-1, "Maya")], serviceJobStatus="NOT_SERVICED"),
        {"serviceJobId": "JOB-0004", "createTime": "2026-11-20T15:00:00Z"},
        *(
            make_job(f"JOB-01{number:02}", serviceJobStatus=status)
            for number, status in enumerate(
                ("COMPLETED", "CANCELLED", "HOLD", "NOT_FULFILLABLE", "PAYMENT_DECLINED")
            )
        ),
        # A dialog with two weeks of slots says no more than one with a few.
        slots=[
            {"startTime": steps.utc(steps.soon(day, hour)), "capacity": 0}
            for day in range(15)
            for hour in range(24)
            if day not in (2, 3) or not 14 <= hour <= 17
        ],
    )


def visit(days: int, technician: str = "") -> dict[str, object]:
    who = {"technicianId": f"TECH-{technician.upper()}", "name": technician}
    return {
        "appointmentId": f"A{days}",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": steps.utc(steps.soon(days)), "durationInMinutes": 60},
        **({"assignedTechnicians": [who]} if technician else {}),
    }


def violations(page: Page, rules: list[str]) -> list[str]:
    """What axe finds, in words."""
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, options=options)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def go(page: Page, place: Place, seller: Seller) -> None:
    answer = page.goto(place.path.format(seller=seller.pk))
    assert answer is not None
    assert answer.status == place.status
    if place.opens:
        place.opens(page)


def settle(page: Page) -> None:
    """Past every animation, where colours are only half there, and out from under what sticks."""
    page.evaluate(
        """async () => {
            for (const dialog of document.querySelectorAll("dialog[open]")) {
                dialog.scrollTop = dialog.scrollHeight;
            }
            scrollTo(0, document.documentElement.scrollHeight);
            for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
            await Promise.allSettled(document.getAnimations().map((one) => one.finished));
        }"""
    )


@steps.AT_BOTH
@pytest.mark.parametrize("name", PLACES)
def test_a_page_shuts_nobody_out(
    name: str,
    screen: str,
    open_browser: OpenBrowser,
    world: None,
    alice: Person,
    seller: Seller,
    watch: Watch,
) -> None:
    place = PLACES[name]
    if place.status == 404:
        watch.expect("status of 404")
    who = None if place.stranger else alice
    page = open_browser(screen, person=who, reduced_motion="reduce", color_scheme="light")
    go(page, place, seller)
    check_privacy(page)
    if screen == "phone":
        check_narrow(page)
    watch.check()
    # A theme changes colours and nothing else.
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)
        settle(page)
        with watch.looking_away():
            found = violations(page, rules)
        assert found == [], f"{name}, {scheme}, {screen}"


def check_privacy(page: Page) -> None:
    """Titles and addresses end up in histories and bookmarks: nothing of the buyer is in them."""
    told = f"{page.title()} {page.url}"
    assert not [word for word in BUYER if word in told]


def check_narrow(page: Page) -> None:
    """On the narrowest phone nothing has to be pushed sideways."""
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    wide = """[...document.querySelectorAll("html, body, dialog[open], :popover-open")]
        .filter((one) => one.scrollWidth > Math.min(320, one.clientWidth + 1))
        .map((one) => `${one.localName}#${one.id}: ${one.scrollWidth}`)"""
    assert page.evaluate(wide) == []
    page.set_viewport_size(size or {"width": 390, "height": 844})


def test_a_dark_theme_of_ones_own_beats_the_system(
    open_browser: OpenBrowser, world: None, alice: Person, watch: Watch
) -> None:
    page = open_browser("desk", person=alice, color_scheme="light")
    steps.open_jobs(page)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    account_menu(page)
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    with watch.looking_away():
        assert violations(page, RULES) == []
