"""Holds one seller's world: its jobs, technicians, schedules and documents."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.sandbox.replies import JsonDict
from dispatch.sandbox.times import iso, iso_exact, parse

#: The sandbox's own codes: Amazon's tables are not public. V1 and R1 are the model's examples.
CANCELLATION_CODES = {
    "V1": "Buyer asked to cancel",
    "V2": "Buyer not reachable",
    "V3": "Product missing or damaged",
    "V4": "Location not suitable for the service",
    "V5": "No technician available",
}
RESCHEDULE_CODES = {
    "R1": "Buyer asked for another time",
    "R2": "Buyer not present",
    "R3": "Product not delivered",
    "R4": "Technician not available",
    "R5": "Bad weather or road conditions",
}


@dataclass(slots=True)
class Job:
    """A ServiceJob as Amazon shows it, and what Amazon keeps to itself."""

    payload: JsonDict
    last_updated: datetime
    created: datetime
    zone: str = "UTC"
    duration: int = 60
    real_time: bool = True
    fulfillment: dict[str, JsonDict] = field(default_factory=dict)
    cancellation_code: str | None = None

    @classmethod
    def of(cls, payload: JsonDict, now: datetime, *, zone: str = "UTC") -> Job:
        """Make a job of its payload; what the payload leaves open is guessed from what it says."""
        try:
            created = parse(payload.get("createTime"))
        except ValueError:
            created = now
        return cls(payload, now, created, zone, _usual_duration(payload))

    @property
    def id(self) -> str:
        return str(self.payload.get("serviceJobId"))

    @property
    def status(self) -> str:
        return str(self.payload.get("serviceJobStatus", "NOT_SERVICED"))

    @property
    def appointments(self) -> list[JsonDict]:
        listed: list[JsonDict] = self.payload.get("appointments") or []
        return listed

    @property
    def skills(self) -> set[str]:
        return set((self.payload.get("scopeOfWork") or {}).get("requiredSkills") or ())

    def window(self) -> tuple[datetime, datetime] | None:
        """Return start and end of the active appointment, or None without one."""
        active = self.active()
        return _window(active) if active else None

    def appointment(self, appointment_id: str) -> JsonDict | None:
        known = (one for one in self.appointments if one.get("appointmentId") == appointment_id)
        return next(known, None)

    def active(self) -> JsonDict | None:
        known = (one for one in self.appointments if one.get("appointmentStatus") == "ACTIVE")
        return next(known, None)

    def touch(self, now: datetime, status: str | None = None) -> None:
        """Note when the job changed, which ``lastUpdatedAfter`` looks at."""
        self.last_updated = now
        if status:
            self.payload["serviceJobStatus"] = status

    def as_dict(self) -> JsonDict:
        return {
            "payload": self.payload,
            "lastUpdated": iso_exact(self.last_updated),
            "zone": self.zone,
            "duration": self.duration,
            "realTime": self.real_time,
            "fulfillment": self.fulfillment,
            "cancellationCode": self.cancellation_code,
        }

    @classmethod
    def from_dict(cls, raw: JsonDict) -> Job:
        job = cls.of(raw["payload"], parse(raw["lastUpdated"]), zone=raw["zone"])
        job.duration, job.real_time = raw["duration"], raw["realTime"]
        job.fulfillment, job.cancellation_code = raw["fulfillment"], raw["cancellationCode"]
        return job


def _usual_duration(payload: JsonDict) -> int:
    """Return the length that Amazon has configured, as the job's own windows show it."""
    windows = [one.get("appointmentTime") for one in payload.get("appointments") or ()]
    windows += payload.get("preferredAppointmentTimes") or []
    lengths = (one.get("durationInMinutes") for one in windows if isinstance(one, dict))
    return next((length for length in lengths if isinstance(length, int)), 60)


@dataclass(slots=True)
class Resource:
    """A technician as Amazon knows one; a field that is None restricts nothing."""

    id: str
    name: str
    skills: set[str] | None = None
    stores: set[str] | None = None
    locations: set[str] | None = None
    background_checked: bool = True
    hours: JsonDict | None = None
    schedules: list[JsonDict] = field(default_factory=list)

    @classmethod
    def from_dict(cls, raw: JsonDict) -> Resource:
        def optional(key: str) -> set[str] | None:
            return set(raw[key]) if isinstance(raw.get(key), list) else None

        return cls(
            str(raw.get("resourceId")),
            str(raw.get("name", raw.get("resourceId"))),
            optional("skills"),
            optional("storeIds"),
            optional("serviceLocationTypes"),
            raw.get("backgroundCheck", "COMPLETE") == "COMPLETE",
            raw.get("workingHours"),
            list(raw.get("schedules") or ()),
        )

    def as_dict(self) -> JsonDict:
        return {
            "resourceId": self.id,
            "name": self.name,
            "skills": sorted(self.skills) if self.skills is not None else None,
            "storeIds": sorted(self.stores) if self.stores is not None else None,
            "serviceLocationTypes": sorted(self.locations) if self.locations is not None else None,
            "backgroundCheck": "COMPLETE" if self.background_checked else "INCOMPLETE",
            "workingHours": self.hours,
            "schedules": self.schedules,
        }


