"""A dispatcher's day: find the job, plan it, staff it, move it, close it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dispatch.models import Action, Person, Seller
from tests.conftest import PASSWORD, Amazon, MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser

pytestmark = pytest.mark.e2e


def log_in(page: Page, person: Person) -> None:
    page.goto("/")
    page.get_by_label("Email", exact=True).fill(person.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()


def add_appointment(page: Page, amazon: Amazon) -> None:
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(3))
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    expect(page.locator("#job .panel__figure")).to_contain_text(steps.clock(steps.soon(3)))
    (visit,) = amazon.active("JOB-0001")
    assert visit["appointmentTime"]["startTime"] == steps.utc(steps.soon(3))


def assign_two(page: Page, amazon: Amazon) -> None:
    form = steps.start(page, "Assign technicians")
    people = form.get_by_role("group", name="Technicians", exact=True)
    for name in ("Tom", "Maya"):
        people.get_by_role("checkbox", name=re.compile(name)).check()
    steps.send(form, "Assign technicians")
    expect(steps.notice(page)).to_contain_text("Technicians assigned: accepted.")
    expect(page.locator("#job")).to_contain_text(re.compile(r"Maya, Tom|Tom, Maya"))
    (visit,) = amazon.active("JOB-0001")
    assert steps.technicians(visit) == ["TECH-MAYA", "TECH-TOM"]


def reschedule(page: Page, amazon: Amazon) -> None:
    (old,) = amazon.active("JOB-0001")
    form = steps.start(page, "Reschedule")
    steps.pick(form, steps.soon(4, 17))
    form.get_by_label("Reason", exact=True).select_option("R1")
    steps.send(form, "Reschedule")
    expect(steps.notice(page)).to_contain_text("Rescheduled: accepted.")
    (visit,) = amazon.active("JOB-0001")
    assert visit["appointmentTime"]["startTime"] == steps.utc(steps.soon(4, 17))
    assert visit["appointmentId"] != old["appointmentId"]
    assert steps.technicians(visit) == ["TECH-MAYA", "TECH-TOM"]


def complete(page: Page, amazon: Amazon) -> None:
    send = steps.start(page, "Complete job")
    steps.send(send, "Complete job")
    expect(steps.notice(page)).to_contain_text("Completed: accepted.")
    assert amazon.job("JOB-0001")["serviceJobStatus"] == "COMPLETED"


@steps.AT_BOTH
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_job_goes_from_pending_to_completed(
    open_browser: OpenBrowser,
    screen: str,
    script: bool,
    load: Load,
    amazon: Amazon,
    make_job: MakeJob,
    bob: Person,
) -> None:
    load(make_job("JOB-0001"), make_job("JOB-0002", serviceJobStatus="HOLD"))
    page = open_browser(screen, java_script_enabled=script)

    log_in(page, bob)
    expect(page.locator("[data-row]")).to_have_count(2)
    steps.filter_by(page, "Status", "Pending schedule")
    expect(page.locator("[data-row]")).to_have_count(1)
    steps.close_filters(page)
    steps.row(page, "JOB-0001").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/jobs/JOB-0001/$"))

    add_appointment(page, amazon)
    assign_two(page, amazon)
    reschedule(page, amazon)
    complete(page, amazon)

    made = [len(amazon.calls(name)) for name in (steps.ADD, steps.ASSIGN, steps.RESCHEDULE)]
    assert made == [1, 1, 1]
    assert len(amazon.calls(steps.COMPLETE)) == 1
    history = page.locator(".timeline__item")
    expect(history).to_have_count(4)
    assert set(Action.objects.values_list("state", flat=True)) == {"accepted"}


@steps.AT_BOTH
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_job_is_cancelled_with_a_reason(
    open_browser: OpenBrowser, screen: str, script: bool, load: Load, amazon: Amazon, bob: Person
) -> None:
    load()
    page = open_browser(screen, person=bob, java_script_enabled=script)
    steps.open_job(page)

    form = steps.start(page, "Cancel job")
    expect(form).to_contain_text("may charge a fee")
    steps.send(form, "Cancel job")
    reason = steps.task(page, "Cancel job").get_by_label("Reason", exact=True)
    expect(reason).to_have_attribute("aria-invalid", "true")
    assert amazon.calls(steps.CANCEL) == []

    reason.select_option("V1")
    steps.send(steps.task(page, "Cancel job"), "Cancel job")
    expect(steps.notice(page)).to_contain_text("Cancelled: accepted.")
    expect(page.locator("#job .page-head")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Cancel job", exact=True)).to_have_count(0)
    kept = amazon.job("JOB-0001")
    assert kept["serviceJobStatus"] == "CANCELLED"
    assert kept["_sandbox"]["cancellationCode"] == "V1"
    assert len(amazon.calls(steps.CANCEL)) == 1


def test_refresh_brings_what_amazon_has_changed(
    page: Page, load: Load, amazon: Amazon, make_job: MakeJob
) -> None:
    load()
    steps.open_jobs(page)
    amazon.control("jobs", [make_job("JOB-0009", scopeOfWork={"title": "Tyre fitting"})])
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(steps.row(page, "JOB-0009")).to_contain_text("Tyre fitting")


def test_a_stranger_finds_no_job(
    open_browser: OpenBrowser, load: Load, seller: Seller, charlie: Person
) -> None:
    load()
    page = open_browser("desk", person=charlie)
    steps.open_jobs(page)
    expect(page.locator("[data-row]")).to_have_count(0)
    answer = page.request.get("/jobs/JOB-0001/")
    assert answer.status == 404
