"""Typing while answers come: every letter is kept, and the list is the last one asked for."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from dispatch.models import Person
from tests import limits
from tests.conftest import MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser

pytestmark = pytest.mark.e2e

PAUSE = 300
"""Milliseconds without a letter after which static/js/filters.js searches."""


@pytest.fixture
def list_page(page: Page, load: Load, make_job: MakeJob) -> Page:
    """Two jobs, on a page whose timers run only when the test lets them."""
    load(make_job("JOB-0001"), make_job("JOB-0002", serviceJobStatus="HOLD"))
    now = dt.datetime.now(dt.UTC)
    page.clock.install(time=now)
    steps.open_jobs(page)
    expect(page.locator("[data-row]")).to_have_count(2)
    page.clock.pause_at(now + dt.timedelta(minutes=3))
    return page


class Answers:
    """The answers to one kind of request, held back until the test lets them through."""

    def __init__(self, page: Page, query: str, swapped: str = "#job-list") -> None:
        self.page, self.swapped = page, swapped
        self.held: list[Route] = []
        page.route(re.compile(rf"/\?.*{query}"), self.hold)

    def hold(self, route: Route) -> None:
        self.held.append(route)

    def asked(self, times: int) -> None:
        """Wait until the page has asked so often."""
        nap = self.page.wait_for_timeout
        limits.wait_until(
            lambda: len(self.held) >= times, f"request {times}", lambda seconds: nap(1000 * seconds)
        )

    def arrive(self, nth: int) -> None:
        """Let one through, and wait until the list has been swapped."""
        before = self.page.locator(self.swapped).element_handle()
        self.held[nth].continue_()
        self.page.wait_for_function("list => !list.isConnected", arg=before)


def search_of(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Search jobs")


def test_letters_typed_while_an_answer_comes_are_searched_for(list_page: Page) -> None:
    page, answers = list_page, Answers(list_page, "q=")
    search_of(page).press_sequentially("JOB")
    page.clock.run_for(PAUSE)
    answers.asked(1)
    search_of(page).press_sequentially("-0002")
    answers.arrive(0)

    page.clock.run_for(PAUSE)
    answers.asked(2)
    answers.arrive(1)
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(search_of(page)).to_have_value("JOB-0002")
    expect(search_of(page)).to_be_focused()


def test_a_search_just_after_a_swap_leaves_the_page_in_place(list_page: Page) -> None:
    page, answers = list_page, Answers(list_page, "q=")
    page.evaluate("document.body.dataset.same = 'yes'")
    search_of(page).press_sequentially("JOB")
    page.clock.run_for(PAUSE)
    answers.asked(1)
    search_of(page).press_sequentially("-0002")
    page.clock.run_for(PAUSE - 10)
    answers.arrive(0)

    page.clock.run_for(15)
    answers.asked(2)
    assert answers.held[1].request.headers.get("hx-request") == "true"
    answers.arrive(1)
    expect(page.locator("body")).to_have_attribute("data-same", "yes")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(search_of(page)).to_be_focused()


@steps.AT_BOTH
def test_a_swap_keeps_what_is_being_typed_into_a_filter(list_page: Page) -> None:
    page, answers = list_page, Answers(list_page, "order=")
    steps.open_filters(page)
    page.locator("#filters summary").filter(has_text=re.compile("^More")).click()
    page.get_by_label("Order id", exact=True).fill("112-4471932-5510622")
    page.keyboard.press("Tab")
    answers.asked(1)
    tracking = page.get_by_label("Tracking id", exact=True)
    tracking.press_sequentially("1Z9")
    answers.arrive(0)

    expect(tracking).to_be_focused()
    tracking.press_sequentially("99")
    expect(tracking).to_have_value("1Z999")
    page.keyboard.press("Enter")
    answers.asked(2)
    assert "tracking=1Z999" in answers.held[-1].request.url


def test_a_day_typed_with_the_keys_is_read_whole(list_page: Page) -> None:
    page, answers = list_page, Answers(list_page, "created_from=")
    page.locator("#filters summary").filter(has_text=re.compile("^Created")).click()
    day = page.get_by_label("Created from", exact=True)
    day.press_sequentially("11242")
    answers.asked(1)
    answers.arrive(0)
    expect(day).to_be_focused()
    page.keyboard.type("026")
    expect(day).to_have_value("2026-11-24")


def test_two_ticks_in_the_log_of_activity_leave_the_page_in_place(
    list_page: Page, open_browser: OpenBrowser, alice: Person
) -> None:
    page = open_browser("desk", person=alice)
    now = dt.datetime.now(dt.UTC)
    page.clock.install(time=now)
    page.goto("/activity/")
    page.locator("#filters summary").filter(has_text=re.compile("^What")).click()
    page.clock.pause_at(now + dt.timedelta(minutes=3))
    answers = Answers(page, "kind=", "#activity-list")
    page.get_by_role("checkbox", name="Logged in", exact=True).check()
    answers.asked(1)
    answers.arrive(0)
    page.get_by_role("checkbox", name="Exported", exact=True).check()
    answers.asked(2)
    assert answers.held[1].request.headers.get("hx-request") == "true"
    answers.arrive(1)
