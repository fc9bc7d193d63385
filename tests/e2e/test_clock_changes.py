"""The nights the clocks change: shown where the job is, sent in UTC.

In New York the clocks go back on 2026-11-01 at 2:00 (06:00 UTC) and forward on 2027-03-14 at 2:00
(07:00 UTC).
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator

import pytest
import time_machine
from playwright.sync_api import Page, expect

from dispatch.models import Person
from tests.conftest import Amazon
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser

pytestmark = pytest.mark.e2e

BACK = dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC)
FORWARD = dt.datetime(2027, 3, 14, 7, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)

OpenAt = Callable[[dt.datetime], Page]


@pytest.fixture
def open_at(load: Load, open_browser: OpenBrowser, bob: Person) -> Iterator[OpenAt]:
    """Opens the job's page at a moment, which is Amazon's too."""
    journeys = contextlib.ExitStack()

    def go(moment: dt.datetime) -> Page:
        journeys.enter_context(time_machine.travel(moment))
        load()
        page = open_browser("desk", person=bob)
        steps.open_job(page)
        return page

    with journeys:
        yield go


def add(page: Page, moment: dt.datetime) -> None:
    form = steps.start(page, "Add appointment")
    steps.pick(form, moment)
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")


def sent(amazon: Amazon) -> str:
    (visit,) = amazon.active("JOB-0001")
    return str(visit["appointmentTime"]["startTime"])


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        pytest.param(BACK - 2 * HOUR, "Sun 1 Nov 0:00–1:00 EDT", id="before the clocks go back"),
        pytest.param(BACK + HOUR, "Sun 1 Nov 2:00–3:00 EST", id="after they went back"),
        pytest.param(BACK + 9 * HOUR, "Sun 1 Nov 10:00–11:00 EST", id="the same morning"),
        pytest.param(FORWARD - HOUR, "Sun 14 Mar 1:00–3:00 EST–EDT", id="before they go forward"),
        pytest.param(FORWARD, "Sun 14 Mar 3:00–4:00 EDT", id="after they went forward"),
        pytest.param(
            FORWARD + 6 * HOUR, "Sun 14 Mar 9:00–10:00 EDT", id="the same morning in March"
        ),
    ],
)
def test_a_slot_is_shown_at_the_job_and_sent_in_utc(
    open_at: OpenAt, amazon: Amazon, moment: dt.datetime, shown: str
) -> None:
    page = open_at(moment - dt.timedelta(days=2, hours=3))
    add(page, moment)
    assert sent(amazon) == steps.utc(moment)
    expect(page.locator(".panel__figure time")).to_have_text(shown)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        pytest.param(BACK - HOUR, "1:00–1:00 EDT–EST", id="first"),
        pytest.param(BACK, "1:00–2:00 EST", id="second"),
    ],
)
def test_the_hour_that_comes_twice_is_sent_as_it_was_picked(
    open_at: OpenAt, amazon: Amazon, moment: dt.datetime, shown: str
) -> None:
    page = open_at(BACK - dt.timedelta(days=2))
    form = steps.start(page, "Add appointment")
    sunday = form.get_by_role("group", name="Sunday 1 November", exact=True)
    slot = sunday.get_by_role("radio", name=f"{shown} 20 left", exact=True)
    slot.locator("xpath=ancestor::label").click()
    expect(slot).to_be_checked()
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    assert sent(amazon) == steps.utc(moment)
    expect(page.locator(".panel__figure time")).to_have_text(f"Sun 1 Nov {shown}")


def test_an_hour_that_does_not_exist_is_refused_with_the_reason(
    open_at: OpenAt, amazon: Amazon
) -> None:
    page = open_at(FORWARD - dt.timedelta(days=2))
    form = steps.start(page, "Add appointment")
    form.get_by_label("Start", exact=True).fill("2027-03-14T02:30")
    steps.send(form, "Add appointment")
    expect(form).to_contain_text("This time does not exist at the job: the clocks go forward then.")
    expect(form.get_by_label("Start", exact=True)).to_have_value("2027-03-14T02:30")
    assert amazon.calls(steps.ADD) == []


def test_a_job_moves_across_the_change_by_the_clock_on_its_wall(
    open_at: OpenAt, amazon: Amazon
) -> None:
    before, after = BACK - dt.timedelta(hours=16), BACK + 9 * HOUR
    page = open_at(BACK - dt.timedelta(days=3))
    add(page, before)
    expect(page.locator(".panel__figure time")).to_have_text("Sat 31 Oct 10:00–11:00 EDT")
    form = steps.start(page, "Reschedule")
    steps.pick(form, after)
    form.get_by_label("Reason", exact=True).select_option("R1")
    steps.send(form, "Reschedule")
    expect(page.locator(".panel__figure time")).to_have_text("Sun 1 Nov 10:00–11:00 EST")
    assert sent(amazon) == steps.utc(after)