@dataclass(slots=True)
class Document:
    """A proof of appointment on its way; ``problem`` is what Amazon would find wrong with it."""

    id: str
    token: str
    content_type: str
    length: int
    md5: str | None
    key: str
    iv: str
    expires: datetime
    uploaded: bool = False
    sha256: str | None = None
    problem: str | None = None
    ciphertext: bytes = b""

    def as_dict(self) -> JsonDict:
        return {
            "uploadDestinationId": self.id,
            "token": self.token,
            "contentType": self.content_type,
            "contentLength": self.length,
            "contentMD5": self.md5,
            "key": self.key,
            "initializationVector": self.iv,
            "expires": iso_exact(self.expires),
            "uploaded": self.uploaded,
            "contentSha256": self.sha256,
            "problem": self.problem,
            "storedLength": len(self.ciphertext),
        }

    @classmethod
    def from_dict(cls, raw: JsonDict, now: datetime) -> Document:
        """Read a document of a scenario or a state file; only the id is needed."""
        later = now + timedelta(seconds=300)
        return cls(
            str(raw.get("uploadDestinationId")),
            str(raw.get("token", "")),
            str(raw.get("contentType", "PNG")),
            int(raw.get("contentLength", 1)),
            raw.get("contentMD5"),
            str(raw.get("key", "")),
            str(raw.get("initializationVector", "")),
            parse(raw["expires"]) if raw.get("expires") else later,
            bool(raw.get("uploaded", True)),
            raw.get("contentSha256"),
            raw.get("problem"),
        )


@dataclass(slots=True)
class Booking:
    """An active appointment of a job, with its times read."""

    job: Job
    appointment: JsonDict
    start: datetime
    end: datetime

    @property
    def technicians(self) -> set[str]:
        listed = self.appointment.get("assignedTechnicians") or ()
        return {str(one.get("technicianId")) for one in listed}


@dataclass(slots=True)
class World:
    """Everything Amazon holds for one seller in one marketplace.

    ``lists`` keeps what was listed last, ordered, for whoever asks for the next page.
    """

    refresh_token: str
    selling_partner_id: str
    marketplace_id: str
    name: str
    jobs: dict[str, Job] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    reservations: dict[str, JsonDict] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    overbooked: set[str] = field(default_factory=set)
    slots: dict[str, int] = field(default_factory=dict)
    cancellation_codes: list[str] = field(default_factory=lambda: list(CANCELLATION_CODES))
    reschedule_codes: list[str] = field(default_factory=lambda: list(RESCHEDULE_CODES))
    require_fulfillment: bool = False
    round_the_clock: bool = False
    revoked: bool = False
    role: bool = True
    lists: dict[str, Any] = field(default_factory=dict)
    tokens_from: float = 0.0
    token_seconds: int = 3600

    def clear(self) -> None:
        """Leave the seller, take everything it had."""
        fresh = World(self.refresh_token, self.selling_partner_id, self.marketplace_id, self.name)
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def put(self, job: Job) -> None:
        self.jobs[job.id] = job

    def bookings(self, *, without: str | None = None) -> Iterator[Booking]:
        """Yield every active appointment, apart from those of one job."""
        for job in self.jobs.values():
            if job.id != without:
                yield from self.bookings_of(job)

    def bookings_of(self, job: Job) -> Iterator[Booking]:
        """Yield the active appointment of a job, if it is still to be done."""
        if job.status in {"CANCELLED", "COMPLETED"}:
            return
        active, window = job.active(), job.window()
        if active and window:
            yield Booking(job, active, *window)

    def busy(self, start: datetime, end: datetime, *, without: str | None = None) -> set[str]:
        """Return the technicians with an active appointment that overlaps a window."""
        overlapping = (one for one in self.bookings(without=without) if one.start < end)
        names = (one.technicians for one in overlapping if one.end > start)
        return set(itertools.chain.from_iterable(names))

    def next_reservation_id(self) -> str:
        numbers = [int(one) for one in self.reservations if one.isdigit()]
        return str(max(numbers, default=456) + 1)

    def take_slot(self, start: datetime, capacity: int, job_id: str = "") -> None:
        """Say how much room a slot has, for one job or for all."""
        self.slots[f"{job_id}@{iso(start)}"] = capacity

    def slot_capacity(self, start: datetime, job_id: str) -> int | None:
        named = self.slots.get(f"{job_id}@{iso(start)}")
        return named if named is not None else self.slots.get(f"@{iso(start)}")


def _window(appointment: JsonDict) -> tuple[datetime, datetime] | None:
    time = appointment.get("appointmentTime") or {}
    try:
        start = parse(time.get("startTime"))
    except ValueError:
        return None
    return start, start + timedelta(minutes=time.get("durationInMinutes") or 60)


def window_of(appointment: JsonDict) -> tuple[datetime, datetime]:
    """Return start and end of an appointment; one without a time lies before all times."""
    never = datetime.min.replace(tzinfo=UTC)
    return _window(appointment) or (never, never)


def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)
