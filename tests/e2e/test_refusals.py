"""What Amazon refuses, warns of or leaves unanswered is said, and nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from dispatch.models import Action
from tests.conftest import Amazon, MakeJob
from tests.e2e import steps
from tests.e2e.conftest import Load

pytestmark = pytest.mark.e2e

NOT_CONFIRMED = "Not confirmed yet — we are checking"


@steps.AT_BOTH
def test_a_slot_taken_meanwhile_is_refused_in_the_form(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    amazon.control("slots", {"startTime": steps.utc(steps.soon(2)), "capacity": 0})
    steps.send(form, "Add appointment")

    field = form.get_by_label("Start", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value(steps.local(steps.soon(2)))
    expect(field).to_have_accessible_description(re.compile("slot is not available"))
    expect(form.get_by_role("alert")).to_contain_text("slot is not available")
    expect(page.locator("#dialog")).to_be_visible()
    assert amazon.active("JOB-0001") == []

    steps.pick(form, steps.soon(2, 18))
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    expect(page.locator("#dialog")).to_be_hidden()
    (visit,) = amazon.active("JOB-0001")
    assert visit["appointmentTime"]["startTime"] == steps.utc(steps.soon(2, 18))
    assert [call["status"] for call in amazon.calls(steps.ADD)] == [422, 200]


def test_a_reason_amazon_does_not_know_keeps_the_time_and_the_reason(
    page: Page, load: Load, amazon: Amazon, make_job: MakeJob
) -> None:
    load(make_job(appointments=[visit()], serviceJobStatus="NOT_SERVICED"))
    steps.open_job(page)
    form = steps.start(page, "Reschedule")
    steps.pick(form, steps.soon(5))
    form.get_by_text("Another code", exact=True).first.click()
    form.get_by_label("Another code", exact=True).fill("NO_SUCH")
    steps.send(form, "Reschedule")

    expect(form.get_by_role("alert").first).to_contain_text("NO_SUCH")
    expect(form.get_by_label("Start", exact=True)).to_have_value(steps.local(steps.soon(5)))
    expect(form.get_by_label("Another code", exact=True)).to_have_value("NO_SUCH")
    (kept,) = amazon.active("JOB-0001")
    assert kept["appointmentId"] == "A-1"


def test_a_mistake_is_marked_without_asking_amazon(page: Page, load: Load, amazon: Amazon) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.send(form, "Add appointment")
    field = form.get_by_label("Start", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(form).to_contain_text("Pick a slot or enter a time.")
    assert amazon.calls(steps.ADD) == []


@steps.AT_BOTH
def test_technicians_taken_off_by_a_reschedule_are_named(
    page: Page, load: Load, amazon: Amazon, make_job: MakeJob
) -> None:
    busy = visit("A-9", days=4, technician="Tom")
    load(
        make_job(appointments=[visit(technician="Tom")], serviceJobStatus="NOT_SERVICED"),
        make_job("JOB-0002", appointments=[busy], serviceJobStatus="NOT_SERVICED"),
    )
    steps.open_job(page)
    form = steps.start(page, "Reschedule")
    steps.pick(form, steps.soon(4))
    form.get_by_label("Reason", exact=True).select_option("R1")
    steps.send(form, "Reschedule")

    expect(steps.notice(page)).to_contain_text("Rescheduled: accepted, with warning: ")
    expect(steps.notice(page)).to_contain_text("Unassigned resources : TECH-TOM")
    expect(page.locator("#job")).to_contain_text("Nobody assigned")
    (moved,) = amazon.active("JOB-0001")
    assert steps.technicians(moved) == []


def test_an_overbooked_technician_is_warned_of_and_assigned(
    page: Page, load: Load, amazon: Amazon, make_job: MakeJob
) -> None:
    job = make_job(appointments=[visit()], serviceJobStatus="NOT_SERVICED")
    load(job, overbookedResourceIds=["TECH-MAYA"])
    steps.open_job(page)
    form = steps.start(page, "Assign technicians")
    form.get_by_role("checkbox", name=re.compile("Maya")).check()
    steps.send(form, "Assign technicians")

    expect(steps.notice(page)).to_contain_text("Technicians assigned: accepted, with warning: ")
    expect(steps.notice(page)).to_contain_text("overbooked")
    (kept,) = amazon.active("JOB-0001")
    assert steps.technicians(kept) == ["TECH-MAYA"]


@steps.AT_BOTH
def test_a_lost_answer_ends_accepted_with_one_appointment(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    amazon.faults({"operation": steps.ADD, "kind": "drop_after_commit", "times": 1})
    steps.send(form, "Add appointment")

    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    assert len(amazon.active("JOB-0001")) == 1
    assert len(amazon.calls(steps.ADD)) == 1


@steps.AT_BOTH
def test_an_answer_nobody_has_is_not_called_a_success(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    amazon.faults({"operation": steps.ADD, "kind": "drop", "times": 1})
    steps.send(form, "Add appointment")

    expect(steps.notice(page)).to_contain_text(NOT_CONFIRMED)
    expect(page.locator(".timeline__item").first).to_contain_text("not confirmed yet")
    assert amazon.active("JOB-0001") == []
    # One attempt, cut before the work, and no second one behind the person's back.
    assert [call["status"] for call in amazon.calls(steps.ADD)] == [0]
    assert Action.objects.get().state == Action.State.UNKNOWN


def test_slots_that_cannot_be_read_leave_the_time_to_be_typed(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    amazon.faults({"operation": steps.SLOTS, "kind": "status", "status": 403, "times": None})
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    expect(form).to_contain_text("Amazon’s slots could not be read.")
    form.get_by_label("Start", exact=True).fill(steps.local(steps.soon(2)))
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    (kept,) = amazon.active("JOB-0001")
    assert kept["appointmentTime"]["startTime"] == steps.utc(steps.soon(2))


def test_a_time_outside_the_slots_is_warned_of(page: Page, load: Load, amazon: Amazon) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    warning = form.get_by_text("This is not one of Amazon’s slots.")
    expect(warning).to_be_hidden()
    odd = steps.soon(2).replace(minute=20)
    form.get_by_label("Start", exact=True).fill(steps.local(odd))
    expect(warning).to_be_visible()
    form.get_by_label("Start", exact=True).fill(steps.local(steps.soon(2)))
    expect(warning).to_be_hidden()
    expect(steps.slot(form, steps.soon(2))).to_be_checked()
    assert amazon.calls(steps.ADD) == []


def visit(appointment_id: str = "A-1", *, days: int = 2, technician: str = "") -> dict[str, object]:
    """An active appointment as Amazon shows it."""
    who = {"technicianId": f"TECH-{technician.upper()}", "name": technician}
    return {
        "appointmentId": appointment_id,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": steps.utc(steps.soon(days)), "durationInMinutes": 60},
        **({"assignedTechnicians": [who]} if technician else {}),
    }
