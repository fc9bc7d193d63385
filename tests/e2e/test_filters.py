"""Filtering: the address holds it all, the list swaps under an unmoved focus."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load

pytestmark = pytest.mark.e2e


@pytest.fixture
def three(load: Load, make_job: MakeJob) -> None:
    """One pending, one on hold, one done."""
    load(
        make_job("JOB-0001"),
        make_job("JOB-0002", serviceJobStatus="HOLD"),
        make_job("JOB-0003", serviceJobStatus="COMPLETED", serviceOrderId="112-9999999-9999999"),
    )


def expect_ids(page: Page, *wanted: str) -> None:
    """Wait until the list shows these jobs and no others, in any order."""
    shown = page.locator("[data-row] code")
    expect(shown).to_have_count(len(wanted))
    for one in wanted:
        expect(shown.filter(has_text=one)).to_have_count(1)


@steps.AT_BOTH
def test_the_address_holds_the_filter_and_back_restores_it(page: Page, three: None) -> None:
    steps.open_jobs(page)
    expect(page.locator("[data-row]")).to_have_count(2)

    steps.filter_by(page, "Status", "Hold")
    expect(page).to_have_url(re.compile(r"[?&]status=HOLD\b"))
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("checkbox", name="Completed", exact=True).check()
    expect(page).to_have_url(re.compile(r"status=HOLD&status=COMPLETED"))
    expect(page.locator("[data-row]")).to_have_count(2)
    held = page.url

    page.go_back()
    expect_ids(page, "JOB-0002")
    page.go_back()
    expect_ids(page, "JOB-0001", "JOB-0002")
    page.go_forward()
    expect(page.locator("[data-row]")).to_have_count(1)

    # Somebody else's browser shows the same from the address alone.
    page.goto(held)
    expect_ids(page, "JOB-0002", "JOB-0003")


@steps.AT_BOTH
def test_a_swap_keeps_the_focus_and_is_announced(page: Page, three: None) -> None:
    steps.open_jobs(page)
    steps.filter_by(page, "Status", "Hold")
    expect(page.locator("#announcer")).to_have_text("1 job")
    box = page.get_by_role("checkbox", name="Hold", exact=True)
    expect(box).to_be_visible()
    expect(box).to_be_focused()
    expect(page.locator("[data-count]")).to_have_text("1 job")

    page.get_by_role("checkbox", name="Pending schedule", exact=True).check()
    expect(page.locator("#announcer")).to_have_text("2 jobs")
    expect(page.get_by_role("checkbox", name="Pending schedule", exact=True)).to_be_focused()


def test_a_swap_keeps_the_focus_on_the_row(page: Page, three: None) -> None:
    steps.open_jobs(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    link = page.locator("[data-row] .row__link").nth(1)
    expect(link).to_be_focused()
    before = link.evaluate_handle("link => link")
    with page.expect_response(lambda answer: "/jobs/" in answer.url):
        page.evaluate("document.getElementById('filters').requestSubmit()")
    page.wait_for_function("link => !link.isConnected", arg=before)
    expect(link).to_be_focused()


def test_typing_searches_without_losing_a_letter(page: Page, three: None) -> None:
    steps.open_jobs(page)
    search = page.get_by_role("searchbox", name="Search jobs")
    search.press_sequentially("JOB-0002", delay=60)
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(search).to_have_value("JOB-0002")
    expect(search).to_be_focused()
    expect_ids(page, "JOB-0002")


@steps.AT_BOTH
def test_a_chip_is_cleared(page: Page, three: None) -> None:
    page.goto("/jobs/?status=HOLD&scheduled_from=")
    expect(page.locator("[data-row]")).to_have_count(1)
    steps.open_filters(page)
    chip = page.locator("#filters summary").filter(has_text="Status: Hold")
    expect(chip).to_be_visible()
    page.get_by_role("link", name="Remove the filter Status").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page).not_to_have_url(re.compile("status="))
    expect(page.get_by_role("link", name="Remove the filter Status")).to_have_count(0)


def test_quick_views_and_sorting_are_addresses_too(page: Page, three: None) -> None:
    steps.open_jobs(page)
    views = page.get_by_role("navigation", name="Views")
    views.get_by_role("link", name=re.compile("^Done")).click()
    expect(page).to_have_url(re.compile("view=done"))
    expect_ids(page, "JOB-0003")
    expect(views.locator("[aria-current=page]")).to_contain_text("Done")

    page.get_by_role("columnheader", name="Job", exact=True).get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort=job"))
    header = page.get_by_role("columnheader", name="Job", exact=True)
    expect(header).to_have_attribute("aria-sort", "ascending")


def test_filters_that_cannot_be_read_show_no_jobs_and_say_why(page: Page, three: None) -> None:
    page.goto("/jobs/?scheduled_from=2026-11-24&scheduled_to=2026-11-01")
    expect(page.get_by_role("alert").first).to_contain_text("The end is before the beginning.")
    expect(page.locator("[data-row]")).to_have_count(0)


def test_a_view_is_saved_and_used(page: Page, three: None) -> None:
    page.goto("/jobs/?status=HOLD")
    page.get_by_text("Save view", exact=True).click()
    page.get_by_label("Name", exact=True).fill("On hold")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="On hold")).to_be_visible()
    page.goto("/jobs/")
    page.get_by_role("link", name="On hold").click()
    expect(page).to_have_url(re.compile("status=HOLD"))
    expect_ids(page, "JOB-0002")
