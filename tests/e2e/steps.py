"""What a person does, by the names a person sees; the same with and without JavaScript."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

AT_BOTH = pytest.mark.parametrize("screen", ["desk", "phone"])
NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
"""The zone of Dublin, Ohio, where the cast's jobs are."""
ADD = "addAppointmentForServiceJobByServiceJobId"
RESCHEDULE = "rescheduleAppointmentForServiceJobByServiceJobId"
ASSIGN = "assignAppointmentResources"
CANCEL = "cancelServiceJobByServiceJobId"
COMPLETE = "completeServiceJobByServiceJobId"
SLOTS = "getAppointmmentSlotsByJobId"


def soon(days: int, hour: int = 15) -> dt.datetime:
    """A full hour of UTC some days ahead: in a scenario every one is a slot."""
    day = timezone.now() + dt.timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def utc(moment: dt.datetime) -> str:
    """As Amazon writes it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(moment: dt.datetime) -> str:
    """As the field Start holds it."""
    return moment.astimezone(NEW_YORK).strftime("%Y-%m-%dT%H:%M")


def clock(moment: dt.datetime) -> str:
    """As a page shows it: "9:00"."""
    here = moment.astimezone(NEW_YORK)
    return f"{here.hour}:{here.minute:02}"


def open_jobs(page: Page) -> None:
    page.goto("/jobs/")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def open_job(page: Page, service_job_id: str = "JOB-0001") -> None:
    page.goto(f"/jobs/{service_job_id}/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def open_filters(page: Page) -> None:
    """On a phone the filters are a sheet of their own."""
    button = page.get_by_role("button", name="Filter", exact=True)
    if button.is_visible() and not page.locator("#filters").is_visible():
        button.click()


def close_filters(page: Page) -> None:
    done = page.get_by_role("button", name="Done", exact=True)
    if done.is_visible():
        done.click()


def filter_by(page: Page, chip: str, choice: str) -> None:
    """Tick one choice of a chip; without JavaScript it has to be applied."""
    open_filters(page)
    page.locator("#filters summary").filter(has_text=re.compile(rf"^{chip}\b")).click()
    page.get_by_role("checkbox", name=choice, exact=True).check()
    apply = page.get_by_role("button", name="Apply", exact=True)
    if apply.is_visible():
        apply.click()


def row(page: Page, service_job_id: str) -> Locator:
    return page.get_by_role("row").filter(has_text=service_job_id)


def start(page: Page, name: str) -> Locator:
    """Press an action's button; the form it opens, in the dialog or on its own page."""
    page.locator("main").get_by_role("button", name=name, exact=True).click()
    return task(page, name)


def task(page: Page, name: str) -> Locator:
    form = page.locator("form[data-once]").filter(
        has=page.get_by_role("heading", name=name, exact=True)
    )
    expect(form).to_be_visible()
    return form


def slot(form: Locator, moment: dt.datetime) -> Locator:
    here = moment.astimezone(NEW_YORK)
    day = form.get_by_role("group", name=f"{here:%A} {here.day} {here:%B}", exact=True)
    return day.get_by_role("radio", name=re.compile(rf"^{clock(moment)}\b"))


def pick(form: Locator, moment: dt.datetime) -> None:
    """Choose one of Amazon's slots by pressing on it."""
    slot(form, moment).locator("xpath=ancestor::label").click()
    expect(slot(form, moment)).to_be_checked()


def send(form: Locator, name: str) -> None:
    form.get_by_role("button", name=name, exact=True).click()


def notice(page: Page) -> Locator:
    """What Amazon said of the last action."""
    return page.locator("#job-notices .notice")


def technicians(visit: dict[str, object]) -> list[str]:
    listed = visit.get("assignedTechnicians") or []
    assert isinstance(listed, list)
    return sorted(one["technicianId"] for one in listed)
