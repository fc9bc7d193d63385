"""Every write once, every outcome told."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from dispatch.models import Action, Person, Seller, ServiceJob
from dispatch.services.amazon import slots
from dispatch.services.mirror import one_job
from dispatch.services.writes import ledger, rights, settling
from dispatch.services.writes.kinds import add_appointment, assign
from tests.conftest import Amazon, MakeJob
from tests.writing import write

State = Action.State
pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    amazon.scenario(make_job())
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


@pytest.fixture
def start(job: ServiceJob) -> dt.datetime:
    """A slot that is free."""
    return slots.for_job(job, since=timezone.now())[3].start


def add(
    person: Person, job: ServiceJob, start: dt.datetime, key: uuid.UUID | None = None
) -> Action:
    return write(add_appointment, person=person, job=job, key=key or uuid.uuid4(), start=start)


def test_an_accepted_write_leaves_its_row_and_the_job_as_read_back(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    action = add(bob, job, start)
    assert action.state == State.ACCEPTED
    assert action.request_id
    job.refresh_from_db()
    assert job.scheduled_start == start
    assert [visit["appointmentId"] for visit in amazon.active("JOB-0001")] == [job.appointment_id]


def test_the_same_key_is_one_write(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    key = uuid.uuid4()
    first, second = add(bob, job, start, key), add(bob, job, start, key)
    assert first.pk == second.pk
    assert len(amazon.calls("addAppointmentForServiceJobByServiceJobId")) == 1


def test_a_key_spent_on_another_write_sends_nothing(
    bob: Person, alice: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    key = uuid.uuid4()
    add(bob, job, start, key)
    with pytest.raises(ledger.KeyReused):
        add(bob, job, start + dt.timedelta(days=1), key)
    with pytest.raises(ledger.KeyReused):
        add(alice, job, start, key)
    assert len(amazon.calls("addAppointmentForServiceJobByServiceJobId")) == 1


def test_a_refusal_keeps_amazons_words(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    add(bob, job, start)
    action = add(bob, job, start)
    assert action.state == State.REFUSED
    assert action.status_code == 422
    assert "already has an active appointment" in action.errors[0]["message"]
    assert len(amazon.active("JOB-0001")) == 1


def test_a_warning_is_kept(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon, make_job: MakeJob
) -> None:
    add(bob, job, start)
    job.refresh_from_db()
    amazon.control("scenario", {**_world(amazon), "overbookedResourceIds": ["TECH-MAYA"]})
    action = write(
        assign,
        person=bob,
        job=job,
        key=uuid.uuid4(),
        appointment_id=job.appointment_id,
        resource_ids=["TECH-MAYA"],
    )
    assert action.state == State.WARNED
    assert action.warnings[0]["code"] == "RESOURCES_OVERBOOKED"
    job.refresh_from_db()
    assert job.technician_names == "Maya"


def _world(amazon: Amazon) -> dict[str, object]:
    state = amazon.state()
    jobs = [{k: v for k, v in job.items() if k != "_sandbox"} for job in state["jobs"]]
    return {"now": None, "jobs": jobs, "resources": state["resources"]}


def test_an_answer_lost_after_the_work_is_settled_by_reading_not_by_sending(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    amazon.faults(
        {"operation": "addAppointmentForServiceJobByServiceJobId", "kind": "drop_after_commit"}
    )
    action = add(bob, job, start)
    assert action.state == State.ACCEPTED
    assert len(amazon.active("JOB-0001")) == 1


def test_a_write_lost_before_the_work_is_unknown_then_refused(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    amazon.faults({"operation": "addAppointmentForServiceJobByServiceJobId", "kind": "drop"})
    action = add(bob, job, start)
    assert action.state == State.UNKNOWN
    assert amazon.active("JOB-0001") == []
    assert settling.settle_open() == 0
    Action.objects.update(sent_at=timezone.now() - settling.SETTLE_AFTER - dt.timedelta(seconds=1))
    assert settling.settle_open() == 1
    action.refresh_from_db()
    assert action.state == State.REFUSED
    assert "safe to send it again" in action.errors[0]["message"]


def test_what_a_dead_process_left_is_settled(
    bob: Person, seller: Seller, job: ServiceJob, start: dt.datetime
) -> None:
    long_ago = timezone.now() - settling.ABANDONED_AFTER - dt.timedelta(seconds=1)
    never_sent = Action.objects.create(
        key=uuid.uuid4(), seller=seller, job=job, person=bob, kind="complete", created_at=long_ago
    )
    half_way = Action.objects.create(
        key=uuid.uuid4(),
        seller=seller,
        job=job,
        person=bob,
        kind="complete",
        state=State.SENT,
        created_at=long_ago,
        sent_at=long_ago,
    )
    assert settling.settle_open() == 2
    for action in (never_sent, half_way):
        action.refresh_from_db()
        assert action.state == State.REFUSED


@pytest.mark.django_db(transaction=True)
def test_two_submits_at_once_are_one_write(
    bob: Person, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    amazon.faults({"operation": "*", "kind": "latency", "seconds": 0.3, "times": 5})
    key, states = uuid.uuid4(), []

    def submit() -> None:
        states.append(add(bob, job, start, key).state)
        connection.close()

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [State.ACCEPTED, State.ACCEPTED]
    assert len(amazon.active("JOB-0001")) == 1


def test_a_technician_may_complete_and_nothing_else(
    tom: Person, job: ServiceJob, start: dt.datetime
) -> None:
    with pytest.raises(rights.NotAllowed):
        add(tom, job, start)


def test_a_switched_off_write_is_not_sent(
    alice: Person, seller: Seller, job: ServiceJob, start: dt.datetime, amazon: Amazon
) -> None:
    job.seller.switched_off = ["add_appointment"]
    with pytest.raises(rights.NotAllowed, match="Switched off"):
        add(alice, job, start)
    assert amazon.calls("addAppointmentForServiceJobByServiceJobId") == []
