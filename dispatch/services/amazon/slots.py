"""Asks Amazon which times it would accept, when a person is about to choose one.

Source: operations ``getAppointmmentSlotsByJobId`` (the model's spelling) and
``getAppointmentSlots``, definition ``AppointmentSlotReport``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from dispatch.models import Seller, ServiceJob
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.definition import Definition, Moment, Text, Whole, only_objects
from dispatch.spapi import ApiResponse

REACH = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Slot:
    """A window with room: aware UTC times, and how many jobs still fit in."""

    start: dt.datetime
    end: dt.datetime
    capacity: int


class _Slot(Definition):
    start_time: Moment = None
    end_time: Moment = None
    capacity: Whole = None


class _Report(Definition):
    scheduling_type: Text = None
    appointment_slots: Annotated[list[_Slot], BeforeValidator(only_objects)] = []


def for_job(job: ServiceJob, *, since: dt.datetime) -> list[Slot]:
    """Return slots with room for a job over the next `REACH`, in order.

    Amazon returns full windows too: those are left out. Raises one of `client.FAULTS`.
    """
    with connect(job.seller, interactive=True) as client:
        response = client.get_appointmment_slots_by_job_id(
            job.service_job_id, startTime=since, endTime=since + REACH
        )
    return _with_room(response, since)


def for_service(seller: Seller, *, asin: str, store_id: str, since: dt.datetime) -> list[Slot]:
    """Return slots with room for a service before there is a job, by its ASIN and store.

    They reach over the next `REACH`, in order. Raises one of `client.FAULTS`.
    """
    with connect(seller, interactive=True) as client:
        response = client.get_appointment_slots(
            asin=asin, storeId=store_id, startTime=since, endTime=since + REACH
        )
    return _with_room(response, since)


def _with_room(response: ApiResponse, since: dt.datetime) -> list[Slot]:
    report = _Report.model_validate(response.payload or {})
    slots = [
        Slot(slot.start_time, slot.end_time or slot.start_time, slot.capacity)
        for slot in report.appointment_slots
        if slot.start_time and slot.capacity and slot.start_time > since
    ]
    return sorted(slots, key=lambda slot: slot.start)
