"""Slots: only those with room, in order, and only when somebody asks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Seller, ServiceJob
from dispatch.services.amazon import slots
from dispatch.services.mirror import one_job
from dispatch.spapi import SellingApiException
from tests.conftest import Amazon, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    amazon.scenario(make_job())
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def tomorrow(hour: int) -> dt.datetime:
    day = timezone.now().date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def test_slots_come_in_order_with_the_number_left(job: ServiceJob) -> None:
    found = slots.for_job(job, since=timezone.now())
    assert [slot.start for slot in found] == sorted(slot.start for slot in found)
    assert found[0].capacity == 20
    assert found[0].end - found[0].start == dt.timedelta(hours=1)


def test_they_reach_two_weeks_and_begin_later_than_asked(job: ServiceJob) -> None:
    now = timezone.now()
    found = slots.for_job(job, since=now)
    assert now < found[0].start <= now + dt.timedelta(hours=1)
    assert now + slots.REACH - dt.timedelta(hours=3) < found[-1].start < now + slots.REACH


def test_a_full_slot_is_left_out(job: ServiceJob, amazon: Amazon) -> None:
    full, last = tomorrow(10), tomorrow(11)
    amazon.control("slots", {"startTime": full.isoformat(), "capacity": 0})
    amazon.control("slots", {"startTime": last.isoformat(), "capacity": 1})
    found = {slot.start: slot.capacity for slot in slots.for_job(job, since=timezone.now())}
    assert full not in found
    assert found[last] == 1


def test_a_slot_that_has_begun_is_left_out(job: ServiceJob) -> None:
    since = tomorrow(10)
    assert slots.for_job(job, since=since)[0].start == tomorrow(11)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 500},
        {"kind": "drop"},
        {"kind": "html", "status": 200},
        {"kind": "empty", "status": 200},
    ],
)
def test_a_fault_is_one_of_amazons(
    job: ServiceJob, amazon: Amazon, impatient: None, fault: dict[str, Any]
) -> None:
    amazon.faults({"operation": "getAppointmmentSlotsByJobId", "times": None, **fault})
    with pytest.raises(SellingApiException):
        slots.for_job(job, since=timezone.now())


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"appointmentSlots": None},
        {"appointmentSlots": [None, 1, {}, {"startTime": "x", "capacity": 1}]},
        {"appointmentSlots": [{"startTime": "2026-11-25T10:00:00Z", "capacity": "many"}]},
        {"appointmentSlots": [{"startTime": "2026-11-25T10:00:00Z"}]},
    ],
)
def test_a_report_of_another_shape_has_no_slots(raw: dict[str, Any]) -> None:
    report = slots._Report.model_validate(raw)
    assert not [slot for slot in report.appointment_slots if slot.start_time and slot.capacity]
