"""Writes that wait for their turn: kept at once, sent once, in order, whatever happens."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from dispatch.models import Action, ActionFile, Person, Seller, ServiceJob
from dispatch.services.amazon import documents, slots
from dispatch.services.mirror import one_job
from dispatch.services.upkeep import retention
from dispatch.services.writes import ledger, rights, settling, waiting
from dispatch.services.writes.kinds import (
    add_appointment,
    add_proof,
    assign,
    cancel_reservation,
    complete,
    create_reservation,
    on_my_way,
    record_work,
    reschedule,
)
from dispatch.services.writes.kinds.create_reservation import ReservationType
from tests.conftest import Amazon, MakeJob, PutQueue
from tests.writing import hand_over, write

pytestmark = [pytest.mark.django_db, pytest.mark.database]
State = Action.State
VISIT = "JOB-0001_visit"
HOUR = dt.timedelta(hours=1)
FULFIL, COMPLETE = "setAppointmentFulfillmentData", "completeServiceJobByServiceJobId"
PICTURE = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def now() -> dt.datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def job(
    seller: Seller, amazon: Amazon, make_job: MakeJob, now: dt.datetime, settings: Any
) -> ServiceJob:
    settings.DISPATCH_DEMO, settings.SP_API_ENDPOINT = True, amazon.url
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {"startTime": (now - 2 * HOUR).isoformat(), "durationInMinutes": 60},
    }
    amazon.scenario(make_job(serviceJobStatus="NOT_SERVICED", appointments=[visit]))
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


@pytest.fixture
def fresh_job(seller: Seller, amazon: Amazon, make_job: MakeJob) -> ServiceJob:
    amazon.scenario(make_job())
    found = one_job.find_job(seller, "JOB-0001")
    assert found is not None
    return found


def work(person: Person, job: ServiceJob, now: dt.datetime, hours_ago: int = 2) -> Action:
    """The work, of two hours ago; Amazon refuses work in the future."""
    start = now - hours_ago * HOUR
    return hand_over(
        record_work, person=person, job=job, appointment_id=VISIT, start=start, end=start + HOUR / 2
    )


def arrival(person: Person, job: ServiceJob, now: dt.datetime, **more: Any) -> Action:
    span = {"start": now + HOUR, "end": now + 2 * HOUR}
    return hand_over(on_my_way, person=person, job=job, appointment_id=VISIT, **span, **more)


def proof(person: Person, job: ServiceJob) -> Action:
    proofs = [documents.accept(PICTURE), documents.accept(PICTURE + b", another")]
    return hand_over(add_proof, person=person, job=job, appointment_id=VISIT, proofs=proofs)


def done(person: Person, job: ServiceJob) -> Action:
    return hand_over(complete, person=person, job=job)


def state_of(*actions: Action) -> list[str]:
    for action in actions:
        action.refresh_from_db()
    return [action.state for action in actions]


def drain(action: Action) -> None:
    """What a worker does when it is told to look at this write's lane."""
    waiting.send_lane(str(action.pk))


def sent(amazon: Amazon) -> list[str]:
    """Amazon's log of writes, in order."""
    calls = amazon.state()["calls"]
    return [call["operation"] for call in calls if call["operation"] in (FULFIL, COMPLETE)]


def later(by: dt.timedelta) -> None:
    """Let time pass for the writes that wait or are not confirmed."""
    for action in Action.objects.all():
        action.sent_at = action.sent_at and action.sent_at - by
        action.not_before = action.not_before and action.not_before - by
        action.save()


# --- Taken in, sent in order --------------------------------------------------------------------


