"""Offers appointment slots, by job and by service and store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dispatch.sandbox.replies import JsonDict, Reply, as_json, invalid
from dispatch.sandbox.rules.call import Call, absent, check_marketplace, find_job, moment
from dispatch.sandbox.rules.spans import Span, reserved, scheduled
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import Booking, Job, Resource, World, zone_of

_HOUR = timedelta(hours=1)
_DEFAULT_RANGE = timedelta(days=14)
_LONGEST_RANGE = timedelta(days=90)
_OPENS, _CLOSES = 8, 18
#: A scenario's slots: every full hour of UTC, with this much room.
_PLENTY = 20


def by_job(call: Call) -> Reply:
    job_id = call.path["serviceJobId"]
    check_marketplace(call, *(["serviceJobId"] if absent(job_id) else []), details=None)
    start, end = _range(call, "End Time should be after Start Time")
    job = find_job(call, job_id, unknown=f"No job exist with jobId : {job_id}")
    return as_json({"payload": _report(call, job, start, end)})


def by_store(call: Call) -> Reply:
    names = ("asin", "storeId")
    gone = [name for name in names if absent(call.query.get(name))]
    check_marketplace(call, *gone, details=None)
    start, end = _range(call, "Range End Time should be after Range Start Time")
    job = _example(call.world, call.query["asin"], call.query["storeId"], call.now)
    return as_json({"payload": _report(call, job, start, end)})


def _example(world: World, asin: str, store_id: str, now: datetime) -> Job:
    """Make a job like a buyer would order, of the length and zone that others of its kind have."""
    scope = {"asin": asin}
    model = Job.of({"serviceJobId": "", "scopeOfWork": scope, "storeId": store_id}, now)
    same_store = [job for job in world.jobs.values() if job.payload.get("storeId") == store_id]
    same_kind = (job for job in world.jobs.values() if _asin(job) == asin)
    if same_store:
        model.zone = same_store[0].zone
    alike = next(same_kind, None)
    if alike:
        model.duration, model.real_time = alike.duration, alike.real_time
        model.payload["scopeOfWork"] = alike.payload.get("scopeOfWork")
    return model


def _asin(job: Job) -> object:
    return (job.payload.get("scopeOfWork") or {}).get("asin")


def _range(call: Call, wrong_order: str) -> tuple[datetime, datetime]:
    start, end = moment(call, "startTime"), moment(call, "endTime")
    if (start is None) != (end is None):
        text = "Both startTime and endTime should be provided"
        raise invalid(text, status=400, details=None)
    if start is None or end is None:
        start = call.now.replace(minute=0, second=0, microsecond=0) + _HOUR
        return start, start + _DEFAULT_RANGE
    if end <= start:
        raise invalid(wrong_order, status=400, details=None)
    if end - start > _LONGEST_RANGE:
        text = "Range of appointment slots should not exceed 90 days"
        raise invalid(text, status=400, details=None)
    return start.astimezone(UTC), end.astimezone(UTC)


def _report(call: Call, job: Job, start: datetime, end: datetime) -> JsonDict:
    real_time = "REAL_TIME_SCHEDULING" if job.real_time else "NON_REAL_TIME_SCHEDULING"
    return {
        "schedulingType": real_time,
        "startTime": iso(start),
        "endTime": iso(end),
        "appointmentSlots": [
            {"startTime": iso(slot.start), "endTime": iso(slot.end), "capacity": slot.capacity}
            for slot in offered(call.world, job, start, end, call.now)
        ],
    }


def has_room(world: World, job: Job, start: datetime, now: datetime) -> bool:
    """Tell whether a slot begins exactly then and somebody is free."""
    found = offered(world, job, start, start + timedelta(minutes=job.duration), now)
    return any(slot.start == start and slot.capacity > 0 for slot in found)


def offered(
    world: World, job: Job, start: datetime, end: datetime, now: datetime
) -> Iterator[Span]:
    """Yield every slot that lies within a range, full ones included."""
    length = timedelta(minutes=job.duration)
    room = _Room(world, job, start, end)
    for at in _starts(world, job, start, end):
        if at + length <= end:
            capacity = 0 if at <= now else room.at(at, at + length)
            yield Span(at, at + length, capacity)


def _starts(world: World, job: Job, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield full hours: all in a scenario, else the working hours where the job is."""
    zone = zone_of(job.zone)
    at = start.replace(minute=0, second=0, microsecond=0)
    at += _HOUR if at < start else timedelta(0)
    length = timedelta(minutes=job.duration)
    while at < end:
        here, leaves = at.astimezone(zone), (at + length).astimezone(zone)
        working = here.weekday() < 6 and here.hour >= _OPENS and here.date() == leaves.date()
        closed = leaves.hour + leaves.minute / 60 > _CLOSES
        if world.round_the_clock or (working and not closed):
            yield at
        at += _HOUR


class _Room:
    """Knows how many technicians a slot still has, over one range."""

    def __init__(self, world: World, job: Job, start: datetime, end: datetime) -> None:
        self.world, self.job = world, job
        fit = [one for one in world.resources.values() if suits(one, job)]
        self.working = {one.id: scheduled(one, start, end) for one in fit}
        self.away = {one.id: reserved(world, one.id, start, end) for one in fit}
        self.bookings = [
            one for one in world.bookings(without=job.id) if one.start < end and one.end > start
        ]

    def at(self, start: datetime, end: datetime) -> int:
        named = self.world.slot_capacity(start, self.job.id)
        if named is not None:
            return named
        taken = [one for one in self.bookings if one.start < end and one.end > start]
        if self.world.round_the_clock:
            return max(0, _PLENTY - sum(1 for one in taken if one.job.zone == self.job.zone))
        if not self.job.real_time:
            return 4
        return max(0, self._free(start, end, taken))

    def _free(self, start: datetime, end: datetime, taken: list[Booking]) -> int:
        busy = {name for one in taken for name in one.technicians}
        free = [name for name in self.working if name not in busy and self._in(name, start, end)]
        store = self.job.payload.get("storeId")
        waiting = (one for one in taken if not one.technicians)
        return len(free) - sum(1 for one in waiting if one.job.payload.get("storeId") == store)

    def _in(self, name: str, start: datetime, end: datetime) -> bool:
        works = any(one.start <= start and one.end >= end for one in self.working[name])
        return works and not any(one.overlaps(start, end) for one in self.away[name])


def suits(resource: Resource, job: Job) -> bool:
    """Tell whether a technician can do such a job at all."""
    skilled = resource.skills is None or job.skills <= resource.skills
    store = job.payload.get("storeId")
    near = resource.stores is None or store is None or store in resource.stores
    return skilled and near and resource.background_checked
