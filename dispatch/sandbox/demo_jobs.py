"""What has happened to made-up jobs: each gets a fate, and comes as far as that says."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from functools import cached_property

from dispatch.sandbox.catalogue import PLACES, SERVICES
from dispatch.sandbox.demo_orders import OrderMaker, random_uuid
from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.rules.jobs import proof
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import Booking, Job, Resource, World, window_of, zone_of

_BACK, _AHEAD = 7, 14
"""Days of history, and days to come, that appointments are spread over."""


class JobMaker:
    """Makes jobs for one seller, at one moment, from one source of chance."""

    def __init__(self, rng: random.Random, world: World, now: datetime) -> None:
        self.rng = rng
        self.world = world
        self.now = now
        self._orders = OrderMaker(rng, world, now)

    def put(self, fate: str) -> None:
        """Make a job, and give it to the seller."""
        job = self.job(fate)
        self.world.put(job)
        for booking in self.world.bookings_of(job):
            self._note(booking)

    @cached_property
    def _booked(self) -> defaultdict[str, list[Booking]]:
        """Return each technician's appointments: nobody looks through all jobs of a large world."""
        self._booked = defaultdict(list)
        for booking in self.world.bookings():
            self._note(booking)
        return self._booked

    def _note(self, booking: Booking) -> None:
        for technician in booking.technicians:
            self._booked[technician].append(booking)

    def job(self, fate: str) -> Job:
        """Return a new job, come as far as its fate says; the seller does not have it yet."""
        place = self.rng.choice(PLACES[self.world.marketplace_id])
        service = self.rng.choice(SERVICES)
        created = self._created(fate)
        payload = self._orders.order(place, service, created)
        job = Job.of(payload, max(created, self.now - timedelta(days=1)), zone=place.zone)
        job.duration, job.real_time = service.minutes, service.real_time
        _FATES[fate](self, job)
        job.last_updated = min(self.now, max(created, self._last_touched(job)))
        return job

    def _created(self, fate: str) -> datetime:
        days = (8, 20) if fate in {"done", "late", "cancelled"} else (0, 6)
        back = timedelta(days=self.rng.uniform(*days), minutes=5)
        return (self.now - back).replace(microsecond=0)

    def _last_touched(self, job: Job) -> datetime:
        times = [window_of(one)[1] for one in job.appointments]
        return max(times, default=job.created)

    def _done(self, job: Job) -> None:
        start = self._start(job, -_BACK, -1)
        if self.rng.random() < 0.2:
            self._book(job, start - timedelta(days=1), assign=True)
            self._replace(job, start)
        else:
            self._book(job, start, assign=True)
        self.complete(job)

    def complete(self, job: Job) -> None:
        """Have the active appointment of a job done on its day, with a proof."""
        active = job.active()
        assert active is not None
        start, end = window_of(active)
        active["appointmentStatus"] = "COMPLETED"
        active["poa"] = proof(active, iso(end))
        kinds = [
            "CUSTOMER_SIGNATURE",
            "CUSTOMER_SIGNATURE",
            "POA_RECEIPT",
            "NO_SIGNATURE_DUMMY_POS",
        ]
        active["poa"]["poaType"] = self.rng.choice(kinds)
        job.fulfillment[active["appointmentId"]] = {
            "fulfillmentTime": {"startTime": iso(start), "endTime": iso(end)}
        }
        for item in job.payload.get("associatedItems") or ():
            item["itemStatus"] = "DELIVERED"
        job.touch(self.now, "COMPLETED")

    def _late(self, job: Job) -> None:
        self._book(job, self._start(job, -1, -1), assign=self.rng.random() < 0.7)

    def _ahead(self, job: Job) -> None:
        start = self._start(job, 0, min(_AHEAD, int(self.rng.expovariate(0.22))))
        self._book(job, start, assign=True)
        if self.rng.random() < 0.12:
            self._replace(job, start + timedelta(days=1))

    def _unassigned(self, job: Job) -> None:
        self._book(job, self._start(job, 0, 5), assign=False)

    def _waiting(self, job: Job) -> None:
        self.prefer(job, self.rng.randint(0, 3))

    def _hold(self, job: Job) -> None:
        self.prefer(job, 1)
        job.touch(self.now, "HOLD")

    def _cancelled(self, job: Job) -> None:
        if self.rng.random() < 0.6:
            self._book(job, self._start(job, -_BACK, 3), assign=False)
            job.appointments[0]["appointmentStatus"] = "CANCELLED"
        job.touch(self.now, "CANCELLED")
        job.cancellation_code = self.rng.choice(self.world.cancellation_codes)

    def _blocked(self, job: Job) -> None:
        job.touch(self.now, "NOT_FULFILLABLE")

    def _unpaid(self, job: Job) -> None:
        job.touch(self.now, "PAYMENT_DECLINED")

    def _start(self, job: Job, first: int, last: int) -> datetime:
        """Draw a full hour within working hours, where the job is, never on a Sunday."""
        zone = zone_of(job.zone)
        day = self.now.astimezone(zone).date() + timedelta(days=self.rng.randint(first, last))
        if day.isoweekday() == 7:
            day += timedelta(days=1 if last > 0 else -1)
        latest = 18 - -(-job.duration // 60)
        hour = self.rng.randint(8, latest)
        return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)

    def _book(self, job: Job, start: datetime, *, assign: bool) -> JsonDict:
        appointment: JsonDict = {
            "appointmentId": f"{job.id}_{random_uuid(self.rng)}",
            "appointmentStatus": "ACTIVE",
            "appointmentTime": {"startTime": iso(start), "durationInMinutes": job.duration},
        }
        if assign:
            technician = self._technician(job, start)
            if technician:
                named = {"technicianId": technician.id, "name": technician.name}
                appointment["assignedTechnicians"] = [named]
        job.payload["appointments"] = [*job.appointments, appointment]
        job.touch(self.now, "NOT_SERVICED")
        return appointment

    def _technician(self, job: Job, start: datetime) -> Resource | None:
        """Draw somebody who is able to do the job and free then; None where nobody is."""
        store = job.payload["storeId"]
        able = [
            one
            for one in self.world.resources.values()
            if job.skills <= (one.skills or set()) and store in (one.stores or ())
        ]
        end = start + timedelta(minutes=job.duration)
        free = [one for one in able if not self._busy(one, start, end)]
        return self.rng.choice(free) if free else None

    def _busy(self, technician: Resource, start: datetime, end: datetime) -> bool:
        booked = self._booked[technician.id]
        return any(one.start < end and one.end > start for one in booked)

    def _replace(self, job: Job, start: datetime) -> None:
        old = job.active()
        assert old is not None
        old["appointmentStatus"] = "CANCELLED"
        new = self._book(job, start, assign=True)
        old["rescheduledAppointmentId"] = new["appointmentId"]

    def prefer(self, job: Job, count: int) -> None:
        """Have the buyer wish for up to so many times within the next week."""
        starts = sorted({self._start(job, 1, 7) for _ in range(count)})
        windows = [{"startTime": iso(one), "durationInMinutes": job.duration} for one in starts]
        if windows:
            job.payload["preferredAppointmentTimes"] = windows


_FATES: dict[str, Callable[[JobMaker, Job], None]] = {
    "done": JobMaker._done,
    "late": JobMaker._late,
    "ahead": JobMaker._ahead,
    "unassigned": JobMaker._unassigned,
    "waiting": JobMaker._waiting,
    "hold": JobMaker._hold,
    "cancelled": JobMaker._cancelled,
    "blocked": JobMaker._blocked,
    "unpaid": JobMaker._unpaid,
}
