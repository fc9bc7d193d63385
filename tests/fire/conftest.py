"""The stage of the services: brisk clients, a world for every write, and time that moves on."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.models import F

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.amazon import documents
from dispatch.services.mirror import one_job
from dispatch.services.writes import settling
from dispatch.services.writes.kinds import (
    add_appointment,
    add_proof,
    assign,
    cancel,
    cancel_reservation,
    complete,
    create_reservation,
    on_my_way,
    record_work,
    reschedule,
    update_reservation,
    update_schedule,
)
from dispatch.services.writes.kinds.create_reservation import ReservationType
from dispatch.services.writes.kinds.update_schedule import WorkingTime
from dispatch.spapi import Services
from tests.conftest import Amazon, MakeJob
from tests.fire import world
from tests.fire.world import HOUR, KEPT, LATER, NEW, SET, SOON, VISIT, Naps
from tests.limits import PATIENCE
from tests.writing import write

PICTURE = b"\x89PNG\r\n\x1a\n a picture"


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch, naps: Naps) -> dict[str, Any]:
    """The services' clients sleep only on paper; the options may be changed by a test."""
    options: dict[str, Any] = {
        "timeout": (PATIENCE, PATIENCE),
        "throttle": None,
        "clock": naps.clock,
        "sleep": naps.sleep,
    }

    def made(*args: Any, **given: Any) -> Services:
        return Services(*args, **{**given, **options})

    monkeypatch.setattr("dispatch.services.amazon.client.Services", made)
    return options


Send = Callable[[], Action]


@dataclass
class Writes:
    """Every write that the services know, by name, ready to be sent again and again."""

    seller: Seller
    person: Person

    def job(self, service_job_id: str) -> ServiceJob:
        return ServiceJob.objects.select_related("seller").get(service_job_id=service_job_id)

    def send(self, name: str, key: uuid.UUID | None = None) -> Action:
        """Carry it out with a key of its own."""
        found: Action = getattr(self, name)(key or uuid.uuid4())
        return found

    def _on(self, service_job_id: str, key: uuid.UUID) -> dict[str, Any]:
        return {"person": self.person, "job": self.job(service_job_id), "key": key}

    def add(self, key: uuid.UUID) -> Action:
        return write(add_appointment, **self._on(NEW, key), start=LATER)

    def reschedule(self, key: uuid.UUID) -> Action:
        return write(
            reschedule, **self._on(SET, key), appointment_id=VISIT, start=LATER, reason="R1"
        )

    def assign(self, key: uuid.UUID) -> Action:
        return write(assign, **self._on(SET, key), appointment_id=VISIT, resource_ids=["TECH-MAYA"])

    def complete(self, key: uuid.UUID) -> Action:
        return write(complete, **self._on(SET, key))

    def cancel(self, key: uuid.UUID) -> Action:
        return write(cancel, **self._on(SET, key), reason="V1")

    def arrival(self, key: uuid.UUID) -> Action:
        return write(
            on_my_way, **self._on(SET, key), appointment_id=VISIT, start=SOON, end=SOON + HOUR
        )

    def work(self, key: uuid.UUID) -> Action:
        start = world.TODAY - 3 * HOUR
        return write(
            record_work, **self._on(SET, key), appointment_id=VISIT, start=start, end=start + HOUR
        )

    def proof(self, key: uuid.UUID) -> Action:
        proofs = [documents.accept(PICTURE)]
        return write(add_proof, **self._on(SET, key), appointment_id=VISIT, proofs=proofs)

    def _for(self, key: uuid.UUID) -> dict[str, Any]:
        return {"person": self.person, "seller": self.seller, "key": key}

    def reserve(self, key: uuid.UUID) -> Action:
        return write(
            create_reservation,
            **self._for(key),
            resource_id="TECH-TOM",
            why=ReservationType.VACATION,
            start=SOON,
            end=SOON + HOUR,
        )

    def change(self, key: uuid.UUID) -> Action:
        return write(
            update_reservation,
            **self._for(key),
            reservation_id=KEPT,
            resource_id="TECH-LUIS",
            why=ReservationType.VACATION,
            start=SOON,
            end=SOON + HOUR,
        )

    def release(self, key: uuid.UUID) -> Action:
        return write(cancel_reservation, **self._for(key), reservation_id=KEPT)

    def schedule(self, key: uuid.UUID) -> Action:
        times = [WorkingTime(SOON, SOON + HOUR)]
        return write(update_schedule, **self._for(key), resource_id="TECH-TOM", times=times)


@pytest.fixture
def writes(
    seller: Seller,
    alice: Person,
    amazon: Amazon,
    make_job: MakeJob,
    brisk: dict[str, Any],
    settings: LazySettings,
) -> Writes:
    """Alice, who may do everything, and the two jobs of our world."""
    settings.DISPATCH_DEMO, settings.SP_API_ENDPOINT = True, amazon.url
    world.build(amazon, make_job)
    for service_job_id in (NEW, SET):
        assert one_job.find_job(seller, service_job_id)
    return Writes(seller, alice)


def later(by: dt.timedelta = settling.ABANDONED_AFTER + dt.timedelta(seconds=1)) -> int:
    """Move every open write into the past, and settle; returns how many were."""
    Action.objects.update(sent_at=F("sent_at") - by, created_at=F("created_at") - by)
    return settling.settle_open()
