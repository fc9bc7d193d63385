"""The demo world: a week of history, two weeks ahead, all seven statuses, two sellers or more."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from functools import cached_property

from dispatch.sandbox.catalogue import (
    FIRST_NAMES,
    LAST_NAMES,
    PLACES,
    SERVICES,
    SKILLS,
    STREETS,
    TECHNICIANS,
    Place,
    Service,
)
from dispatch.sandbox.realm import US, Realm
from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.rules.jobs import proof
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import Booking, Job, Resource, World, window_of, zone_of

_BACK, _AHEAD = 7, 14
_KEPT_DAYS = 21
_LATE_SHARE = 0.04


def populate(realm: Realm, *, jobs: int, seed: int) -> None:
    """Fill empty worlds with the roster and a number of jobs.

    The first two sellers share theirs, four in five in the US; every further one has as many.
    """
    rng, now = random.Random(seed), realm.now()
    for world in realm.worlds.values():
        hire(world)
    first, second, *others = realm.worlds.values()
    makers = Maker(rng, first, now), Maker(rng, second, now)
    for number in range(jobs):
        makers[number % 5 == 4].put(_fate(rng, number))
    for world in others:
        _fill(world, jobs, seed, now)
    realm.living = True
    realm.dirty = True


def _fill(world: World, jobs: int, seed: int, now: datetime) -> None:
    """A further seller's jobs, from a source of chance of its own."""
    rng = random.Random(f"{seed}-{world.selling_partner_id}")
    maker = Maker(rng, world, now)
    for number in range(jobs):
        maker.put(_fate(rng, number))


def hire(world: World) -> None:
    """The seller's technicians, with working hours at home."""
    zones = {place.store: place.zone for place in reversed(PLACES[world.marketplace_id])}
    country = "US" if world.marketplace_id == US else "DE"
    for index, (name, stores, lacking) in enumerate(TECHNICIANS[world.marketplace_id], start=1):
        hours = {
            "start": "07:00",
            "end": "20:00",
            "days": [1, 2, 3, 4, 5, 6],
            "timeZone": zones[stores[0]],
        }
        resource = Resource(f"TECH{country}{index:03}", name)
        resource.skills = set(SKILLS) - set(lacking)
        resource.stores, resource.hours = set(stores), hours
        world.resources[resource.id] = resource


