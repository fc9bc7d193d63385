"""Arrival and work at the job, and technicians' time at Amazon."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.amazon import capacity, slots
from dispatch.services.amazon.capacity import CapacityType
from dispatch.services.mirror import one_job
from dispatch.services.writes import rights, settling
from dispatch.services.writes.kinds import (
    cancel_reservation,
    create_reservation,
    on_my_way,
    record_work,
    update_reservation,
    update_schedule,
)
from dispatch.services.writes.kinds.create_reservation import ReservationType
from dispatch.services.writes.kinds.update_schedule import WorkingTime
from tests.conftest import Amazon, MakeJob
from tests.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.database]
State = Action.State
VISIT = "JOB-0001_visit"
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def now() -> dt.datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob, now: dt.datetime) -> ServiceJob:
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {
            "startTime": (now - 2 * HOUR).isoformat(),
            "durationInMinutes": 60,
        },
    }
    amazon.scenario(make_job(serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def fulfilled(amazon: Amazon) -> dict[str, object]:
    data: dict[str, object] = amazon.job("JOB-0001")["_sandbox"]["fulfillment"][VISIT]
    return data


def test_the_arrival_reaches_amazon(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    action = write(
        on_my_way,
        person=tom,
        job=job,
        key=uuid.uuid4(),
        appointment_id=VISIT,
        start=now,
        end=now + HOUR,
    )
    assert action.state == State.ACCEPTED, action.errors
    assert "estimatedArrivalTime" in fulfilled(amazon)


def test_the_work_reaches_amazon_with_its_people(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    action = write(
        record_work,
        person=tom,
        job=job,
        key=uuid.uuid4(),
        appointment_id=VISIT,
        start=now - 2 * HOUR,
        end=now - HOUR,
        resource_ids=["TECH-TOM"],
    )
    assert action.state == State.ACCEPTED, action.errors
    assert fulfilled(amazon)["appointmentResources"] == [{"resourceId": "TECH-TOM"}]


def test_amazons_several_errors_are_all_kept(
    tom: Person, job: ServiceJob, now: dt.datetime
) -> None:
    action = write(
        record_work,
        person=tom,
        job=job,
        key=uuid.uuid4(),
        appointment_id=VISIT,
        start=now + 2 * HOUR,
        end=now + 3 * HOUR,
        resource_ids=["NOBODY"],
    )
    assert action.state == State.REFUSED
    assert len(action.errors) >= 2


def test_an_end_before_the_start_is_not_sent(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    with pytest.raises(ValueError, match="end is before"):
        write(
            record_work,
            person=tom,
            job=job,
            key=uuid.uuid4(),
            appointment_id=VISIT,
            start=now,
            end=now - HOUR,
        )
    assert amazon.calls("setAppointmentFulfillmentData") == []


def test_a_lost_answer_that_amazon_never_shows_ends_as_safe_to_repeat(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    lost = {"operation": "setAppointmentFulfillmentData", "kind": "drop_after_commit", "times": 9}
    amazon.faults(lost)
    action = write(
        on_my_way,
        person=tom,
        job=job,
        key=uuid.uuid4(),
        appointment_id=VISIT,
        start=now,
        end=now + HOUR,
    )
    assert action.state == State.UNKNOWN
    amazon.faults()
    Action.objects.update(sent_at=timezone.now() - 2 * settling.SETTLE_AFTER)
    assert settling.settle_open() == 1
    action.refresh_from_db()
    assert action.state == State.REFUSED
    assert "replaces what was sent" in action.errors[0]["message"]


def test_an_auditor_sends_nothing(charlie: Person, job: ServiceJob, now: dt.datetime) -> None:
    with pytest.raises(rights.NotAllowed):
        write(
            on_my_way,
            person=charlie,
            job=job,
            key=uuid.uuid4(),
            appointment_id=VISIT,
            start=now,
            end=now,
        )


def test_a_reservation_comes_changes_and_goes(
    bob: Person, seller: Seller, amazon: Amazon, now: dt.datetime
) -> None:
    span = {"start": now + 24 * HOUR, "end": now + 26 * HOUR}
    who = {"person": bob, "seller": seller}
    made = write(
        create_reservation,
        **who,
        key=uuid.uuid4(),
        resource_id="TECH-TOM",
        why=ReservationType.BREAK,
        **span,
    )
    assert made.state == State.ACCEPTED, made.errors
    reservation_id = made.result["reservationId"]
    moved = write(
        update_reservation,
        **who,
        key=uuid.uuid4(),
        reservation_id=reservation_id,
        resource_id="TECH-TOM",
        why=ReservationType.TRAINING,
        **span,
    )
    assert moved.state == State.ACCEPTED, moved.errors
    current = moved.result.get("reservationId", reservation_id)
    gone = write(cancel_reservation, **who, key=uuid.uuid4(), reservation_id=current)
    assert gone.state == State.ACCEPTED, gone.errors
    assert amazon.state()["reservations"] == []
    again = write(cancel_reservation, **who, key=uuid.uuid4(), reservation_id=current)
    assert (again.state, again.status_code) == (State.REFUSED, 404)


def test_a_lost_reservation_is_found_by_its_capacity(
    bob: Person, seller: Seller, amazon: Amazon, now: dt.datetime
) -> None:
    amazon.faults({"operation": "createReservation", "kind": "drop_after_commit"})
    action = write(
        create_reservation,
        person=bob,
        seller=seller,
        key=uuid.uuid4(),
        resource_id="TECH-TOM",
        why=ReservationType.VACATION,
        start=now + 24 * HOUR,
        end=now + 26 * HOUR,
    )
    assert action.state == State.ACCEPTED
    assert len(amazon.state()["reservations"]) == 1


def test_a_schedule_shows_as_capacity(
    bob: Person, seller: Seller, amazon: Amazon, now: dt.datetime
) -> None:
    day = now + 48 * HOUR
    action = write(
        update_schedule,
        person=bob,
        seller=seller,
        key=uuid.uuid4(),
        resource_id="TECH-TOM",
        times=[WorkingTime(day, day + 4 * HOUR)],
    )
    assert action.accepted, action.errors
    spans = capacity.range_capacity(
        seller, "TECH-TOM", start=day - 2 * HOUR, end=day + 6 * HOUR,
        kinds=[CapacityType.SCHEDULED, CapacityType.RESERVED],
    )  # fmt: skip
    assert (CapacityType.SCHEDULED, day, day + 4 * HOUR) in [
        (span.kind, span.start, span.end) for span in spans if span.capacity
    ]
    fixed = capacity.fixed_capacity(seller, "TECH-TOM", start=day, end=day + HOUR, minutes=30)
    assert [span.end - span.start for span in fixed] == [dt.timedelta(minutes=30)] * 2


def test_an_empty_schedule_is_not_sent(bob: Person, seller: Seller, amazon: Amazon) -> None:
    with pytest.raises(ValueError, match="cannot be emptied"):
        write(
            update_schedule,
            person=bob,
            seller=seller,
            key=uuid.uuid4(),
            resource_id="TECH-TOM",
            times=[],
        )


def test_a_technician_changes_nobodys_time(tom: Person, seller: Seller) -> None:
    with pytest.raises(rights.NotAllowed):
        write(cancel_reservation, person=tom, seller=seller, key=uuid.uuid4(), reservation_id="1")


def test_slots_are_known_before_there_is_a_job(
    seller: Seller, amazon: Amazon, now: dt.datetime
) -> None:
    amazon.scenario()
    found = slots.for_service(seller, asin="B07BB1RGT5", store_id="OH-COL-04", since=timezone.now())
    assert found
    assert all(slot.capacity > 0 and slot.start > now for slot in found)
