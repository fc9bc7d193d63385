"""Overwrite a resource's whole schedule; Amazon offers no way to empty it.

Source: operation ``updateSchedule``. A schedule says when a resource is available.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from dispatch.services.writes.kind import WHO_DISPATCHES, Kind, Payload, Sending, span
from dispatch.spapi import ApiResponse, Services
from dispatch.spapi.wire import timestamp


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """A part of a schedule: aware start and end of the first day, repeated until a moment.

    ``days`` are Amazon's names, ``MONDAY`` to ``SUNDAY``; without them the time does not repeat.
    """

    start: dt.datetime
    end: dt.datetime
    until: dt.datetime | None = None
    days: tuple[str, ...] = ()

    def as_record(self) -> Payload:
        """Return Amazon's ``AvailabilityRecord``."""
        record: Payload = span(self.start, self.end)
        if self.until and self.days:
            record["recurrence"] = {
                "endTime": timestamp(self.until),
                "daysOfWeek": list(self.days),
            }
        return record


def build(*, resource_id: str, times: Sequence[WorkingTime]) -> Payload:
    """Return the payload. Raises ValueError for no times at all."""
    if not times:
        raise ValueError("a schedule cannot be emptied, only overwritten")
    return {"resourceId": resource_id, "schedules": [one.as_record() for one in times]}


def send(client: Services, sending: Sending) -> ApiResponse:
    return client.update_schedule(sending.payload["resourceId"], body=sending.body("schedules"))


KIND = Kind(
    name="update_schedule",
    place=90,
    label=_("Update schedule"),
    done=_("Schedule updated"),
    roles=WHO_DISPATCHES,
    why_not=None,
    build=build,
    send=send,
    owes="",
    shown=None,
    repeat_is_harmless=True,
)
