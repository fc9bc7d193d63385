"""Checks availability records, which schedules and reservations are made of."""

from __future__ import annotations

from typing import Any

from dispatch.sandbox.times import parse

_DAYS = {"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}


def record_problem(record: Any) -> str | None:
    """Return the name of the first part that is missing or wrong, or None."""
    if not isinstance(record, dict):
        return "availability"
    for name in ("startTime", "endTime"):
        if not _is_time(record.get(name)):
            return name
    if parse(record["endTime"]) <= parse(record["startTime"]):
        return "endTime"
    capacity = record.get("capacity", 1)
    if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1:
        return "capacity"
    recurrence = record.get("recurrence")
    return None if recurrence is None or _recurs(recurrence) else "recurrence"


def _is_time(text: Any) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _recurs(recurrence: Any) -> bool:
    if not isinstance(recurrence, dict) or not _is_time(recurrence.get("endTime")):
        return False
    weekdays, monthdays = recurrence.get("daysOfWeek", []), recurrence.get("daysOfMonth", [])
    if not isinstance(weekdays, list) or not isinstance(monthdays, list):
        return False
    return all(one in _DAYS for one in weekdays) and all(one in range(1, 32) for one in monthdays)
