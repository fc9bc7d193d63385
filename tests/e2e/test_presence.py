"""A page that is left alone: a warning, then the log-in; a technician's phone is locked."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from dispatch.models import Person, Seller
from dispatch.services.access import people, sessions
from tests.conftest import PASSWORD
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser, Watch
from tests.e2e.test_second_factor import check

pytestmark = pytest.mark.e2e


def age(page: Page, seconds: float) -> None:
    """Nothing has happened in this browser for so long, as its server sees it."""
    key = next(c["value"] for c in page.context.cookies() if c["name"] == "sessionid")
    row = Session.objects.get(session_key=key)
    data = row.get_decoded()
    data["seen"] -= seconds
    Session.objects.filter(pk=key).update(
        session_data=Session.get_session_store_class()().encode(data)
    )


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_page_left_alone_warns_then_leads_to_the_log_in_and_back(
    open_browser: OpenBrowser, bob: Person, seller: Seller, load: Load, watch: Watch
) -> None:
    watch.expect("status of 401")
    load()
    page = open_browser("desk", person=bob)
    page.clock.install()
    page.goto("/jobs/?view=all")
    heading(page, "Jobs")
    age(page, 14.5 * 60)
    page.clock.fast_forward("14:20")
    expect(page.get_by_text("Are you still there?")).to_be_visible()
    age(page, 60)
    page.clock.fast_forward("01:00")
    heading(page, "Log in")
    expect(page.get_by_text("nothing happened for 15 minutes").first).to_be_visible()
    check(page, watch)
    page.get_by_label("Email").fill(bob.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/jobs/\?view=all$"))


def test_a_touch_after_the_warning_keeps_one_logged_in(
    open_browser: OpenBrowser, bob: Person, seller: Seller, load: Load
) -> None:
    load()
    page = open_browser("desk", person=bob)
    page.clock.install()
    page.goto("/jobs/?view=all")
    age(page, 14.5 * 60)
    page.clock.fast_forward("14:20")
    expect(page.get_by_text("Are you still there?")).to_be_visible()
    with page.expect_response("**/account/presence/") as answered:
        page.keyboard.press("Shift")
    assert answered.value.status == 204
    assert int(answered.value.headers["x-left"]) > 890


@pytest.mark.parametrize("ended", ["owner", "removed"])
def test_a_session_that_is_ended_leaves_no_half_page(
    open_browser: OpenBrowser, bob: Person, seller: Seller, load: Load, watch: Watch, ended: str
) -> None:
    watch.expect("status of 401")
    load()
    page = open_browser("desk", person=bob)
    page.goto("/jobs/?view=all")
    heading(page, "Jobs")
    if ended == "owner":
        sessions.end(person=bob, why=sessions.EndReason.BY_AN_OWNER)
    else:
        people.remove(membership=bob.memberships.get())
    page.get_by_role("searchbox").first.fill("TV")
    heading(page, "Log in")
    expect(page.get_by_text("Your session has ended.").first).to_be_visible()
    expect(page.locator("#job-list")).to_have_count(0)


def test_a_form_sent_too_late_says_that_it_was_not_carried_out(
    open_browser: OpenBrowser, bob: Person, seller: Seller, load: Load, watch: Watch
) -> None:
    watch.expect("status of 401")
    load()
    page = open_browser("desk", person=bob)
    steps.open_job(page)
    form = steps.start(page, "Cancel job")
    form.get_by_label("Reason", exact=True).select_option(index=1)
    age(page, 16 * 60)
    steps.send(form, "Cancel job")
    heading(page, "Log in")
    expect(page.get_by_text("What you sent did not go through").first).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_a_technician_s_phone_locks_and_opens_where_it_was(
    open_browser: OpenBrowser, tom: Person, seller: Seller, watch: Watch, script: bool
) -> None:
    watch.expect("status of 401")
    page = open_browser("phone", person=tom, java_script_enabled=script)
    if script:
        page.clock.install()
    page.goto("/jobs/?view=today")
    heading(page, "Jobs")
    age(page, 6 * 60)
    if script:
        page.clock.fast_forward("05:10")
    else:
        page.reload()
    heading(page, "Locked")
    if script:
        check(page, watch)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    heading(page, "Jobs")
    assert page.url.endswith("/jobs/?view=today")
