"""Everything by keyboard alone, and the focus never gets lost."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import Amazon, MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load

pytestmark = pytest.mark.e2e


def tab_to(page: Page, target: Locator, most: int = 60) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{most} presses of Tab did not reach {target}")


def test_keys_search_walk_and_open(page: Page, load: Load, make_job: MakeJob) -> None:
    load(*(make_job(f"JOB-000{n}", serviceOrderId=f"112-000000{n}-0000000") for n in (1, 2, 3)))
    steps.open_jobs(page)
    links = page.locator("[data-row] .row__link")

    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search jobs")
    expect(search).to_be_focused()
    page.keyboard.type("jk")
    expect(search).to_have_value("jk")
    expect(links).to_have_count(0)
    search.fill("")
    expect(links).to_have_count(3)
    search.blur()

    for key, at in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links.nth(at)).to_be_focused()
    wanted = links.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{wanted}$"))


def test_keys_can_be_switched_off(page: Page, load: Load) -> None:
    load()
    steps.open_jobs(page)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    keys.get_by_role("link", name="Switch the keys off").press("Enter")
    page.get_by_label("Keyboard shortcuts", exact=True).uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    steps.open_jobs(page)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search jobs")).not_to_be_focused()


def test_a_job_is_planned_by_keyboard_alone(page: Page, load: Load, amazon: Amazon) -> None:
    load()
    steps.open_job(page)
    opener = page.locator("main").get_by_role("button", name="Add appointment", exact=True)
    tab_to(page, opener)
    page.keyboard.press("Enter")
    form = steps.task(page, "Add appointment")

    # The group of slots is one stop; the arrows choose within it.
    first = form.get_by_role("radio").first
    tab_to(page, first, most=5)
    page.keyboard.press("ArrowDown")
    second = form.get_by_role("radio").nth(1)
    expect(second).to_be_checked()
    chosen = second.get_attribute("value") or ""
    expect(form.get_by_label("Start", exact=True)).to_have_value(chosen[:16])
    tab_to(page, form.get_by_role("button", name="Add appointment", exact=True))
    page.keyboard.press("Enter")

    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    expect(page.locator("#announcer")).to_have_text("Appointment added: accepted.")
    # The button is gone with the deed; the focus is still somewhere on the page.
    expect(page.locator("main h1")).to_be_focused()
    (visit,) = amazon.active("JOB-0001")
    sent = dt.datetime.fromisoformat(visit["appointmentTime"]["startTime"])
    assert sent == dt.datetime.fromisoformat(chosen)
    assert len(amazon.calls(steps.ADD)) == 1


def test_escape_closes_the_dialog_and_gives_the_focus_back(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    steps.open_job(page)
    for name in ("Add appointment", "Cancel job"):
        opener = page.locator("main").get_by_role("button", name=name, exact=True)
        opener.focus()
        page.keyboard.press("Enter")
        form = steps.task(page, name)
        inside = "document.querySelector('#dialog').contains(document.activeElement)"
        assert page.evaluate(inside)
        page.keyboard.press("Escape")
        expect(form).to_be_hidden()
        expect(opener).to_be_focused()
    assert amazon.calls(steps.ADD) == amazon.calls(steps.CANCEL) == []


def test_the_focus_cannot_leave_an_open_dialog(page: Page, load: Load) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Cancel job")
    outside = "element => element !== document.body && !element.closest('#dialog')"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert not page.evaluate(f"({outside})(document.activeElement)")
    expect(form).to_be_visible()


def test_the_focus_returns_to_the_same_button_after_a_swap(
    page: Page, load: Load, amazon: Amazon, make_job: MakeJob
) -> None:
    visit = {
        "appointmentId": "A-1",
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": steps.utc(steps.soon(2)), "durationInMinutes": 60},
    }
    load(make_job(appointments=[visit], serviceJobStatus="NOT_SERVICED"))
    steps.open_job(page)
    form = steps.start(page, "Assign technicians")
    form.get_by_role("checkbox", name=re.compile("Luis")).check()
    steps.send(form, "Assign technicians")
    expect(steps.notice(page)).to_contain_text("Technicians assigned")
    button = page.locator("main").get_by_role("button", name="Assign technicians", exact=True)
    expect(button).to_be_focused()
    assert steps.technicians(amazon.active("JOB-0001")[0]) == ["TECH-LUIS"]


def test_the_first_tab_skips_to_the_content(page: Page, load: Load) -> None:
    load()
    steps.open_jobs(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
