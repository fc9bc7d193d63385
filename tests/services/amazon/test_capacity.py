"""Capacity: what a schedule leaves, in one span or in slots, and reports of another shape."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Seller
from dispatch.services.amazon.capacity import (
    CapacityType,
    Span,
    _fixed_spans,
    _FixedReport,
    _range_spans,
    _RangeReport,
    fixed_capacity,
    range_capacity,
)
from dispatch.services.amazon.client import connect
from tests.conftest import Amazon

HOUR = dt.timedelta(hours=1)
NOON = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)


def read_range(raw: dict[str, Any]) -> list[Span]:
    return list(_range_spans(_RangeReport.model_validate(raw)))


def read_fixed(raw: dict[str, Any], minutes: int = 30) -> list[Span]:
    return list(_fixed_spans(_FixedReport.model_validate(raw), minutes))


@pytest.fixture
def scheduled(seller: Seller, amazon: Amazon) -> dt.datetime:
    """When the four hours begin for which a technician is scheduled."""
    start = timezone.now().replace(minute=0, second=0, microsecond=0) + 48 * HOUR
    times = [{"startTime": start.isoformat(), "endTime": (start + 4 * HOUR).isoformat()}]
    with connect(seller, interactive=True) as client:
        client.update_schedule("TECH-TOM", schedules=times)
    return start


@pytest.mark.django_db
@pytest.mark.database
def test_a_range_is_one_span_as_long_as_the_capacity_is_the_same(
    seller: Seller, scheduled: dt.datetime
) -> None:
    spans = range_capacity(seller, "TECH-TOM", start=scheduled - 2 * HOUR, end=scheduled + 6 * HOUR)
    assert Span(CapacityType.SCHEDULED, scheduled, scheduled + 4 * HOUR, 1) in spans


@pytest.mark.django_db
@pytest.mark.database
def test_fixed_slots_are_as_long_as_asked(seller: Seller, scheduled: dt.datetime) -> None:
    spans = fixed_capacity(
        seller, "TECH-TOM", start=scheduled, end=scheduled + HOUR, minutes=30,
        kinds=[CapacityType.SCHEDULED, CapacityType.RESERVED],
    )  # fmt: skip
    half = HOUR / 2
    assert [(span.kind, span.start, span.end) for span in spans] == [
        (kind, start, start + half)
        for kind in sorted([CapacityType.SCHEDULED, CapacityType.RESERVED])
        for start in (scheduled, scheduled + half)
    ]


def test_a_range_of_another_kind_is_left_out() -> None:
    slot = {"startDateTime": NOON.isoformat(), "endDateTime": (NOON + HOUR).isoformat()}
    kept = {"capacityType": "RESERVED_CAPACITY", "slots": [slot, None, {"capacity": 3}]}
    new = {"capacityType": "IMAGINED_CAPACITY", "slots": [slot]}
    assert read_range({"capacities": [kept, new, {"slots": [slot]}]}) == [
        Span(CapacityType.RESERVED, NOON, NOON + HOUR, 0)
    ]


def test_amazons_own_length_of_a_slot_goes_before_ours() -> None:
    slot = {"startDateTime": NOON.isoformat(), "availableCapacity": 2}
    [own] = read_fixed({"slotDuration": 60, "capacities": [slot]}, minutes=30)
    [asked] = read_fixed({"capacities": [slot, {"availableCapacity": 1}]}, minutes=30)
    assert own == Span(CapacityType.AVAILABLE, NOON, NOON + HOUR, 2)
    assert asked.end == NOON + HOUR / 2


@pytest.mark.parametrize("raw", [{}, {"capacities": None}, {"capacities": [None, 1, {}]}])
def test_a_report_of_another_shape_has_no_spans(raw: dict[str, Any]) -> None:
    assert read_range(raw) == read_fixed(raw) == []