def _fate(rng: random.Random, number: int) -> str:
    """The first jobs cover every status; the rest are drawn."""
    kinds = {
        "done": 26,
        "late": 2,
        "ahead": 44,
        "unassigned": 6,
        "waiting": 11,
        "hold": 3,
        "cancelled": 5,
        "blocked": 2,
        "unpaid": 2,
    }
    if number < 5 * len(kinds):
        return list(kinds)[number // 5]
    return rng.choices(list(kinds), list(kinds.values()))[0]


class Maker:
    """Makes jobs for one seller, at one moment, from one source of chance."""

    def __init__(self, rng: random.Random, world: World, now: datetime) -> None:
        self.rng = rng
        self.world = world
        self.now = now

    def put(self, fate: str) -> None:
        """Make a job, and give it to the seller."""
        job = self.job(fate)
        self.world.put(job)
        for booking in self.world.bookings_of(job):
            self._note(booking)

    @cached_property
    def _booked(self) -> defaultdict[str, list[Booking]]:
        """Every technician's appointments: in a large world nobody looks through all jobs."""
        self._booked = defaultdict(list)
        for booking in self.world.bookings():
            self._note(booking)
        return self._booked

    def _note(self, booking: Booking) -> None:
        for technician in booking.technicians:
            self._booked[technician].append(booking)

    def job(self, fate: str) -> Job:
        """A job that has come as far as its fate says."""
        place = self.rng.choice(PLACES[self.world.marketplace_id])
        service = self.rng.choice(SERVICES)
        created = self._created(fate)
        payload = self._payload(place, service, created)
        job = Job.of(payload, max(created, self.now - timedelta(days=1)), zone=place.zone)
        job.duration, job.real_time = service.minutes, service.real_time
        getattr(self, f"_{fate}")(job)
        job.last_updated = min(self.now, max(created, self._last_touched(job)))
        return job

    def _created(self, fate: str) -> datetime:
        days = (8, 20) if fate in {"done", "late", "cancelled"} else (0, 6)
        back = timedelta(days=self.rng.uniform(*days), minutes=5)
        return (self.now - back).replace(microsecond=0)

    def _last_touched(self, job: Job) -> datetime:
        times = [window_of(one)[1] for one in job.appointments]
        return max(times, default=job.created)

    # -- what a job is made of

    def _payload(self, place: Place, service: Service, created: datetime) -> JsonDict:
        buyer = f"{self._pick(FIRST_NAMES)} {self._pick(LAST_NAMES)}"
        phone = self._phone(place)
        payload: JsonDict = {
            "createTime": iso(created),
            "serviceJobId": str(self._uuid()),
            "serviceJobStatus": "PENDING_SCHEDULE",
            "scopeOfWork": {
                "asin": service.asin,
                "title": service.title,
                "quantity": 1,
                "requiredSkills": [service.skill],
            },
            "seller": {"sellerId": self.world.selling_partner_id},
            "serviceJobProvider": {"serviceJobProviderId": self.world.selling_partner_id},
            "serviceOrderId": self._order_id(),
            "marketplaceId": self.world.marketplace_id,
            "storeId": place.store,
            "buyer": {
                "buyerId": f"A{self.rng.getrandbits(48):012X}",
                "name": buyer,
                "phone": phone,
                "isPrimeMember": self.rng.random() < 0.6,
            },
            "serviceLocation": self._location(place, service, buyer, phone),
            "payments": [self._payment(service)],
        }
        if service.location != "ONLINE" or self.rng.random() < 0.5:
            payload |= self._product(service, created)
        return payload

    def _product(self, service: Service, created: datetime) -> JsonDict:
        """The goods the job is about, on their way or there."""
        order, due = self._order_id(), created + timedelta(days=self.rng.randint(1, 4))
        status = "DELIVERED" if due < self.now else self.rng.choice(["ACTIVE", "SHIPPED"])
        item: JsonDict = {
            "asin": service.asin.replace("B0SV", "B0PR"),
            "title": f"{service.brand} {service.item}",
            "quantity": 4 if service.skill == "TYRE_FITTING" else 1,
            "orderId": order,
            "itemStatus": status,
            "brandName": service.brand,
            "itemDelivery": {
                "estimatedDeliveryDate": iso(due),
                "itemDeliveryPromise": {
                    "startTime": iso(due - timedelta(hours=8)),
                    "endTime": iso(due),
                },
            },
        }
        if service.skill == "TYRE_FITTING":
            item["linkedAssets"] = [_vehicle(self.rng)]
        tracking = f"TBA{self.rng.randint(10**11, 10**12 - 1)}"
        return {"associatedItems": [item], "productOrderIds": [order], "trackingIds": [tracking]}

    def _location(self, place: Place, service: Service, buyer: str, phone: str) -> JsonDict:
        street, number = self._pick(STREETS), self.rng.randint(2, 980)
        american = self.world.marketplace_id == US
        address: JsonDict = {
            "name": buyer,
            "addressLine1": f"{number} {street}" if american else f"{street} {number % 90 + 1}",
            "city": place.city,
            "stateOrRegion": place.state,
            "postalCode": place.postal_code,
            "countryCode": "US" if american else "DE",
            "phone": phone,
        }
        if self.rng.random() < 0.2:
            flat = self.rng.randint(1, 40)
            address["addressLine2"] = f"Apt {flat}" if american else f"{flat}. Wohnung"
        return {"serviceLocationType": service.location, "address": address}

    def _payment(self, service: Service) -> JsonDict:
        currency = "USD" if self.world.marketplace_id == US else "EUR"
        instrument = self.rng.choice(["CREDIT_CARD", "CREDIT_CARD", "GIFT_CARD", "BANK_ACCOUNT"])
        return {"amount": {"value": service.price, "currency": currency}, "instrument": instrument}

    def _phone(self, place: Place) -> str:
        if self.world.marketplace_id == US:
            return f"+1 {place.area_code} 555 01{self.rng.randint(0, 99):02}"
        return f"+49 {place.area_code} {self.rng.randint(100, 999)}"

    def _order_id(self) -> str:
        first, second = self.rng.randint(0, 10**7 - 1), self.rng.randint(0, 10**7 - 1)
        return f"{self.rng.randint(100, 399)}-{first:07}-{second:07}"

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def _pick(self, table: dict[str, tuple[str, ...]]) -> str:
        return self.rng.choice(table[self.world.marketplace_id])

    # -- what has happened to it

    def _done(self, job: Job) -> None:
        start = self._start(job, -_BACK, -1)
        if self.rng.random() < 0.2:
            self._book(job, start - timedelta(days=1), assign=True)
            self._replace(job, start)
        else:
            self._book(job, start, assign=True)
        self.complete(job)

    def complete(self, job: Job) -> None:
        """Done on the day, with a proof."""
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
        """A full hour within working hours, where the job is, never on a Sunday."""
        zone = zone_of(job.zone)
        day = self.now.astimezone(zone).date() + timedelta(days=self.rng.randint(first, last))
        if day.isoweekday() == 7:
            day += timedelta(days=1 if last > 0 else -1)
        latest = 18 - -(-job.duration // 60)
        hour = self.rng.randint(8, latest)
        return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)

    def _book(self, job: Job, start: datetime, *, assign: bool) -> JsonDict:
        appointment: JsonDict = {
            "appointmentId": f"{job.id}_{self._uuid()}",
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
        """Somebody who can, and is free if anybody is."""
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
        starts = sorted({self._start(job, 1, 7) for _ in range(count)})
        windows = [{"startTime": iso(one), "durationInMinutes": job.duration} for one in starts]
        if windows:
            job.payload["preferredAppointmentTimes"] = windows


def _vehicle(rng: random.Random) -> JsonDict:
    year, name = rng.randint(2014, 2025), rng.choice(["Meridian Coupe", "Halden Estate", "Orbit 4"])
    return {
        "assetType": "VEHICLE",
        "assetName": f"{year} {name}",
        "additionalAttributes": {"year": str(year), "model": name},
    }


def catch_up(realm: Realm, *, jobs: int, seed: int) -> None:
    """Move a world that slept along: what is past was done, and today has work again."""
    now = realm.now()
    rng = random.Random(f"{seed}-{now.date()}")
    for world in realm.worlds.values():
        maker = Maker(rng, world, now)
        for job in list(world.jobs.values()):
            _grow_older(maker, job, rng)
    first, second, *others = realm.worlds.values()
    makers = Maker(rng, first, now), Maker(rng, second, now)
    for number in range(max(0, jobs - len(first.jobs) - len(second.jobs))):
        makers[number % 5 == 4].put(_new_fate(rng))
    for world in others:
        _catch_up_one(world, jobs, seed, now)
    realm.dirty = True


def _new_fate(rng: random.Random) -> str:
    return rng.choices(["ahead", "unassigned", "waiting", "hold"], [7, 1, 2, 1])[0]


def _catch_up_one(world: World, jobs: int, seed: int, now: datetime) -> None:
    """A further seller; one that the world has not held so far starts from its beginning."""
    if not world.resources:
        hire(world)
        _fill(world, jobs, seed, now)
    rng = random.Random(f"{seed}-{world.selling_partner_id}-{now.date()}")
    maker = Maker(rng, world, now)
    for _ in range(max(0, jobs - len(world.jobs))):
        maker.put(_new_fate(rng))


def _grow_older(maker: Maker, job: Job, rng: random.Random) -> None:
    """Finish what is over for more than half a day; forget what is over for weeks."""
    ended = max((window_of(one)[1] for one in job.appointments), default=job.created)
    if ended < maker.now - timedelta(days=_KEPT_DAYS):
        del maker.world.jobs[job.id]
        return
    slept = ended < maker.now - timedelta(hours=12)
    if job.status == "NOT_SERVICED" and job.active() and slept and rng.random() > _LATE_SHARE:
        maker.complete(job)
