"""Works out stretches of a technician's time: scheduled, encumbered, reserved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.times import parse
from dispatch.sandbox.world import Resource, World, zone_of

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime
    capacity: int = 1

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and self.end > start


def scheduled(resource: Resource, start: datetime, end: datetime) -> list[Span]:
    """Return when a technician works: as Amazon was told, else in usual hours, else always."""
    if resource.schedules:
        return [span for one in resource.schedules for span in expand(one, start, end)]
    if resource.hours:
        return list(_usual(resource.hours, start, end))
    return [Span(start, end)]


def reserved(world: World, resource_id: str, start: datetime, end: datetime) -> list[Span]:
    own = [one for one in world.reservations.values() if one["resourceId"] == resource_id]
    return [s for one in own for s in expand(one["reservation"]["availability"], start, end)]


def encumbered(world: World, resource_id: str, start: datetime, end: datetime) -> list[Span]:
    spans = [Span(one.start, one.end) for one in world.bookings() if resource_id in one.technicians]
    return [span for span in spans if span.overlaps(start, end)]


def expand(record: JsonDict, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the occurrences of an AvailabilityRecord that touch a range."""
    first, last = parse(record["startTime"]), parse(record["endTime"])
    capacity, recurrence = record.get("capacity") or 1, record.get("recurrence")
    until = parse(recurrence["endTime"]) if recurrence else last
    shift = max(0, (start - last).days) if recurrence else 0
    while first + timedelta(days=shift) <= min(until, end):
        day = timedelta(days=shift)
        span = Span(first + day, last + day, capacity)
        if span.overlaps(start, end) and (not recurrence or _recurs(recurrence, span.start)):
            yield span
        if not recurrence:
            return
        shift += 1


def _recurs(recurrence: JsonDict, at: datetime) -> bool:
    weekdays, monthdays = recurrence.get("daysOfWeek"), recurrence.get("daysOfMonth")
    if not weekdays and not monthdays:
        return True
    return _DAYS[at.weekday()] in (weekdays or ()) or at.day in (monthdays or ())


def _usual(hours: JsonDict, start: datetime, end: datetime) -> Iterator[Span]:
    """Yield daily working hours, in the technician's own time zone."""
    zone = zone_of(hours["timeZone"])
    opens, closes = time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"])
    day = start.astimezone(zone).date() - timedelta(days=1)
    while day <= end.astimezone(zone).date():
        first, last = (datetime.combine(day, at, tzinfo=zone) for at in (opens, closes))
        span = Span(first.astimezone(UTC), last.astimezone(UTC))
        if day.isoweekday() in hours["days"] and span.overlaps(start, end):
            yield span
        day += timedelta(days=1)
