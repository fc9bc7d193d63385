"""A job's own writes, and which writes are open to whom."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Action, Membership, Person, Seller, ServiceJob
from dispatch.services.amazon import slots
from dispatch.services.mirror import one_job
from dispatch.services.writes import rights
from dispatch.services.writes.kind import Kind
from dispatch.services.writes.kinds import add_appointment, assign, cancel, complete, reschedule
from tests.conftest import Amazon, MakeJob
from tests.writing import write

pytestmark = [pytest.mark.django_db, pytest.mark.database]
Role, State = Membership.Role, Action.State
ADD, MOVE, ASSIGN = add_appointment.KIND, reschedule.KIND, assign.KIND
COMPLETE, CANCEL = complete.KIND, cancel.KIND
KINDS = (ADD, MOVE, ASSIGN, COMPLETE, CANCEL)


def a_job(seller: Seller, status: str, appointment: str = "") -> ServiceJob:
    return ServiceJob(seller=seller, status=status, appointment_status=appointment)


def kinds(job: ServiceJob, role: Role | None) -> list[Kind]:
    return [choice.kind for choice in rights.choices(job, role) if choice.kind in KINDS]


MATRIX = [
    ("PENDING_SCHEDULE", "", [ADD, CANCEL]),
    ("PENDING_SCHEDULE", "CANCELLED", [ADD, CANCEL]),
    ("PENDING_SCHEDULE", "ACTIVE", [MOVE, ASSIGN, CANCEL]),
    ("NOT_SERVICED", "ACTIVE", [MOVE, ASSIGN, COMPLETE, CANCEL]),
    ("NOT_SERVICED", "CANCELLED", [ADD, CANCEL]),
    ("HOLD", "", [ADD, CANCEL]),
    ("HOLD", "ACTIVE", [MOVE, ASSIGN, CANCEL]),
    ("COMPLETED", "COMPLETED", []),
    ("CANCELLED", "CANCELLED", []),
    ("NOT_FULFILLABLE", "", []),
    ("PAYMENT_DECLINED", "", []),
    ("", "", []),
    ("SOMETHING_NEW", "ACTIVE", []),
]


@pytest.mark.parametrize(("status", "appointment", "offered"), MATRIX)
@pytest.mark.parametrize("role", [Role.OWNER, Role.DISPATCHER])
def test_who_dispatches_is_offered_what_fits_the_state(
    seller: Seller, role: Role, status: str, appointment: str, offered: list[Kind]
) -> None:
    assert kinds(a_job(seller, status, appointment), role) == offered


@pytest.mark.parametrize(("status", "appointment", "offered"), MATRIX)
def test_a_technician_is_offered_completion_only(
    seller: Seller, status: str, appointment: str, offered: list[Kind]
) -> None:
    expected = [kind for kind in offered if kind == COMPLETE]
    assert kinds(a_job(seller, status, appointment), Role.TECHNICIAN) == expected


@pytest.mark.parametrize("role", [Role.AUDITOR, None])
def test_who_only_looks_is_offered_nothing(seller: Seller, role: Role | None) -> None:
    assert kinds(a_job(seller, "NOT_SERVICED", "ACTIVE"), role) == []


def test_a_switched_off_write_is_offered_with_its_reason(seller: Seller) -> None:
    seller.switched_off = [CANCEL.name]
    offered = rights.choices(a_job(seller, "NOT_SERVICED", "ACTIVE"), Role.OWNER)
    assert [str(choice.kind.label) for choice in offered if choice.why_not] == ["Cancel job"]
    assert [str(choice.why_not) for choice in offered if choice.kind == CANCEL] == [
        str(rights.SWITCHED_OFF)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["alice", "bob", "tom", "charlie"])
def test_a_write_is_refused_to_the_wrong_role_before_anything_is_sent(
    seller: Seller, people: dict[str, Person], kind: Kind, name: str
) -> None:
    job = a_job(seller, "NOT_SERVICED", "ACTIVE")
    allowed = name in ("alice", "bob") or (name == "tom" and kind == COMPLETE)
    if allowed:
        rights.require(people[name], job.seller, kind)
    else:
        with pytest.raises(rights.NotAllowed, match="role"):
            rights.require(people[name], job.seller, kind)


# --- Really sent ------------------------------------------------------------------------------


@pytest.fixture
def job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    amazon.scenario(make_job(), cancellationReasonCodes=["V1"])
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


@pytest.fixture
def scheduled(job: ServiceJob, bob: Person) -> ServiceJob:
    start = slots.for_job(job, since=timezone.now())[3].start
    write(add_appointment, person=bob, job=job, key=uuid.uuid4(), start=start)
    return ServiceJob.objects.select_related("seller").get(pk=job.pk)


def test_a_job_is_completed(scheduled: ServiceJob, bob: Person, amazon: Amazon) -> None:
    action = write(complete, person=bob, job=scheduled, key=uuid.uuid4())
    assert action.state == State.ACCEPTED
    assert amazon.job("JOB-0001")["serviceJobStatus"] == "COMPLETED"
    assert ServiceJob.objects.get().status == "COMPLETED"


def test_a_technician_completes(scheduled: ServiceJob, tom: Person) -> None:
    action = write(complete, person=tom, job=scheduled, key=uuid.uuid4())
    assert (action.state, action.person) == (State.ACCEPTED, tom)


def test_a_job_is_cancelled_with_its_reason(job: ServiceJob, bob: Person, amazon: Amazon) -> None:
    action = write(cancel, person=bob, job=job, key=uuid.uuid4(), reason="V1")
    assert action.state == State.ACCEPTED
    assert action.payload == {"cancellationReasonCode": "V1"}
    assert ServiceJob.objects.get().status == "CANCELLED"


def test_a_reason_amazon_does_not_take_is_refused(job: ServiceJob, bob: Person) -> None:
    action = write(cancel, person=bob, job=job, key=uuid.uuid4(), reason="NO_SUCH")
    assert action.state == State.REFUSED
    assert "NO_SUCH" in action.errors[0]["message"]
    assert ServiceJob.objects.get().status == "PENDING_SCHEDULE"


def test_a_moved_appointment_is_replaced_and_keeps_its_people(
    scheduled: ServiceJob, bob: Person, amazon: Amazon
) -> None:
    write(
        assign,
        person=bob,
        job=scheduled,
        key=uuid.uuid4(),
        appointment_id=scheduled.appointment_id,
        resource_ids=["TECH-TOM"],
    )
    later = slots.for_job(scheduled, since=timezone.now())[9].start
    action = write(
        reschedule,
        person=bob,
        job=scheduled,
        key=uuid.uuid4(),
        appointment_id=scheduled.appointment_id,
        start=later,
        reason="R1",
    )
    assert action.accepted, action.state
    moved = ServiceJob.objects.get()
    assert moved.scheduled_start == later
    assert moved.appointment_id != scheduled.appointment_id
    assert moved.technician_names == "Tom"
    assert len(amazon.active("JOB-0001")) == 1


def test_an_appointment_moved_by_somebody_else_meanwhile_is_refused(
    scheduled: ServiceJob, bob: Person, amazon: Amazon
) -> None:
    later = slots.for_job(scheduled, since=timezone.now())[9].start

    def move(minutes: int) -> Action:
        return write(
            reschedule,
            person=bob,
            job=scheduled,
            key=uuid.uuid4(),
            appointment_id=scheduled.appointment_id,
            start=later + timezone.timedelta(minutes=minutes),
            reason="R1",
        )

    assert move(0).accepted
    assert move(60).state == State.REFUSED
    assert len(amazon.active("JOB-0001")) == 1


def test_a_write_stands_when_the_job_cannot_be_read_back(
    scheduled: ServiceJob, bob: Person, amazon: Amazon, impatient: None
) -> None:
    read = "getServiceJobByServiceJobId"
    amazon.faults({"operation": read, "kind": "status", "status": 500, "times": None})
    action = write(complete, person=bob, job=scheduled, key=uuid.uuid4())
    assert action.state == State.ACCEPTED
    amazon.faults()
    one_job.refresh_job(scheduled)
    assert ServiceJob.objects.get().status == "COMPLETED"


FAULTS: list[tuple[dict[str, Any], State]] = [
    ({"kind": "status", "status": 400}, State.REFUSED),
    ({"kind": "status", "status": 403, "times": None}, State.REFUSED),
    ({"kind": "status", "status": 404}, State.REFUSED),
    ({"kind": "status", "status": 429}, State.REFUSED),
    ({"kind": "status", "status": 500}, State.UNKNOWN),
    ({"kind": "status", "status": 503}, State.UNKNOWN),
    ({"kind": "drop"}, State.UNKNOWN),
    ({"kind": "html", "status": 200}, State.UNKNOWN),
    ({"kind": "html", "status": 503}, State.UNKNOWN),
    ({"kind": "empty", "status": 200}, State.UNKNOWN),
    ({"kind": "array", "status": 200}, State.REFUSED),
    ({"kind": "drop_after_commit"}, State.ACCEPTED),
]


@pytest.mark.parametrize(("fault", "state"), FAULTS)
def test_every_kind_of_answer_has_its_outcome(
    scheduled: ServiceJob,
    bob: Person,
    amazon: Amazon,
    impatient: None,
    fault: dict[str, Any],
    state: State,
) -> None:
    amazon.faults({"operation": "completeServiceJobByServiceJobId", **fault})
    action = write(complete, person=bob, job=scheduled, key=uuid.uuid4())
    assert action.state == state, action.errors
    assert Action.objects.get(kind=COMPLETE.name).state == state
    if state == State.REFUSED:
        assert action.errors[0]["message"]
