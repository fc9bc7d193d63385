"""What a kind of write is: all that the ledger, the buttons, the forms and the history need of it.

Each module of `dispatch.services.writes.kinds` declares one object of `Kind`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dispatch.models import OPEN_STATUSES, Appointment, Seller, ServiceJob
from dispatch.selectors.access import Role
from dispatch.services.amazon.client import connect
from dispatch.services.amazon.documents import Document
from dispatch.services.mirror import one_job
from dispatch.spapi import ApiResponse, Services
from dispatch.spapi.wire import timestamp

Payload = dict[str, Any]
"""What is sent, by Amazon's names: ids, times and codes, never buyer data."""
Words = str | Promise

WHO_DISPATCHES = frozenset({Role.OWNER, Role.DISPATCHER})
WHO_WORKS = WHO_DISPATCHES | {Role.TECHNICIAN}
GIVE_A_VISIT = frozenset({"add_appointment", "reschedule"})
"""The kinds of write that give a job the appointment which other kinds are about."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One write on its way: the id of its job, "" for none, its payload, and its files."""

    job_id: str
    payload: Payload
    files: Sequence[Document] = ()

    def body(self, *names: str) -> Payload:
        """The parts of the payload that go into the request's body."""
        return {name: self.payload[name] for name in names if name in self.payload}


class Send(Protocol):
    """Sends one write to Amazon by one call of the client."""

    def __call__(self, client: Services, sending: Sending) -> ApiResponse: ...


@dataclass
class ReadBack:
    """What Amazon has now of the job or the seller of a write whose answer was lost."""

    seller: Seller
    mirrored: ServiceJob | None
    interactive: bool

    @cached_property
    def job(self) -> ServiceJob:
        """The job, read from Amazon once. Raises one of `client.FAULTS`."""
        if self.mirrored is None:
            raise ValueError("this write is about no job")
        return one_job.refresh_job(self.mirrored, interactive=self.interactive)

    def read(self) -> None:
        """Read the job, if there is one, whatever the kind asks of it."""
        if self.mirrored is not None:
            self.job  # noqa: B018  Reading it is what counts.

    @contextmanager
    def client(self) -> Iterator[Services]:
        """A client of the seller, for what no job shows."""
        with connect(self.seller, interactive=self.interactive) as session:
            yield session


@dataclass(frozen=True, slots=True)
class Asked:
    """What a write asked for, for its line in the history: a moment, and a reason code."""

    start: dt.datetime | None = None
    reason: str = ""


def nothing_special(payload: Payload) -> Asked:
    """Return an empty `Asked`: the name of the kind says it all."""
    return Asked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of write to Amazon, declared in one place."""

    name: str
    """As the ledger keeps it, and, with dashes, in addresses; at most 20 characters."""
    place: int
    """Where its button stands among the others: a smaller number comes first."""
    label: Words
    """The button, the title of its dialog, and its name in the log of activity."""
    done: Words
    """What the history says once Amazon has accepted it: "Rescheduled"."""
    roles: frozenset[Role]
    """Who may."""
    why_not: Callable[[ServiceJob], Words] | None
    """Why it does not fit a job as it is now, "" where it does; None for a write about no job."""
    build: Callable[..., Payload]
    """What is sent, from what a person chose; raises ValueError for what makes no sense."""
    send: Send
    """The call that sends it."""
    owes: str
    """The id that Amazon's answer must name, and proves nothing without; "" for none."""
    shown: Callable[[ReadBack, Payload], bool] | None
    """Whether what is read back shows that it happened; None where Amazon never shows it."""
    repeat_is_harmless: bool
    """Whether sending it again after a lost answer changes nothing that the first one did."""
    asked: Callable[[Payload], Asked] = nothing_special
    needs: frozenset[str] = field(default_factory=frozenset)
    """The kinds without which it makes no sense: one refused stops it while it waits its turn."""
    is_final: bool = False
    """Whether it cannot be taken back and should look dangerous."""

    def __post_init__(self) -> None:
        for name in ("name", "label", "done", "roles"):
            if not getattr(self, name):
                raise TypeError(f"a kind of write without {name}")
        if len(self.name) > LONGEST_NAME:
            raise TypeError(f"{self.name} is longer than {LONGEST_NAME} characters")

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.name.replace("_", "-")

    def fits(self, job: ServiceJob) -> bool:
        """Tell whether it can be done to a job as the mirror has it now."""
        return self.why_not is not None and not self.why_not(job)

    def __str__(self) -> str:
        return self.name


LONGEST_NAME = 20
JOB_IS_CLOSED = _("The job is closed.")


def is_open(job: ServiceJob) -> bool:
    """Tell whether the job can still be worked on."""
    return job.status in OPEN_STATUSES


def is_on_the_calendar(job: ServiceJob) -> bool:
    """Tell whether the job has an active appointment."""
    return job.appointment_status == Appointment.Status.ACTIVE


def needs_a_visit(job: ServiceJob) -> Words:
    """Return why there is no appointment to change, "" where there is one on an open job."""
    if not is_open(job):
        return JOB_IS_CLOSED
    return "" if is_on_the_calendar(job) else _("The job has no appointment.")


def active_visits(job: ServiceJob) -> QuerySet[Appointment]:
    """Return the appointments of a job that stand."""
    return job.appointments.filter(status=Appointment.Status.ACTIVE)


def span(start: dt.datetime, end: dt.datetime) -> Payload:
    """Return two aware moments as Amazon takes them; raises ValueError for an end before."""
    if end < start:
        raise ValueError("the end is before the start")
    return {"startTime": timestamp(start), "endTime": timestamp(end)}


def resources(resource_ids: Iterable[str]) -> list[Payload]:
    """Return resource ids as Amazon takes them."""
    return [{"resourceId": one} for one in resource_ids]