def test_a_write_is_kept_and_answered_before_amazon_hears_of_it(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    action = arrival(tom, job, now)
    assert (action.state, action.turn, action.waits) == (State.PENDING, 1, True)
    assert amazon.calls(FULFIL) == []


def test_a_whole_visit_goes_in_the_order_in_which_it_came(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    steps = [arrival(tom, job, now), work(tom, job, now), proof(tom, job), done(tom, job)]
    assert [step.turn for step in steps] == [1, 2, 3, 4]
    drain(steps[-1])
    assert state_of(*steps) == [State.ACCEPTED] * 4
    assert sent(amazon) == [FULFIL, FULFIL, FULFIL, COMPLETE]
    moments = [step.sent_at for step in steps if step.sent_at]
    assert moments == sorted(moments)
    assert len(moments) == 4
    assert ServiceJob.objects.get().status == "COMPLETED", "read back"


def test_files_wait_sealed_and_go_when_amazon_has_them(
    tom: Person, job: ServiceJob, amazon: Amazon
) -> None:
    action = proof(tom, job)
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM dispatch_actionfile")
        assert all(value.startswith("v1.") for (value,) in cursor.fetchall())
    assert ActionFile.objects.count() == 2
    drain(action)
    assert state_of(action) == [State.ACCEPTED]
    assert ActionFile.objects.count() == 0
    assert len(amazon.state()["documents"]) == 2


def test_the_same_key_is_kept_once(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    key = uuid.uuid4()
    first, second = arrival(tom, job, now, key=key), arrival(tom, job, now, key=key)
    assert (first.pk, first.turn) == (second.pk, second.turn)
    with pytest.raises(ledger.KeyReused):
        hand_over(complete, person=tom, job=job, key=key)
    drain(first)
    drain(first)
    assert len(amazon.calls(FULFIL)) == 1


def test_who_may_not_hands_nothing_over(charlie: Person, job: ServiceJob) -> None:
    with pytest.raises(rights.NotAllowed):
        done(charlie, job)
    assert not Action.objects.exists()


def test_a_click_goes_behind_what_waits(
    tom: Person, bob: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    first = work(tom, job, now)
    click = write(complete, person=bob, job=job)
    assert (click.state, click.turn) == (State.PENDING, 2)
    drain(first)
    assert state_of(first, click) == [State.ACCEPTED, State.ACCEPTED]
    assert sent(amazon) == [FULFIL, COMPLETE]


def test_jobs_do_not_wait_for_each_other(
    tom: Person,
    seller: Seller,
    job: ServiceJob,
    amazon: Amazon,
    make_job: MakeJob,
    now: dt.datetime,
) -> None:
    waits, other = done(tom, job), create(tom, seller, now)
    Action.objects.filter(pk=waits.pk).update(state=State.SENT, sent_at=timezone.now())
    drain(other)
    assert state_of(waits, other) == [State.SENT, State.ACCEPTED]


def create(person: Person, seller: Seller, now: dt.datetime) -> Action:
    owner = seller.owner
    return hand_over(
        create_reservation, person=owner, seller=seller, resource_id="TECH-TOM",
        why=ReservationType.BREAK, start=now + 24 * HOUR, end=now + 25 * HOUR,
    )  # fmt: skip


def test_one_under_way_is_waited_for(tom: Person, job: ServiceJob, now: dt.datetime) -> None:
    first, second = work(tom, job, now), done(tom, job)
    Action.objects.filter(pk=first.pk).update(state=State.SENT, sent_at=timezone.now())
    drain(second)
    assert state_of(second) == [State.PENDING]


@pytest.mark.django_db(transaction=True)
def test_any_number_of_workers_send_each_once_in_order(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    amazon.faults({"operation": "*", "kind": "latency", "seconds": 0.1, "times": 20})
    steps = [arrival(tom, job, now), work(tom, job, now), proof(tom, job), done(tom, job)]

    def look() -> None:
        for step in steps:
            drain(step)
        connection.close()

    workers = [threading.Thread(target=look) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for step in steps:
        drain(step)
    assert state_of(*steps) == [State.ACCEPTED] * 4
    assert sent(amazon) == [FULFIL, FULFIL, FULFIL, COMPLETE]


# --- An appointment that gets a new id on the way -----------------------------------------------


def test_an_assignment_follows_the_appointment_that_a_reschedule_replaced(
    bob: Person, fresh_job: ServiceJob, amazon: Amazon
) -> None:
    free = slots.for_job(fresh_job, since=timezone.now())
    new = free[9].start
    added = hand_over(add_appointment, person=bob, job=fresh_job, start=free[3].start)
    drain(added)
    fresh_job.refresh_from_db()
    visit = fresh_job.appointment_id
    moved = hand_over(
        reschedule,
        person=bob,
        job=fresh_job,
        appointment_id=visit,
        start=free[9].start,
        reason="R1",
    )
    assigned = hand_over(
        assign, person=bob, job=fresh_job, appointment_id=visit, resource_ids=["TECH-TOM"]
    )
    drain(moved)
    assert state_of(moved, assigned) == [State.ACCEPTED, State.ACCEPTED], assigned.errors
    job = ServiceJob.objects.get()
    assert (job.scheduled_start, job.technician_names) == (new, "Tom")
    assert job.appointment_id != visit


def test_an_assignment_follows_the_appointment_that_was_still_to_be_added(
    bob: Person, fresh_job: ServiceJob, amazon: Amazon
) -> None:
    """Also where the answer that named the new id was lost."""
    amazon.faults(
        {"operation": "addAppointmentForServiceJobByServiceJobId", "kind": "drop_after_commit"}
    )
    start = slots.for_job(fresh_job, since=timezone.now())[3].start
    added = hand_over(add_appointment, person=bob, job=fresh_job, start=start)
    assigned = hand_over(
        assign, person=bob, job=fresh_job, appointment_id="", resource_ids=["TECH-TOM"]
    )
    drain(added)
    assert state_of(added, assigned) == [State.ACCEPTED, State.ACCEPTED], assigned.errors
    assert len(amazon.active("JOB-0001")) == 1
    assert ServiceJob.objects.get().technician_names == "Tom"


# --- Refused ------------------------------------------------------------------------------------


def test_a_refused_one_stops_what_needs_it_and_nothing_else(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    refused = work(tom, job, now, hours_ago=-5)
    other, last = arrival(tom, job, now), done(tom, job)
    drain(refused)
    assert state_of(refused, other, last) == [State.REFUSED, State.ACCEPTED, State.PENDING]
    assert last.stopped_by == refused
    assert amazon.calls(COMPLETE) == []
    assert waiting.tick() == 0, "it waits for a person, not for a worker"


def test_what_comes_in_after_the_refusal_is_stopped_too(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    refused = work(tom, job, now, hours_ago=-5)
    drain(refused)
    last = done(tom, job)
    drain(last)
    assert state_of(last) == [State.PENDING]
    assert last.stopped_by == refused
    right = work(tom, job, now)
    drain(right)
    again = done(tom, job)
    assert again.stopped_by is None, "the work was recorded after all"


def test_a_stopped_one_goes_on_when_a_person_says_so(
    tom: Person, charlie: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    refused, last = work(tom, job, now, hours_ago=-5), done(tom, job)
    drain(refused)
    with pytest.raises(rights.NotAllowed):
        waiting.go_on(last, charlie)
    waiting.go_on(last, tom)
    drain(last)
    assert state_of(last) == [State.ACCEPTED]


def test_a_waiting_one_is_taken_back_and_one_that_was_sent_is_not(
    tom: Person, charlie: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    first, last = proof(tom, job), done(tom, job)
    with pytest.raises(rights.NotAllowed):
        waiting.take_back(first, charlie)
    assert waiting.take_back(first, tom)
    assert state_of(first, last) == [State.REFUSED, State.PENDING]
    assert last.stopped_by == first
    assert ActionFile.objects.count() == 0
    waiting.go_on(last, tom)
    drain(last)
    assert not waiting.take_back(last, tom)
    assert state_of(last) == [State.ACCEPTED]


def test_a_stop_goes_through_everything_that_hangs_on_it(
    bob: Person, seller: Seller, now: dt.datetime, amazon: Amazon
) -> None:
    amazon.scenario()
    bad = hand_over(
        create_reservation, person=bob, seller=seller, resource_id="NOBODY",
        why=ReservationType.BREAK, start=now + 24 * HOUR, end=now + 25 * HOUR,
    )  # fmt: skip
    gone = hand_over(cancel_reservation, person=bob, seller=seller, reservation_id="1")
    drain(bad)
    assert state_of(bad, gone) == [State.REFUSED, State.PENDING]
    assert gone.stopped_by == bad


# --- Not confirmed ------------------------------------------------------------------------------


def test_an_unknown_one_holds_back_what_needs_it_until_it_is_settled(
    bob: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    amazon.faults({"operation": FULFIL, "kind": "drop", "times": 9})
    lost = work(bob, job, now)
    last = done(bob, job)
    drain(lost)
    assert state_of(lost, last) == [State.UNKNOWN, State.PENDING]
    amazon.faults()
    later(settling.SETTLE_AFTER + dt.timedelta(seconds=1))
    assert settling.settle_open() == 1
    later(dt.timedelta(hours=1))
    drain(last)
    assert state_of(lost, last) == [State.ACCEPTED, State.ACCEPTED]
    assert sent(amazon)[-2:] == [FULFIL, COMPLETE]
    assert len(amazon.calls(COMPLETE)) == 1


def test_a_lost_answer_is_settled_by_looking_not_by_sending(
    tom: Person, job: ServiceJob, amazon: Amazon
) -> None:
    amazon.faults({"operation": COMPLETE, "kind": "drop_after_commit", "times": 9})
    action = done(tom, job)
    drain(action)
    assert state_of(action) == [State.ACCEPTED]


def test_a_worker_that_died_between_sending_and_the_answer_loses_and_doubles_nothing(
    tom: Person, job: ServiceJob, amazon: Amazon, now: dt.datetime
) -> None:
    """Once before Amazon had it, once after."""
    long_ago = timezone.now() - settling.ABANDONED_AFTER - dt.timedelta(seconds=1)
    before, last = done(tom, job), arrival(tom, job, now)
    Action.objects.filter(pk=before.pk).update(state=State.SENT, sent_at=long_ago)
    assert settling.settle_open() == 1
    assert state_of(before) == [State.PENDING], "Amazon does not show it: it is sent again"
    later(HOUR)
    drain(before)
    assert state_of(before, last) == [State.ACCEPTED, State.REFUSED], "closed jobs take no arrival"
    assert len(amazon.calls(COMPLETE)) == 1
    Action.objects.filter(pk=before.pk).update(state=State.SENT, sent_at=long_ago)
    assert settling.settle_open() == 1
    assert state_of(before) == [State.ACCEPTED]
    assert len(amazon.calls(COMPLETE)) == 1


def test_where_a_repeat_is_not_harmless_a_person_decides(
    bob: Person, seller: Seller, amazon: Amazon, now: dt.datetime
) -> None:
    amazon.scenario()
    amazon.faults({"operation": "cancelReservation", "kind": "drop", "times": 9})
    action = hand_over(cancel_reservation, person=bob, seller=seller, reservation_id="1")
    drain(action)
    assert state_of(action) == [State.UNKNOWN]
    later(settling.SETTLE_AFTER + dt.timedelta(seconds=1))
    assert settling.settle_open() == 1
    assert state_of(action) == [State.REFUSED]
    assert "safe" not in action.errors[0]["message"]
    assert "before you send it again" in action.errors[0]["message"]


# --- Put off, never lost ------------------------------------------------------------------------


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "times": 99},
    {"kind": "status", "status": 401, "times": 99},
    {"kind": "status", "status": 500, "times": 99},
    {"kind": "status", "status": 503, "times": 99},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["status"]))
def test_what_says_nothing_of_the_write_puts_it_off(
    tom: Person, job: ServiceJob, amazon: Amazon, impatient: None, fault: dict[str, Any]
) -> None:
    amazon.faults({"operation": COMPLETE, **fault})
    action = done(tom, job)
    drain(action)
    assert state_of(action)[0] in (State.PENDING, State.UNKNOWN)
    amazon.faults()
    later(settling.SETTLE_AFTER + dt.timedelta(seconds=1))
    settling.settle_open()
    assert state_of(action) == [State.PENDING]
    assert action.attempts == 1
    later(HOUR)
    drain(action)
    assert state_of(action) == [State.ACCEPTED]
    assert action.errors == []


def test_a_seller_that_must_authorise_again_loses_nothing(
    tom: Person, job: ServiceJob, amazon: Amazon
) -> None:
    seller = job.seller
    token = seller.refresh_token
    seller.refresh_token = "Atzr|revoked"
    seller.save()
    action = done(tom, job)
    drain(action)
    assert state_of(action) == [State.PENDING]
    assert "authorise" in action.errors[0]["message"]
    seller.refresh_token = token
    seller.save()
    later(HOUR)
    drain(action)
    assert state_of(action) == [State.ACCEPTED]


def test_it_is_not_tried_before_its_time(
    tom: Person, job: ServiceJob, amazon: Amazon, impatient: None
) -> None:
    amazon.faults({"operation": COMPLETE, "kind": "status", "status": 429, "times": 1})
    action = done(tom, job)
    drain(action)
    assert action.not_before is None
    assert state_of(action) == [State.PENDING]
    assert action.not_before > timezone.now()
    drain(action)
    assert len(amazon.calls(COMPLETE)) == 1
    assert waiting.tick() == 0


def test_after_three_days_it_is_given_up_and_said(
    tom: Person, job: ServiceJob, amazon: Amazon, impatient: None
) -> None:
    amazon.faults({"operation": COMPLETE, "kind": "status", "status": 429, "times": 1})
    action = done(tom, job)
    Action.objects.update(created_at=timezone.now() - ledger.TRY_FOR - HOUR)
    drain(action)
    assert state_of(action) == [State.REFUSED]
    assert "three days" in action.errors[0]["message"]


def test_waiting_is_not_being_forgotten(tom: Person, job: ServiceJob) -> None:
    """What a dead web process left is refused after minutes; what waits for its turn is not."""
    action = done(tom, job)
    Action.objects.update(created_at=timezone.now() - 10 * settling.ABANDONED_AFTER)
    assert settling.settle_open() == 0
    assert state_of(action) == [State.PENDING]


# --- The bell -----------------------------------------------------------------------------------


def test_a_lane_is_rung_for_once_and_again_when_nobody_came(
    tom: Person, job: ServiceJob, now: dt.datetime
) -> None:
    work(tom, job, now)
    done(tom, job)
    assert waiting.tick() == 1, "one ring a lane"
    assert waiting.tick() == 0
    Action.objects.update(rung_at=timezone.now() - dt.timedelta(minutes=1))
    assert waiting.tick() == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_in_rings_at_once_on_redis_too(
    tom: Person, job: ServiceJob, put_queue: PutQueue, redis_url: str
) -> None:
    put_queue("redis", redis_url)
    action = done(tom, job)
    message = waiting.bell().huey.dequeue()
    assert message is not None
    assert message.args == (str(action.pk),)


def test_a_ring_for_a_write_that_is_gone_does_nothing() -> None:
    waiting.send_lane(str(uuid.uuid4()))


# --- Files and buyers ---------------------------------------------------------------------------


def test_waiting_files_go_with_their_buyer(tom: Person, job: ServiceJob, amazon: Amazon) -> None:
    action = proof(tom, job)
    ServiceJob.objects.update(closed_at=timezone.now() - dt.timedelta(days=31))
    retention.run(timezone.now())
    assert ActionFile.objects.count() == 0
    drain(action)
    assert state_of(action) == [State.REFUSED]
    assert "erased" in action.errors[0]["message"]
    assert amazon.calls(FULFIL) == []
