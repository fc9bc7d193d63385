"""Tells a technician's capacity, in ranges and in fixed slots."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from dispatch.sandbox.replies import JsonDict, Refusal, Reply, as_json, invalid, missing
from dispatch.sandbox.rules.call import Call, absent, marketplace_problem
from dispatch.sandbox.rules.spans import Span, encumbered, reserved, scheduled
from dispatch.sandbox.times import iso, parse
from dispatch.sandbox.world import Resource

_TYPES = ("SCHEDULED_CAPACITY", "AVAILABLE_CAPACITY", "ENCUMBERED_CAPACITY", "RESERVED_CAPACITY")
_RANGE_PAGE = timedelta(days=60)
_SLOTS_PER_PAGE = 500
_DEFAULT_SLOT = 60
Capacity = Callable[[datetime, datetime], int]


def by_range(call: Call) -> Reply:
    resource, types, start, end = _query(call, [])
    stop = min(end, start + _RANGE_PAGE)
    measures = _measures(call, resource, start, stop)
    capacities = [
        {"capacityType": name, "slots": _merged(measures, name, start, stop)} for name in types
    ]
    answer: JsonDict = {"resourceId": resource.id, "capacities": capacities}
    return as_json({**answer, **_next(stop, end)})


def by_slot(call: Call) -> Reply:
    length = call.body.get("slotDuration", _DEFAULT_SLOT)
    resource, types, start, end = _query(call, _length_problems(length))
    step = timedelta(minutes=length)
    stop = min(end, start + _SLOTS_PER_PAGE * step)
    measures = _measures(call, resource, start, stop)
    capacities = []
    at = start
    while at + step <= stop:
        slot: JsonDict = {"startDateTime": iso(at)}
        for name in types:
            slot[_field(name)] = measures[name](at, at + step)
        capacities.append(slot)
        at += step
    answer: JsonDict = {
        "resourceId": resource.id,
        "slotDuration": length,
        "capacities": capacities,
    }
    return as_json({**answer, **(_next(at, end) if at + step <= end else {})})


def _field(capacity_type: str) -> str:
    return capacity_type.split("_")[0].lower() + "Capacity"


def _length_problems(length: object) -> list[str]:
    whole = isinstance(length, int) and not isinstance(length, bool)
    if whole and 5 <= length <= 360 and length % 5 == 0:  # type: ignore[operator]
        return []
    return ["Slot duration is not valid, it should be a multiple of 5 and within allowed range."]


def _query(call: Call, problems: list[str]) -> tuple[Resource, list[str], datetime, datetime]:
    """Read the technician, the types and the range, with the page's start put in."""
    raw = call.body.get("startDateTime"), call.body.get("endDateTime")
    if absent(raw[0]) or absent(raw[1]):
        raise _bad(["startDateTime or endDateTime are not present"])
    gone = ["resourceId"] if absent(call.path["resourceId"]) else []
    gone += marketplace_problem(call)
    if gone:
        raise _bad([f"Missing or invalid request parameters: [{', '.join(gone)}]"])
    try:
        start, end = (parse(text).astimezone(UTC) for text in raw)
    except ValueError:
        raise _bad(["startDateTime or endDateTime are not in ISO 8601 format"]) from None
    types = call.body.get("capacityTypes") or ["SCHEDULED_CAPACITY"]
    problems = [*problems, *_order_problems(start, end), *_type_problems(types)]
    if problems:
        raise _bad(problems)
    return _resource(call), types, _page_start(call, start, end), end


def _order_problems(start: datetime, end: datetime) -> list[str]:
    return [] if end > start else ["endDateTime should be after Start Time"]


def _type_problems(types: object) -> list[str]:
    known = isinstance(types, list) and all(one in _TYPES for one in types)
    return [] if known else ["capacityTypes are not valid"]


def _bad(problems: list[str]) -> Refusal:
    details = f"Received the following errors: [{', '.join(problems)}]"
    return invalid("This is invalid input", status=400, details=details)


def _resource(call: Call) -> Resource:
    resource = call.world.resources.get(call.path["resourceId"])
    if resource is None:
        text = f"Could not find resource with ID: [{call.path['resourceId']}]"
        raise invalid(text, status=404)
    return resource


def _page_start(call: Call, start: datetime, end: datetime) -> datetime:
    token = call.query.get("nextPageToken")
    if not token:
        return start
    try:
        at = parse(base64.b64decode(unquote(token)).decode())
    except (ValueError, binascii.Error):
        raise missing("nextPageToken") from None
    if not start <= at < end:
        raise missing("nextPageToken")
    return at


def _next(stop: datetime, end: datetime) -> JsonDict:
    """Return the token of the next page: its start in base64, as in the model's example."""
    if stop >= end:
        return {}
    return {"nextPageToken": base64.b64encode(iso(stop).encode()).decode()}


class _Measures(dict[str, Capacity]):
    """A technician's capacity by type, and the moments at which it can change."""

    edges: set[datetime]


def _measures(call: Call, resource: Resource, start: datetime, end: datetime) -> _Measures:
    work = scheduled(resource, start, end)
    booked = encumbered(call.world, resource.id, start, end)
    away = reserved(call.world, resource.id, start, end)

    def available(at: datetime, until: datetime) -> int:
        return max(0, _least(work, at, until) - _most(booked, at, until) - _most(away, at, until))

    measures = _Measures(
        SCHEDULED_CAPACITY=lambda at, until: _least(work, at, until),
        AVAILABLE_CAPACITY=available,
        ENCUMBERED_CAPACITY=lambda at, until: _most(booked, at, until),
        RESERVED_CAPACITY=lambda at, until: _most(away, at, until),
    )
    every = [edge for span in (*work, *booked, *away) for edge in (span.start, span.end)]
    measures.edges = {start, end, *(edge for edge in every if start < edge < end)}
    return measures


def _least(spans: list[Span], start: datetime, end: datetime) -> int:
    """Return the capacity that is there the whole time."""
    return max((one.capacity for one in spans if one.start <= start and one.end >= end), default=0)


def _most(spans: list[Span], start: datetime, end: datetime) -> int:
    return sum(one.capacity for one in spans if one.overlaps(start, end))


def _merged(measures: _Measures, name: str, start: datetime, end: datetime) -> list[JsonDict]:
    """Join neighbouring stretches of equal capacity."""
    edges = sorted(measures.edges)
    slots: list[JsonDict] = []
    for at, until in itertools.pairwise(edges):
        capacity = measures[name](at, until)
        if slots and slots[-1]["capacity"] == capacity:
            slots[-1]["endDateTime"] = iso(until)
        else:
            slots.append(
                {"startDateTime": iso(at), "endDateTime": iso(until), "capacity": capacity}
            )
    return slots
