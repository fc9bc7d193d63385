"""How much of a technician's time is free, taken or scheduled, as Amazon counts it.

Source: operations ``getRangeSlotCapacity`` and ``getFixedSlotCapacity``, definitions
``RangeSlotCapacity`` and ``FixedSlotCapacity`` of Amazon's model.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from dispatch.models import Seller
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.definition import Definition, Moment, Text, Whole, only_objects
from dispatch.spapi import ApiResponse
from dispatch.spapi.pages import pages


class CapacityType(StrEnum):
    """What is counted: Amazon's definition ``CapacityType``."""

    SCHEDULED = "SCHEDULED_CAPACITY"
    AVAILABLE = "AVAILABLE_CAPACITY"
    ENCUMBERED = "ENCUMBERED_CAPACITY"
    RESERVED = "RESERVED_CAPACITY"


@dataclass(frozen=True, slots=True)
class Span:
    """How many jobs a resource can serve, by one count, between two aware moments."""

    kind: CapacityType
    start: dt.datetime
    end: dt.datetime
    capacity: int


class _Slot(Definition):
    start_date_time: Moment = None
    end_date_time: Moment = None
    capacity: Whole = None


class _Capacity(Definition):
    capacity_type: Text = None
    slots: Annotated[list[_Slot], BeforeValidator(only_objects)] = []


class _RangeReport(Definition):
    capacities: Annotated[list[_Capacity], BeforeValidator(only_objects)] = []


class _FixedSlot(Definition):
    start_date_time: Moment = None
    scheduled_capacity: Whole = None
    available_capacity: Whole = None
    encumbered_capacity: Whole = None
    reserved_capacity: Whole = None


class _FixedReport(Definition):
    slot_duration: Whole = None
    capacities: Annotated[list[_FixedSlot], BeforeValidator(only_objects)] = []


def range_capacity(
    seller: Seller,
    resource_id: str,
    *,
    start: dt.datetime,
    end: dt.datetime,
    kinds: Sequence[CapacityType] = (CapacityType.SCHEDULED,),
) -> list[Span]:
    """Return a resource's capacity between two aware moments, in spans as long as it is the same.

    They are sorted by kind and start. Raises one of `client.FAULTS`.
    """
    query = {"startDateTime": start, "endDateTime": end, "capacityTypes": [*kinds]}
    spans: list[Span] = []
    with connect(seller, interactive=True) as client:
        for page in _pages(client.get_range_slot_capacity, resource_id, query):
            spans += _range_spans(_RangeReport.model_validate(page))
    return _in_order(spans)


def fixed_capacity(
    seller: Seller,
    resource_id: str,
    *,
    start: dt.datetime,
    end: dt.datetime,
    minutes: int,
    kinds: Sequence[CapacityType] = (CapacityType.SCHEDULED,),
) -> list[Span]:
    """Return a resource's capacity between two aware moments, in spans of ``minutes`` each.

    Amazon takes 5 to 360 minutes, in steps of 5. The spans are sorted by kind and start. Raises
    one of `client.FAULTS`.
    """
    query = {
        "startDateTime": start,
        "endDateTime": end,
        "slotDuration": minutes,
        "capacityTypes": [*kinds],
    }
    spans: list[Span] = []
    with connect(seller, interactive=True) as client:
        for page in _pages(client.get_fixed_slot_capacity, resource_id, query):
            spans += _fixed_spans(_FixedReport.model_validate(page), minutes)
    return _in_order(spans)


def _in_order(spans: Sequence[Span]) -> list[Span]:
    # A page may come twice, and a span counts once.
    return sorted(set(spans), key=lambda span: (span.kind, span.start))


def _pages(
    operation: Callable[..., ApiResponse], resource_id: str, query: dict[str, Any]
) -> Iterator[Any]:
    def ask(token: str | None) -> ApiResponse:
        return operation(resource_id, **query, nextPageToken=token)

    for page in pages(ask, lambda page: only_objects(page("capacities"))):
        yield page.payload if isinstance(page.payload, dict) else {}


def _range_spans(report: _RangeReport) -> Iterator[Span]:
    for part in report.capacities:
        if part.capacity_type not in set(CapacityType):
            continue
        for slot in part.slots:
            if slot.start_date_time and slot.end_date_time:
                yield Span(
                    CapacityType(part.capacity_type),
                    slot.start_date_time,
                    slot.end_date_time,
                    slot.capacity or 0,
                )


def _fixed_spans(report: _FixedReport, asked: int) -> Iterator[Span]:
    length = dt.timedelta(minutes=report.slot_duration or asked)
    for slot in report.capacities:
        if slot.start_date_time is None:
            continue
        counts = {
            CapacityType.SCHEDULED: slot.scheduled_capacity,
            CapacityType.AVAILABLE: slot.available_capacity,
            CapacityType.ENCUMBERED: slot.encumbered_capacity,
            CapacityType.RESERVED: slot.reserved_capacity,
        }
        for kind, count in counts.items():
            if count is not None:
                yield Span(kind, slot.start_date_time, slot.start_date_time + length, count)
